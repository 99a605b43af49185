using RawWs.Protocol.WebSockets;
using RawWs.Server.Events;
using RawWs.Tests.Support;

namespace RawWs.Tests.EndToEnd;

/// <summary>The envelope dialect over a real socket, as docs/envelope.md specifies it.</summary>
public class EnvelopeTests
{
    [Test]
    public async Task First_event_connects_and_is_handled_behind_the_connect()
    {
        await using var server = await TestServer.StartAsync(map: s => s.OnConnection(socket =>
            socket.On<string>("say", text => socket.Emit("said", text))));
        using var client = await server.OpenAsync("/ws");
        await client.SendFrameAsync(Opcode.Text, """{"event":"say","data":"hi"}""");
        Assert.That((await client.ReadFrameAsync()).Text, Does.Match("""^{"event":"connect","data":{"id":"[\w-]{20}"}}$"""));
        Assert.That((await client.ReadFrameAsync()).Text, Is.EqualTo("""{"event":"said","data":"hi"}"""));
    }

    [Test]
    public async Task Connect_brings_credentials()
    {
        await using var server = await TestServer.StartAsync(map: s => s.OnConnection(socket =>
            socket.Emit("hello", socket.Handshake.Auth.GetProperty("token").GetString())));
        using var client = await ConnectAsync(server, """{"event":"connect","data":{"token":"secret"}}""");
        Assert.That((await client.ReadFrameAsync()).Text, Is.EqualTo("""{"event":"hello","data":"secret"}"""));
    }

    [Test]
    public async Task Client_that_only_listens_is_connected_after_the_grace_period()
    {
        await using var server = await TestServer.StartAsync(
            options => options.Events.ConnectGracePeriod = TimeSpan.FromMilliseconds(50));
        using var client = await server.OpenAsync("/ws");
        Assert.That((await client.ReadFrameAsync()).Text, Does.StartWith("""{"event":"connect","""));
    }

    [Test]
    public async Task Handler_of_a_silent_client_that_blocks_does_not_stop_the_timer()
    {
        using var unblock = new ManualResetEventSlim();
        using var blocked = new ManualResetEventSlim();
        await using var server = await TestServer.StartAsync(
            options =>
            {
                options.Events.ConnectGracePeriod = TimeSpan.FromMilliseconds(20);
                options.HandshakeTimeout = TimeSpan.FromSeconds(2);
            },
            s => s.OnConnection(_ =>
            {
                blocked.Set();
                unblock.Wait(WireClient.Patience);
            }));
        using var silent = await server.OpenAsync("/ws");
        Assert.That(blocked.Wait(WireClient.Patience), Is.True);
        using var late = await WireClient.ConnectAsync(server.EndPoint);
        await late.ExpectEndAsync();
        Assert.That(unblock.IsSet, Is.False);
        unblock.Set();
    }

    [Test]
    public async Task Acknowledgements_go_both_ways()
    {
        await using var server = await TestServer.StartAsync(map: s => s.OnConnection(socket =>
        {
            socket.On<int, int>("double", number => number * 2);
            socket.On<string, string>("ask me", async question =>
                "you said " + await socket.EmitWithAckAsync<string, string>("question", question));
        }));
        using var client = await ConnectAsync(server);
        await client.SendFrameAsync(Opcode.Text, """{"event":"double","data":21,"id":7}""");
        Assert.That((await client.ReadFrameAsync()).Text, Is.EqualTo("""{"ack":7,"data":42}"""));

        await client.SendFrameAsync(Opcode.Text, """{"event":"ask me","data":"why?","id":8}""");
        var question = (await client.ReadFrameAsync()).Text;
        Assert.That(question, Does.Match("""^{"event":"question","data":"why\?","id":\d+}$"""));
        var id = question[(question.LastIndexOf(':') + 1)..^1];
        await client.SendFrameAsync(Opcode.Text, $$"""{"ack":{{id}},"data":"because"}""");
        Assert.That((await client.ReadFrameAsync()).Text, Is.EqualTo("""{"ack":8,"data":"you said because"}"""));
    }

    [Test]
    public async Task Handler_that_throws_costs_only_its_event()
    {
        await using var server = await TestServer.StartAsync(map: s => s.OnConnection(socket =>
        {
            socket.On("boom", () => throw new InvalidOperationException("inner details"));
            socket.On("fine", () => "ok");
        }));
        using var client = await ConnectAsync(server);
        await client.SendFrameAsync(Opcode.Text, """{"event":"boom","id":1}""");
        var error = (await client.ReadFrameAsync()).Text;
        Assert.That(error, Does.StartWith("""{"ack":1,"error":{"code":"handler_error","""));
        Assert.That(error, Does.Not.Contain("inner details"));
        await client.SendFrameAsync(Opcode.Text, """{"event":"fine","id":2}""");
        Assert.That((await client.ReadFrameAsync()).Text, Is.EqualTo("""{"ack":2,"data":"ok"}"""));
    }

