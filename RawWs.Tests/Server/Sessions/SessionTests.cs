using RawWs.Server.Events;
using RawWs.Server.Sessions;
using RawWs.Tests.Server.Events;

namespace RawWs.Tests.Server.Sessions;

[FixtureLifeCycle(LifeCycle.InstancePerTestCase)]
public sealed class SessionTests
{
    private readonly TestServer _server = new();

    [Test]
    public void Disconnecting_sees_the_rooms_and_disconnect_comes_after_them()
    {
        var log = new List<string>();
        TestSession client = _server.Connect();
        EventSocket socket = client.Socket;
        socket.Join("den");
        socket.OnDisconnecting(reason => log.Add($"disconnecting {reason} {socket.Rooms.Count}"));
        socket.OnDisconnect(reason => log.Add($"disconnect {reason} {socket.Rooms.Count}"));

        client.Close(DisconnectReason.PingTimeout);
        client.Close(DisconnectReason.TransportClose);
        socket.Disconnect();

        Assert.That(log, Is.EqualTo(["disconnecting ping timeout 2", "disconnect ping timeout 0"]));
        Assert.That(client.CloseReason, Is.EqualTo(DisconnectReason.PingTimeout));
        Assert.That(client.Find("/"u8), Is.Null);
    }

    [Test]
    public void What_throws_on_the_way_out_keeps_nothing_else_from_leaving()
    {
        TestSession client = _server.Connect();
        EventSocket socket = client.Socket;
        var left = false;
        socket.OnDisconnecting(_ => throw new InvalidOperationException());
        socket.OnDisconnect(async _ =>
        {
            await Task.CompletedTask;
            throw new InvalidOperationException();
        });
        socket.OnDisconnect(_ => left = true);

        client.Close(DisconnectReason.TransportClose);

        Assert.That(left, Is.True);
        Assert.That(_server.Server.Sockets, Is.Empty);
        Assert.That((_server.Errors.Count(), _server.FailuresCounted), Is.EqualTo((2, 2L)));
    }

    [Test]
    public async Task A_connection_that_dies_during_middleware_never_connects_but_its_callbacks_run_once()
    {
        var asked = new TaskCompletionSource();
        var log = new List<string>();
        _server.Server.Use(async (socket, token) =>
        {
            socket.OnDisconnect(reason => log.Add(reason.ToString()));
            asked.SetResult();
            await Task.Delay(Timeout.InfiniteTimeSpan, token);
        });
        _server.Server.OnConnection(_ => log.Add("connected"));
        var client = new TestSession(_server);

        Task connecting = client.ConnectAsync("/", default);
        await asked.Task;
        client.Close(DisconnectReason.TransportClose);
        await connecting;

        Assert.That(log, Is.EqualTo(["transport close"]));
        Assert.That(client.Sent, Is.Empty);
        Assert.That(_server.Errors, Is.Empty);
        Assert.That(_server.Server.Sockets, Is.Empty);
    }

    [Test]
    public async Task A_connection_that_dies_during_the_connection_handler_leaves_after_it()
    {
        var log = new List<string>();
        var inHandler = new TaskCompletionSource();
        using var go = new ManualResetEventSlim();
        _server.Server.OnConnection(socket =>
        {
            inHandler.SetResult();
            go.Wait();
            log.Add($"handler {socket.Connected}");
            socket.OnDisconnect(reason => log.Add(reason.ToString()));
        });
        var client = new TestSession(_server);
        Task connecting = Task.Run(() => client.ConnectAsync("/", default));
        await inHandler.Task;

        client.Close(DisconnectReason.TransportError);
        go.Set();
        await connecting;

        Assert.That(log, Is.EqualTo(["handler False", "transport error"]));
        Assert.That(_server.Server.Sockets, Is.Empty);
    }

    [Test]
    public void A_callback_that_comes_too_late_runs_at_once()
    {
        TestSession client = _server.Connect();
        EventSocket socket = client.Socket;
        client.Close(DisconnectReason.ParseError);
        var log = new List<string>();

        socket.OnDisconnecting(reason => log.Add($"disconnecting {reason}"));
        socket.OnDisconnect(reason => log.Add($"disconnect {reason}"));

        Assert.That(log, Is.EqualTo(["disconnecting parse error", "disconnect parse error"]));
    }

    [Test]
    public void A_closed_session_joins_nothing()
    {
        var client = new TestSession(_server);
        client.Close(DisconnectReason.TransportClose);
        var reached = false;
        _server.Server.OnConnection(_ => reached = true);

        client.ConnectAsync("/", default);

        Assert.That(reached, Is.False);
        Assert.That(client.Sent, Is.Empty);
    }

    [Test]
    public void The_server_may_take_a_client_out_of_one_namespace_or_all()
    {
        _server.Server.Of("/admin");
        TestSession client = _server.Connect();
        client.ConnectAsync("/admin", default);
        var reasons = new List<string>();
        client.Socket.OnDisconnect(reason => reasons.Add($"{reason}"));
        client.In("/admin").OnDisconnect(reason => reasons.Add($"{reason}"));

        client.Socket.Disconnect();
        Assert.That(client.In("/admin").Connected, Is.True);
        Assert.That(client.ConnectionCloses, Is.Zero);

        client.In("/admin").Disconnect(close: true);
        Assert.That(client.Sent[2..], Is.EqualTo(["<disconnect /", "<disconnect /admin"]));
        Assert.That(client.ConnectionCloses, Is.EqualTo(1));
        Assert.That(reasons, Is.All.EqualTo("server namespace disconnect"));
    }

    [Test]
    public void A_client_that_left_a_namespace_may_join_it_again_as_another_socket()
    {
        TestSession client = _server.Connect();
        EventSocket before = client.Socket;

        before.Close(DisconnectReason.ClientNamespaceDisconnect);
        client.ConnectAsync("/", default);

        Assert.That(client.Socket.Id, Is.Not.EqualTo(before.Id));
        Assert.That(client.CloseReason, Is.Null);
    }

    [Test]
    public void Every_call_is_allowed_inside_every_callback()
    {
        TestSession other = _server.Connect();
        _server.Server.Use(Everything);
        _server.Server.OnConnection(socket =>
        {
            Everything(socket);
            socket.OnAny(_ => Everything(socket));
            socket.Use(_ => Everything(socket));
            socket.On("e", () => Everything(socket));
            socket.OnDisconnecting(_ => Everything(socket));
            socket.OnDisconnect(_ => Everything(socket));
        });

        TestSession client = _server.Connect();
        client.Receive("e");
        client.Socket.Disconnect(close: true);

        Assert.That(_server.Errors, Is.Empty);
        Assert.That(other.Events, Has.Length.EqualTo(7));

        void Everything(EventSocket socket)
        {
            _server.Server.Emit("all");
            socket.Emit("one");
            socket.Join("room");
            socket.To("room").Emit("nobody");
            socket.Leave("room");
            _ = socket.Namespace.Sockets;
            _ = socket.EmitWithAckAsync<int>("ask").Exception;
            if (!socket.Connected)
                socket.Disconnect();
        }
    }

    [Test]
    public void A_client_may_be_disconnected_by_its_own_connection_handler()
    {
        var log = new List<string>();
        _server.Server.OnConnection(socket =>
        {
            socket.Disconnect();
            socket.Emit("nowhere");
            socket.OnDisconnect(reason => log.Add($"{reason}"));
        });

        TestSession client = _server.Connect();

        Assert.That(log, Is.EqualTo(["server namespace disconnect"]));
        Assert.That(client.Sent, Is.EqualTo(["<connect /", "<disconnect /"]));
    }
}
