using System.Text;
using RawWs.Server;
using RawWs.Server.Events;
using RawWs.Server.Sessions;
using RawWs.Tests.Support;

namespace RawWs.Tests.Server.Events;

[FixtureLifeCycle(LifeCycle.InstancePerTestCase)]
public sealed class RecoveryTests
{
    private static readonly DisconnectReason[] s_reasons =
    [
        DisconnectReason.TransportError, DisconnectReason.TransportClose, DisconnectReason.ForcedClose,
        DisconnectReason.PingTimeout, DisconnectReason.ParseError, DisconnectReason.ServerShuttingDown,
        DisconnectReason.ForcedServerClose, DisconnectReason.ClientNamespaceDisconnect,
        DisconnectReason.ServerNamespaceDisconnect,
    ];

    private readonly RecoveryOptions _options = new();
    private readonly TestServer _server;

    public RecoveryTests() => _server = new TestServer(options => options.Recovery = _options);

    [Test]
    public void A_family_forgets_a_member_whose_clients_came_back_and_left()
    {
        _server.Server.Of(_ => true);
        TestSession client = _server.Connect("/x");
        for (var i = 0; i < 3; i++)
            client = ComeBack(client, "/x");

        client.In("/x").Disconnect();

        Assert.That(_server.Hub.NamespaceCount, Is.EqualTo(1));
    }

    [Test]
    public void Private_ids_are_unguessable_and_tell_nothing_of_the_public_ones()
    {
        EventSocket[] sockets = [.. Enumerable.Range(0, RandomIds.Enough).Select(_ => _server.Connect().Socket)];

        RandomIds.Expect([.. sockets.Select(socket => socket.RecoveryId!)], bytes: 18);
        Assert.That(sockets.Where(socket => socket.RecoveryId!.Contains(socket.Id, StringComparison.Ordinal)), Is.Empty);
    }

    [TestCase("transport error", true)]
    [TestCase("transport close", true)]
    [TestCase("forced close", true)]
    [TestCase("ping timeout", true)]
    [TestCase("server shutting down", true)]
    [TestCase("forced server close", true)]
    [TestCase("parse error", false)]
    [TestCase("client namespace disconnect", false)]
    [TestCase("server namespace disconnect", false)]
    public void The_reason_of_the_end_says_whether_a_client_may_come_back(string reason, bool mayReturn)
    {
        TestSession client = _server.Connect();

        TestSession again = ComeBack(client, reason: s_reasons.Single(known => known.ToString() == reason));

        Assert.That(again.Socket.Recovered, Is.EqualTo(mayReturn));
    }

    [Test]
    public void What_was_received_is_not_sent_again_and_what_was_missed_is()
    {
        TestSession client = _server.Connect();
        _server.Server.Emit("seen", 1);
        string offset = client.LastOffset!;
        _server.Server.Emit("lost", 2);

        TestSession again = ComeBack(client, offset: offset, meanwhile: () => _server.Server.Emit("missed", 3));

        Assert.That(again.Sent, Is.EqualTo(["lost 2", "missed 3", "<connect /"]));
        Assert.That(again.Socket.Recovered, Is.True);
    }

    [Test]
    public void Text_of_the_application_is_no_offset()
    {
        TestSession client = _server.Connect();
        for (var i = 0; i < 20; i++)
            _server.Server.Emit("news", i);

        // The official client takes the last argument of a volatile event for an offset, if it is a string.
        TestSession again = ComeBack(client, offset: "5");

        Assert.That(again.Sent, Is.EqualTo(["<connect /"]));
        Assert.That(again.Socket.Recovered, Is.False);
    }

    [Test]
    public void The_offset_of_an_event_that_went_to_others_is_no_place_to_go_on_from()
    {
        TestSession client = _server.Connect();
        TestSession other = _server.Connect();
        _server.Server.Emit("both");
        other.Socket.Emit("other");
        string theirs = other.LastOffset!;
        _server.Server.Emit("both");

        Assert.That(ComeBack(client, offset: theirs).Socket.Recovered, Is.False);
    }

    [Test]
    public void An_offset_from_before_this_session_means_that_nothing_of_it_was_received()
    {
        TestSession other = _server.Connect();
        _server.Server.Emit("before");
        string before = other.LastOffset!;
        TestSession client = _server.Connect();
        _server.Server.Emit("news");

        TestSession again = ComeBack(client, offset: before);

        Assert.That(again.Sent, Is.EqualTo(["news", "<connect /"]));
    }

    [Test]
    public void Two_servers_do_not_take_each_others_offsets()
    {
        var before = new TestServer(options => options.Recovery = new RecoveryOptions());
        TestSession there = before.Connect();
        TestSession client = _server.Connect();
        for (var i = 0; i < 3; i++)
        {
            before.Server.Emit("news", i);
            _server.Server.Emit("news", i);
        }

        Assert.That(ComeBack(client, offset: there.LastOffset).Socket.Recovered, Is.False);
    }

    [Test]
    public void An_event_for_one_client_stays_with_it_whoever_joins_a_room_of_its_name()
    {
        TestSession client = _server.Connect();
        TestSession curious = _server.Connect();
        curious.Socket.Join(client.Socket.Id);

        client.Socket.Emit("private");

        Assert.That(client.Events, Is.EqualTo(["private"]));
        Assert.That(curious.Events, Is.Empty);
    }

    [Test]
    public void What_is_emitted_to_a_client_that_is_gone_is_missed_by_it()
    {
        TestSession client = _server.Connect();
        EventSocket socket = client.Socket;

        TestSession again = ComeBack(client, meanwhile: () => socket.Emit("while away"));
        Assert.That(again.Sent, Is.EqualTo(["while away", "<connect /"]));

        again.Socket.Disconnect();
        socket.Emit("gone for good");
        Assert.That(again.Events, Is.EqualTo(["while away"]));
    }

    [Test]
    public void Events_that_are_sent_to_one_client_are_seen_by_its_callbacks_outside_of_the_lock()
    {
        TestSession client = _server.Connect();
        var seen = new List<string>();
        client.Socket.OnAnyOutgoing(sent =>
        {
            seen.Add(sent.Name);
            if (sent.Name == "one")
                Task.Run(() => _server.Server.Emit("two")).Wait(TimeSpan.FromSeconds(10));
        });

        client.Socket.Emit("one");

        Assert.That(seen, Is.EqualTo(["one", "two"]));
    }

    private TestSession ComeBack(
        TestSession client,
        string namespaceName = "/",
        string? offset = null,
        Action? meanwhile = null,
        DisconnectReason? reason = null)
    {
        string pid = client.In(namespaceName).RecoveryId!;
        client.Close(reason ?? DisconnectReason.TransportClose);
        meanwhile?.Invoke();
        var again = new TestSession(_server);
        string more = offset is null ? "" : $",\"offset\":\"{offset}\"";
        again.ConnectAsync(namespaceName, Encoding.UTF8.GetBytes($"{{\"pid\":\"{pid}\"{more}}}"));
        return again;
    }
}