    [Test]
    public async Task Path_below_the_event_path_names_the_namespace()
    {
        await using var server = await TestServer.StartAsync(map: s =>
            s.Of("/admin").OnConnection(socket => socket.Emit("in", socket.Namespace.Name)));
        using var client = await ConnectAsync(server, path: "/ws/admin");
        Assert.That((await client.ReadFrameAsync()).Text, Is.EqualTo("""{"event":"in","data":"/admin"}"""));
    }

    [Test]
    public async Task Unknown_namespace_is_refused()
    {
        await using var server = await TestServer.StartAsync();
        using var client = await server.OpenAsync("/ws/nowhere");
        await client.SendFrameAsync(Opcode.Text, """{"event":"connect"}""");
        Assert.That(
            (await client.ReadFrameAsync()).Text,
            Is.EqualTo("""{"event":"connect_error","data":{"message":"Invalid namespace"}}"""));
        Assert.That((await client.ReadFrameAsync()).CloseCode, Is.EqualTo(CloseCode.PolicyViolation));
    }

    [Test]
    public async Task Middleware_refuses_with_a_message_and_data()
    {
        await using var server = await TestServer.StartAsync(map: s => s.Use(socket =>
        {
            if (socket.Handshake.Headers.ContainsKey("X-Pass"))
                return;
            throw new ConnectionRefusedException("Not authorized", 401);
        }));
        using var refused = await server.OpenAsync("/ws");
        await refused.SendFrameAsync(Opcode.Text, """{"event":"connect"}""");
        Assert.That(
            (await refused.ReadFrameAsync()).Text,
            Is.EqualTo("""{"event":"connect_error","data":{"message":"Not authorized","data":401}}"""));
        using var accepted = await WireClient.OpenAsync(server.EndPoint, "/ws", "X-Pass: yes\r\n");
        await accepted.SendFrameAsync(Opcode.Text, """{"event":"connect"}""");
        Assert.That((await accepted.ReadFrameAsync()).Text, Does.StartWith("""{"event":"connect","data":{"id":"""));
    }

    [Test]
    public async Task Malformed_envelopes_are_answered_then_the_connection_is_closed_with_1008()
    {
        await using var server = await TestServer.StartAsync(options => options.Events.MaxMalformedEnvelopes = 3);
        using var client = await ConnectAsync(server);
        for (var i = 0; i < 3; i++)
        {
            await client.SendFrameAsync(Opcode.Text, "{]");
            Assert.That((await client.ReadFrameAsync()).Text, Does.StartWith("""{"error":{"code":"not_json","""));
        }

        Assert.That((await client.ReadFrameAsync()).CloseCode, Is.EqualTo(CloseCode.PolicyViolation));
    }

    [Test]
    public async Task Binary_message_is_closed_with_1003()
    {
        await using var server = await TestServer.StartAsync();
        using var client = await ConnectAsync(server);
        await client.SendFrameAsync(Opcode.Binary, "{}");
        Assert.That((await client.ReadFrameAsync()).CloseCode, Is.EqualTo(CloseCode.UnsupportedData));
    }

    [TestCase("close frame", "transport close")]
    [TestCase("disconnect event", "client namespace disconnect")]
    [TestCase("end of stream", "transport close")]
    [TestCase("unmasked frame", "transport error")]
    public async Task Leaving_fires_disconnect_with_the_reason(string how, string reason)
    {
        var left = new TaskCompletionSource<(string Reason, int Rooms)>();
        await using var server = await TestServer.StartAsync(map: s => s.OnConnection(socket =>
        {
            var rooms = 0;
            socket.Join("room");
            socket.OnDisconnecting(_ => rooms = socket.Rooms.Count);
            socket.OnDisconnect(why => left.TrySetResult((why.ToString(), rooms)));
        }));
        using var client = await ConnectAsync(server);
        switch (how)
        {
            case "close frame":
                await client.SendAsync(WireClient.CloseFrame(1001));
                break;
            case "disconnect event":
                await client.SendFrameAsync(Opcode.Text, """{"event":"disconnect"}""");
                break;
            case "end of stream":
                client.Socket.Shutdown(System.Net.Sockets.SocketShutdown.Send);
                break;
            default:
                await client.SendHexAsync("810568656C6C6F");
                break;
        }

        Assert.That(await left.Task.WaitAsync(WireClient.Patience), Is.EqualTo((reason, 2)));
    }

