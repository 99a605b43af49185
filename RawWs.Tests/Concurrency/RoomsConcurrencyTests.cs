using System.Globalization;
using CsCheck;
using RawWs.Server.Events;
using RawWs.Server.Sessions;
using RawWs.Tests.Server.Events;
using RawWs.Tests.Support;
using Gen = CsCheck.Gen;
using TestServer = RawWs.Tests.Server.Events.TestServer;

namespace RawWs.Tests.Concurrency;

/// <summary>Rooms under many threads: against a model, against every order of the same steps, and under
/// load.</summary>
public sealed class RoomsConcurrencyTests
{
    private const int Clients = 3;
    private static readonly string[] RoomNames = ["a", "b", "c"];

    private static readonly Gen<int> Client = Gen.Int[0, Clients - 1];
    private static readonly Gen<string> Room = Gen.Int[0, RoomNames.Length - 1].Select(i => RoomNames[i]);
    private static readonly Gen<int> Number = Gen.Int[0, 9999];

    [Test]
    public void Rooms_do_what_a_list_of_members_would() =>
        Gen.Const(() => (new Hall(), new Model())).SampleModelBased(
            [
                Gen.Select(Client, Room).Operation<Hall, Model>(
                    step => $"join {step}",
                    (hall, step) => hall.Join(step.Item1, step.Item2),
                    (model, step) => model.Join(step.Item1, step.Item2)),
                Gen.Select(Client, Room).Operation<Hall, Model>(
                    step => $"leave {step}",
                    (hall, step) => hall.Leave(step.Item1, step.Item2),
                    (model, step) => model.Leave(step.Item1, step.Item2)),
                Gen.Select(Room, Room, Room, Number).Operation<Hall, Model>(
                    step => $"to {step}",
                    (hall, step) => hall.Broadcast([step.Item1, step.Item2], step.Item3, step.Item4),
                    (model, step) => model.Broadcast([step.Item1, step.Item2], step.Item3, step.Item4)),
                Gen.Select(Client, Number).Operation<Hall, Model>(
                    step => $"from {step}",
                    (hall, step) => hall.BroadcastFrom(step.Item1, step.Item2),
                    (model, step) => model.BroadcastFrom(step.Item1, step.Item2)),
                Client.Operation<Hall, Model>(
                    client => $"disconnect {client}",
                    (hall, client) => hall.Disconnect(client),
                    (model, client) => model.Disconnect(client)),
            ],
            equal: (hall, model) => hall.ToString() == model.ToString(),
            iter: LongRun.Or(200, 20_000),
            threads: 1);

    [Test]
    public void Steps_of_several_threads_are_those_of_one_in_some_order() =>
        Gen.Const(() => new Hall()).SampleParallel(
            [
                Gen.Select(Client, Room).Operation<Hall>(
                    step => $"join {step}", (hall, step) => hall.Join(step.Item1, step.Item2)),
                Gen.Select(Client, Room).Operation<Hall>(
                    step => $"leave {step}", (hall, step) => hall.Leave(step.Item1, step.Item2)),
                Gen.Select(Room, Room, Room, Number).Operation<Hall>(
                    step => $"to {step}",
                    (hall, step) => hall.Broadcast([step.Item1, step.Item2], step.Item3, step.Item4)),
                Gen.Select(Client, Number).Operation<Hall>(
                    step => $"from {step}", (hall, step) => hall.BroadcastFrom(step.Item1, step.Item2)),
                Client.Operation<Hall>(client => $"disconnect {client}", (hall, client) => hall.Disconnect(client)),
            ],
            equal: (one, other) => one.ToString() == other.ToString(),
            print: hall => hall.ToString(),
            maxParallelOperations: 4,
            iter: LongRun.Or(50, 5_000),
            threads: 2);

