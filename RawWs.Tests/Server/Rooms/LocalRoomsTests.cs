using RawWs.Server.Events;
using RawWs.Server.Rooms;
using RawWs.Server.Sessions;
using RawWs.Tests.Server.Events;

namespace RawWs.Tests.Server.Rooms;

[FixtureLifeCycle(LifeCycle.InstancePerTestCase)]
public sealed class LocalRoomsTests
{
    private readonly TestServer _server = new();

    private LocalRooms Rooms => (LocalRooms)_server.Hub.Root.Rooms;

    [Test]
    public void Nobody_gets_a_broadcast_twice()
    {
        TestSession[] clients = [.. Enumerable.Range(0, 4).Select(_ => _server.Connect())];
        clients[0].Socket.Join("a", "b", "a");
        clients[1].Socket.Join("b");
        clients[2].Socket.Join("c");

        _server.Server.To("a", "b").To("b", clients[0].Socket.Id, clients[3].Socket.Id).Emit("e");

        Assert.That(clients.Select(client => client.Events.Length), Is.EqualTo([1, 1, 0, 1]));
    }

    [Test]
    public void Selections_leave_out_whom_they_say()
    {
        TestSession[] clients = [.. Enumerable.Range(0, 4).Select(_ => _server.Connect())];
        clients[0].Socket.Join("a");
        clients[1].Socket.Join("a", "quiet");
        clients[2].Socket.Join("b");

        Assert.That(Receivers(_server.Server.In("a").Except("quiet")), Is.EqualTo([0]));
        Assert.That(Receivers(_server.Server.Except("a", clients[3].Socket.Id)), Is.EqualTo([2]));
        Assert.That(Receivers(clients[0].Socket.Broadcast), Is.EqualTo([1, 2, 3]));
        Assert.That(Receivers(clients[0].Socket.To("a")), Is.EqualTo([1]));
        Assert.That(Receivers(clients[0].Socket.Except("b")), Is.EqualTo([1, 3]));
        Assert.That(Receivers(_server.Server.To("nobody")), Is.Empty);
        Assert.That(Receivers(_server.Server.To()), Is.EqualTo([0, 1, 2, 3]));

        int[] Receivers(BroadcastOperator selection)
        {
            int[] before = [.. clients.Select(client => client.Events.Length)];
            selection.Emit("e");
            int[] got = [.. Enumerable.Range(0, 4).Where(i => clients[i].Events.Length > before[i])];
            Assert.That(
                selection.FetchSockets().Select(socket => Array.FindIndex(clients, c => c.Socket == socket)),
                Is.EquivalentTo(got));
            return got;
        }
    }

    [Test]
    public void A_selection_is_immutable()
    {
        TestSession client = _server.Connect();
        client.Socket.Join("a");
        BroadcastOperator a = _server.Server.To("a");

        _ = a.Except("a");
        _ = a.To("b").Volatile;
        a.Emit("e");

        Assert.That(client.Events, Has.Length.EqualTo(1));
    }

    [Test]
    public void Operators_move_and_disconnect_all_they_select()
    {
        TestSession[] clients = [.. Enumerable.Range(0, 3).Select(_ => _server.Connect())];
        clients[0].Socket.Join("a");
        clients[1].Socket.Join("a");

        _server.Server.In("a").SocketsJoin("b", "c");
        _server.Server.In("b").SocketsLeave("a");
        Assert.That(clients[1].Socket.Rooms, Is.EqualTo([clients[1].Socket.Id, "b", "c"]));

        _server.Server.In("b").DisconnectSockets();
        Assert.That(_server.Server.Sockets, Is.EqualTo([clients[2].Socket]));
    }

    [Test]
    public void Rooms_vanish_with_their_last_member_and_nobody_joins_after_leaving()
    {
        TestSession client = _server.Connect();
        EventSocket socket = client.Socket;
        socket.Join("a", "b", socket.Id);
        Assert.That(Rooms.RoomCount, Is.EqualTo(2));
        socket.Leave("a");
        socket.Leave("a");
        Assert.That(Rooms.RoomCount, Is.EqualTo(1));

        client.Close(DisconnectReason.TransportClose);
        socket.Join("c");

        Assert.That(Rooms.RoomCount, Is.Zero);
        Assert.That(socket.Rooms, Is.Empty);
    }

    [Test]
    public void Joining_over_the_bound_joins_nothing()
    {
        var server = new TestServer(options => options.MaxRoomsPerSocket = 2);
        EventSocket socket = server.Connect().Socket;
        socket.Join("a");

        Assert.That(() => socket.Join("b", "c"), Throws.InvalidOperationException);
        socket.Join("a", "b");

        Assert.That(socket.Rooms, Is.EqualTo([socket.Id, "a", "b"]));
    }

    [Test]
    public void Another_client_can_join_the_room_of_ones_id()
    {
        TestSession first = _server.Connect();
        TestSession second = _server.Connect();
        second.Socket.Join(first.Socket.Id);

        _server.Server.To(first.Socket.Id).Emit("e");

        Assert.That(first.Events, Has.Length.EqualTo(1));
        Assert.That(second.Events, Has.Length.EqualTo(1));
    }

    [Test]
    public async Task Several_publishers_are_in_one_order_at_every_member_whatever_else_happens()
    {
        TestSession[] members = [.. Enumerable.Range(0, 8).Select(_ => _server.Connect())];
        foreach (TestSession member in members)
            member.Socket.Join("a", "b");

        Task[] publishers = [.. Enumerable.Range(0, 4).Select(publisher => Task.Run(() =>
        {
            for (var i = 0; i < 500; i++)
                _server.Server.To(i % 2 == 0 ? "a" : "b", "churn").Emit($"{publisher}", i);
        }))];
        Task[] churn = [.. Enumerable.Range(0, 2).Select(_ => Task.Run(() =>
        {
            for (var i = 0; i < 200; i++)
            {
                TestSession guest = _server.Connect();
                guest.Socket.Join("churn", $"own {i}");
                guest.Socket.Leave("churn");
                guest.Close(DisconnectReason.TransportClose);
            }
        }))];
        await Task.WhenAll([.. publishers, .. churn]);

        string[] order = members[0].Events;
        Assert.That(order, Has.Length.EqualTo(2_000));
        foreach (TestSession member in members)
            Assert.That(member.Events, Is.EqualTo(order));

        for (var publisher = 0; publisher < 4; publisher++)
        {
            Assert.That(
                order.Where(line => line.StartsWith($"{publisher} ", StringComparison.Ordinal)),
                Is.EqualTo(Enumerable.Range(0, 500).Select(i => $"{publisher} {i}")));
        }

        Assert.That(Rooms.RoomCount, Is.EqualTo(2));
    }
}