    [Test]
    public async Task Server_disconnects_a_client_and_says_so()
    {
        await using var server = await TestServer.StartAsync(map: s => s.OnConnection(socket =>
            socket.On("kick me", () => socket.Disconnect())));
        using var client = await ConnectAsync(server);
        await client.SendFrameAsync(Opcode.Text, """{"event":"kick me"}""");
        Assert.That(
            (await client.ReadFrameAsync()).Text,
            Is.EqualTo("""{"event":"disconnect","data":{"reason":"server namespace disconnect"}}"""));
        Assert.That((await client.ReadFrameAsync()).CloseCode, Is.EqualTo(CloseCode.NormalClosure));
    }

    [Test]
    public async Task Broadcasts_reach_everybody_else_in_order_and_rooms_their_members()
    {
        await using var server = await TestServer.StartAsync(map: s => s.OnConnection(socket =>
        {
            socket.On<string, string>("join", room =>
            {
                socket.Join(room);
                return "ok";
            });
            socket.On<int>("others", number => socket.Broadcast.Emit("number", number));
            socket.On<int>("room", number => s.To("a", "b").Emit("in room", number));
        }));
        using var speaker = await ConnectAsync(server);
        using var listener = await ConnectAsync(server);
        await listener.SendFrameAsync(Opcode.Text, """{"event":"join","data":"a"}""");
        await listener.SendFrameAsync(Opcode.Text, """{"event":"join","data":"b","id":1}""");
        Assert.That((await listener.ReadFrameAsync()).Text, Is.EqualTo("""{"ack":1,"data":"ok"}"""));

        for (var i = 0; i < 100; i++)
            await speaker.SendFrameAsync(Opcode.Text, $$"""{"event":"others","data":{{i}}}""");
        await speaker.SendFrameAsync(Opcode.Text, """{"event":"room","data":1}""");
        for (var i = 0; i < 100; i++)
            Assert.That((await listener.ReadFrameAsync()).Text, Is.EqualTo($$"""{"event":"number","data":{{i}}}"""));
        Assert.That((await listener.ReadFrameAsync()).Text, Is.EqualTo("""{"event":"in room","data":1}"""));
        await speaker.SendFrameAsync(Opcode.Ping, "nothing before this");
        Assert.That((await speaker.ReadFrameAsync()).Opcode, Is.EqualTo(Opcode.Pong));
    }

    [Test]
    public async Task Several_values_go_both_ways_as_args()
    {
        await using var server = await TestServer.StartAsync(map: s => s.OnConnection(socket =>
        {
            socket.On<string, int>("two", (text, number) => socket.Emit("back", number, text));
            socket.On("any", context => socket.Emit("any back", context.Arguments));
        }));
        using var client = await ConnectAsync(server);
        await client.SendFrameAsync(Opcode.Text, """{"event":"two","args":["x",1]}""");
        Assert.That((await client.ReadFrameAsync()).Text, Is.EqualTo("""{"event":"back","args":[1,"x"]}"""));
        await client.SendFrameAsync(Opcode.Text, """{"event":"any","args":[1e999,{"__proto__":-0},"\ud800"]}""");
        Assert.That(
            (await client.ReadFrameAsync()).Text,
            Is.EqualTo("""{"event":"any back","args":[1e999,{"__proto__":-0},"\ud800"]}"""));
    }

    [Test]
    public async Task Client_over_its_bound_of_pending_handlers_is_not_read()
    {
        var gate = new TaskCompletionSource();
        var started = 0;
        await using var server = await TestServer.StartAsync(
            options => options.Events.MaxConcurrentHandlers = 2,
            s => s.OnConnection(socket => socket.On<int>("slow", async number =>
            {
                Interlocked.Increment(ref started);
                await gate.Task;
                socket.Emit("done", number);
            })));
        using var client = await ConnectAsync(server);
        for (var i = 0; i < 5; i++)
            await client.SendFrameAsync(Opcode.Text, $$"""{"event":"slow","data":{{i}}}""");
        await client.SendFrameAsync(Opcode.Ping, "behind the events");
        await Eventually.IsTrueAsync(() => Volatile.Read(ref started) == 2);
        gate.SetResult();
        var texts = new List<string>();
        for (var i = 0; i < 6; i++)
            texts.Add((await client.ReadFrameAsync()).Text);
        Assert.That(texts, Has.Exactly(5).StartsWith("""{"event":"done","""));
        Assert.That(texts, Does.Contain("behind the events"));
        Assert.That(started, Is.EqualTo(5));
    }

    private static async Task<WireClient> ConnectAsync(
        TestServer server, string connect = """{"event":"connect"}""", string path = "/ws")
    {
        var client = await server.OpenAsync(path);
        await client.SendFrameAsync(Opcode.Text, connect);
        Assert.That((await client.ReadFrameAsync()).Text, Does.StartWith("""{"event":"connect","data":{"id":"""));
        return client;
    }
}