    [Test]
    public void Broadcasts_of_several_threads_reach_every_member_once_and_in_one_order()
    {
        const int Posters = 3;
        int each = LongRun.Or(1_000, 100_000);
        var server = new TestServer();
        TestSession[] members = [.. Enumerable.Range(0, 3).Select(_ => server.Connect())];
        TestSession[] guests = [.. Enumerable.Range(0, 3).Select(_ => server.Connect())];
        foreach (TestSession member in members)
            member.Socket.Join("room");
        int unfinished = Posters;
        Thread[] posting = Run(Posters, poster =>
        {
            for (int i = 0; i < each; i++)
                server.Server.To("room").Emit("e", (poster * each) + i);
            Interlocked.Decrement(ref unfinished);
        });
        Thread[] moving = Run(guests.Length, guest =>
        {
            EventSocket socket = guests[guest].Socket;
            while (Volatile.Read(ref unfinished) > 0)
            {
                socket.Join("room", "elsewhere");
                socket.Leave("room");
            }

            guests[guest].Close(DisconnectReason.TransportClose);
        });
        foreach (Thread thread in posting.Concat(moving))
            thread.Join();

        int[] order = Numbers(members[0]);
        Assert.That(order, Is.EquivalentTo(Enumerable.Range(0, Posters * each)));
        for (int poster = 0; poster < Posters; poster++)
            Assert.That(order.Where(number => number / each == poster), Is.Ordered);
        Assert.That(members.Skip(1).Select(Numbers), Is.All.EqualTo(order));
        int[] places = new int[order.Length];
        for (int i = 0; i < order.Length; i++)
            places[order[i]] = i;
        foreach (TestSession guest in guests)
            Assert.That(Numbers(guest).Select(number => places[number]), Is.Ordered.And.Unique);
    }

    private static int[] Numbers(TestSession client) =>
        [.. client.Events.Select(line => int.Parse(line.Split(' ')[1], CultureInfo.InvariantCulture))];

    private static Thread[] Run(int count, Action<int> body)
    {
        Thread[] threads = [.. Enumerable.Range(0, count).Select(i => new Thread(() => body(i)))];
        foreach (Thread thread in threads)
            thread.Start();
        return threads;
    }

    /// <summary>A server and its clients.</summary>
    private sealed class Hall
    {
        private readonly TestServer _server = new();
        private readonly TestSession[] _clients;
        private readonly EventSocket[] _sockets;

        public Hall()
        {
            _clients = [.. Enumerable.Range(0, Clients).Select(_ => _server.Connect())];
            _sockets = [.. _clients.Select(client => client.Socket)];
        }

        public void Join(int client, string room) => _sockets[client].Join(room);

        public void Leave(int client, string room) => _sockets[client].Leave(room);

        public void Broadcast(string[] rooms, string except, int number) =>
            _server.Server.To(rooms).Except(except).Emit("e", number);

        public void BroadcastFrom(int client, int number) => _sockets[client].Broadcast.Emit("e", number);

        public void Disconnect(int client) => _clients[client].Close(DisconnectReason.TransportClose);

        public override string ToString() => string.Join('\n', _sockets.Select((socket, i) => string.Join(
            ' ', [.. socket.Rooms.Skip(1).Order(StringComparer.Ordinal), ":", .. _clients[i].Events])));
    }

    /// <summary>What it should do, in as few words as possible.</summary>
    private sealed class Model
    {
        private readonly SortedSet<string>?[] _rooms =
            [.. Enumerable.Range(0, Clients).Select(_ => new SortedSet<string>(StringComparer.Ordinal))];

        private readonly List<string>[] _events =
            [.. Enumerable.Range(0, Clients).Select(_ => new List<string>())];

        public void Join(int client, string room) => _rooms[client]?.Add(room);

        public void Leave(int client, string room) => _rooms[client]?.Remove(room);

        public void Broadcast(string[] rooms, string except, int number) =>
            Deliver(number, i => _rooms[i]!.Overlaps(rooms) && !_rooms[i]!.Contains(except));

        public void BroadcastFrom(int client, int number) => Deliver(number, i => i != client);

        public void Disconnect(int client) => _rooms[client] = null;

        public override string ToString() => string.Join('\n', _rooms.Select((rooms, i) => string.Join(
            ' ', [.. rooms ?? [], ":", .. _events[i]])));

        private void Deliver(int number, Func<int, bool> isMeant)
        {
            for (int i = 0; i < Clients; i++)
            {
                if (_rooms[i] is not null && isMeant(i))
                    _events[i].Add($"e {number}");
            }
        }
    }
}
