using System.Net.Sockets;
using System.Text;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Time.Testing;
using RawWs.Protocol.WebSockets;
using RawWs.Server.Transport;
using RawWs.Tests.Support;

namespace RawWs.Tests.Reliability;

/// <summary>Peers that stop reading, flood, drip or vanish: what they cost is bounded, and others are served.</summary>
public class HostilePeerTests
{
    [Test]
    public async Task Reader_that_stops_is_not_read_either_and_gets_everything_when_it_goes_on()
    {
        const int Messages = 400;
        var opened = new TaskCompletionSource<WebSocketConnection>(TaskCreationOptions.RunContinuationsAsynchronously);
        var handler = new CallbackHandler
        {
            Open = (connection, _) => opened.SetResult(connection),
            Message = (echoing, type, payload) =>
            {
                echoing.Send(type, payload.Span);
                return default;
            },
        };
        await using var server = await TestServer.StartAsync(map: s => s.MapWebSocket("/stop", handler));
        using var client = await server.OpenAsync("/stop");
        var connection = await opened.Task.WaitAsync(WireClient.Patience);
        var message = WireClient.Frame(Opcode.Binary, new byte[100_000]);
        var sent = 0;
        var sending = Task.Run(async () =>
        {
            for (; sent < Messages; Interlocked.Increment(ref sent))
                await client.SendAsync(message);
        });

        // What the server will not take piles up at the sender, which stands still in the end.
        await Eventually.IsTrueAsync(() => connection.PendingBytes > 64 * 1024);
        Assert.That(connection.PendingBytes, Is.LessThan(64 * 1024 + 2 * message.Length));
        await AssertIsServedAsync(server);
        Assert.That(Volatile.Read(ref sent), Is.LessThan(Messages));

        for (var i = 0; i < Messages; i++)
            Assert.That((await client.ReadFrameAsync()).Payload, Has.Length.EqualTo(100_000));
        await sending;
    }

    [Test]
    public async Task Flood_of_pings_from_a_peer_that_does_not_read_costs_a_bounded_number_of_pongs()
    {
        WebSocketConnection? connection = null;
        var handler = new CallbackHandler { Open = (opened, _) => connection = opened };
        await using var server = await TestServer.StartAsync(map: s => s.MapWebSocket("/flood", handler));
        using var client = await server.OpenAsync("/flood");
        var pings = Enumerable.Repeat(WireClient.Frame(Opcode.Ping, new string('p', 125)), 1000).SelectMany(p => p).ToArray();
        using var patience = new CancellationTokenSource();
        var flooding = Task.Run(async () =>
        {
            try
            {
                while (true)
                    await client.Socket.SendAsync(pings, SocketFlags.None, patience.Token);
            }
            catch (OperationCanceledException)
            {
                // The test has seen enough.
            }
        });
        // The client may know that the connection is open before its handler does.
        await Eventually.IsTrueAsync(() => connection?.PendingBytes > 64 * 1024);
        await AssertIsServedAsync(server);
        Assert.That(connection!.PendingBytes, Is.LessThan(64 * 1024 + 1024));
        await patience.CancelAsync();
        await flooding;
    }

    [Test]
    public async Task Send_answers_backpressure_then_dropped_and_drained_comes_when_the_peer_reads_again()
    {
        var drained = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        WebSocketConnection? connection = null;
        var handler = new CallbackHandler
        {
            Open = (opened, _) => connection = opened,
            Drained = _ => drained.TrySetResult(),
        };
        await using var server = await TestServer.StartAsync(
            options => (options.MaxOutboxBytes, options.OutboxHighWaterBytes) = (1_000_000, 100_000),
            s => s.MapWebSocket("/push", handler));
        using var client = await server.OpenAsync("/push");
        await Eventually.IsTrueAsync(() => connection is not null);

        var accepted = 0;
        SendResult result;
        var results = new HashSet<SendResult>();
        do
        {
            result = connection!.Send(Opcode.Binary, BitConverter.GetBytes(accepted).Concat(new byte[9_996]).ToArray());
            results.Add(result);
            accepted += result == SendResult.Dropped ? 0 : 1;
        }
        while (result != SendResult.Dropped);
        Assert.That(results, Is.EquivalentTo(new[] { SendResult.Sent, SendResult.Backpressure, SendResult.Dropped }));
        Assert.That(connection.PendingBytes, Is.LessThanOrEqualTo(1_000_000));

        for (var i = 0; i < accepted; i++)
            Assert.That(BitConverter.ToInt32((await client.ReadFrameAsync()).Payload), Is.EqualTo(i));
        await drained.Task.WaitAsync(WireClient.Patience);
        Assert.That(connection.Send(Opcode.Text, "again"u8), Is.EqualTo(SendResult.Sent));
    }

    [Test]
    public async Task Handshakes_that_drip_do_not_keep_others_out()
    {
        await using var server = await TestServer.StartAsync();
        var slow = new List<WireClient>();
        for (var i = 0; i < 300; i++)
        {
            slow.Add(await WireClient.ConnectAsync(server.EndPoint));
            await slow[i].SendTextAsync("GET / HT");
        }

        await AssertIsServedAsync(server);
        slow.ForEach(client => client.Dispose());
        await Eventually.IsTrueAsync(() => server.Server.ConnectionCount == 0);
    }

    [Test]
    public async Task Connections_over_the_limit_wait_until_one_ends()
    {
        await using var server = await TestServer.StartAsync(options => options.MaxConnections = 2);
        using var one = await server.OpenAsync();
        using var two = await server.OpenAsync();
        using var three = await WireClient.ConnectAsync(server.EndPoint);
        await three.SendTextAsync(WireClient.Handshake("/echo"));
        await AssertEchoAsync(two);
        Assert.That(server.Server.ConnectionCount, Is.EqualTo(2));
        one.Dispose();
        Assert.That(await three.ReadHeadAsync(), Does.StartWith("HTTP/1.1 101 "));
    }

    [Test]
    public async Task Peer_that_answers_its_pings_lives_although_the_timeout_is_longer_than_the_interval()
    {
        var time = new FakeTimeProvider();
        await using var server = await TestServer.StartAsync(
            options => (options.PingInterval, options.PingTimeout) = (TimeSpan.FromSeconds(5), TimeSpan.FromSeconds(20)),
            timeProvider: time);
        using var client = await server.OpenAsync();
        // The connection counts its silence from a moment after the handshake can be read.
        await AssertEchoAsync(client);
        for (var i = 0; i < 5; i++)
        {
            // Until the ping; then, after the answer, until what would have been its deadline.
            time.Run(TimeSpan.FromSeconds(i == 0 ? 6 : 21));
            Assert.That((await client.ReadFrameAsync()).Opcode, Is.EqualTo(Opcode.Ping));
            await client.SendFrameAsync(Opcode.Pong, "");
            await AssertEchoAsync(client);
        }
    }

    [Test]
    public async Task Handler_that_takes_long_does_not_make_its_peer_look_silent()
    {
        var time = new FakeTimeProvider();
        var entered = new TaskCompletionSource();
        var done = new TaskCompletionSource();
        var handler = new CallbackHandler
        {
            Message = async (connection, type, payload) =>
            {
                entered.TrySetResult();
                await done.Task;
                connection.Send(type, payload.Span);
            },
        };
        await using var server = await TestServer.StartAsync(map: s => s.MapWebSocket("/long", handler), timeProvider: time);
        using var client = await server.OpenAsync("/long");
        await client.SendFrameAsync(Opcode.Text, "work");
        await entered.Task.WaitAsync(WireClient.Patience);
        time.Run(TimeSpan.FromSeconds(120));
        done.SetResult();
        WireFrame frame;
        do
            frame = await client.ReadFrameAsync();
        while (frame.Opcode == Opcode.Ping);
        Assert.That(frame.Text, Is.EqualTo("work"));
    }

    [Test]
    public async Task Client_that_goes_while_its_handlers_are_at_the_bound_is_disconnected()
    {
        var gone = new TaskCompletionSource();
        await using var server = await TestServer.StartAsync(
            options =>
            {
                options.Events.MaxConcurrentHandlers = 1;
                (options.PingInterval, options.PingTimeout) = (TimeSpan.FromMilliseconds(20), TimeSpan.FromMilliseconds(20));
            },
            s => s.OnConnection(socket =>
            {
                socket.On("wait for the end", () => gone.Task);
                socket.OnDisconnect(_ => gone.TrySetResult());
                socket.On("stop", () => Task.CompletedTask);
            }));
        using var client = await server.OpenAsync("/ws");
        await client.SendAsync((byte[])[
            .. WireClient.Frame(Opcode.Text, """{"event":"wait for the end"}"""),
            .. WireClient.Frame(Opcode.Text, """{"event":"stop"}""")]);
        await client.ReadFrameAsync();
        // Over HTTP, which knows no pings.
        Assert.That((await EngineClient.GetAsync(server, "/health")).Status, Is.EqualTo(200));
        using var now = new CancellationTokenSource(TimeSpan.FromMilliseconds(100));
        await server.Server.StopAsync(now.Token).WaitAsync(WireClient.Patience);
        await gone.Task.WaitAsync(WireClient.Patience);
    }

    [Test]
    public async Task Reset_at_every_byte_of_a_handshake_and_a_frame_leaves_nothing_behind()
    {
        await using var server = await TestServer.StartAsync();
        byte[] bytes = [
            .. Encoding.ASCII.GetBytes(WireClient.Handshake("/echo")),
            .. WireClient.Frame(Opcode.Text, "hello"),
            .. WireClient.CloseFrame(1000)];
        for (var length = 0; length <= bytes.Length; length++)
        {
            using var client = await WireClient.ConnectAsync(
                server.EndPoint, socket => socket.LingerState = new LingerOption(true, 0));
            await client.SendAsync(bytes.AsMemory(0, length));
        }

        await AssertIsServedAsync(server);
        await Eventually.IsTrueAsync(() => server.Server.ConnectionCount == 0, "connections are left");
        Assert.That(server.Logs.GetSnapshot().Where(record => record.Level >= LogLevel.Warning), Is.Empty);
    }

    [TestCase("open")]
    [TestCase("message")]
    [TestCase("message later")]
    [TestCase("close")]
    public async Task Handler_that_throws_costs_its_connection_alone(string where)
    {
        static InvalidOperationException Boom() => new("boom");
        var handler = new CallbackHandler
        {
            Open = (_, _) =>
            {
                if (where == "open")
                    throw Boom();
            },
            Message = async (_, _, _) =>
            {
                if (where == "message later")
                    await Task.Yield();
                if (where.StartsWith("message", StringComparison.Ordinal))
                    throw Boom();
            },
            Close = (_, _) =>
            {
                if (where == "close")
                    throw Boom();
            },
        };
        await using var server = await TestServer.StartAsync(map: s => s.MapWebSocket("/boom", handler));
        using var client = await server.OpenAsync("/boom");
        if (where == "close")
        {
            await client.SendAsync(WireClient.CloseFrame(1000));
            await client.ExpectCloseAsync(CloseCode.NormalClosure);
        }
        else
        {
            await client.TrySendAsync(WireClient.Frame(Opcode.Text, "x"));
            await client.ExpectCloseAsync(CloseCode.InternalError);
        }

        await AssertIsServedAsync(server);
        client.Dispose();
        await Eventually.IsTrueAsync(() => server.Server.ConnectionCount == 0);
        Assert.That(server.Logs.GetSnapshot().Count(record => record.Level == LogLevel.Error), Is.EqualTo(1));
    }

    [Test]
    public async Task Sending_and_closing_from_inside_every_callback_does_not_deadlock()
    {
        var closed = new TaskCompletionSource();
        var handler = new CallbackHandler
        {
            Open = (connection, _) => connection.Send(Opcode.Text, "open"u8),
            Message = (connection, _, _) =>
            {
                connection.Send(Opcode.Text, "message"u8);
                connection.Close();
                connection.Close(CloseCode.GoingAway);
                return default;
            },
            Close = (connection, _) =>
            {
                Assert.That(connection.Send(Opcode.Text, "late"u8), Is.EqualTo(SendResult.Dropped));
                connection.Close();
                connection.Abort();
                closed.SetResult();
            },
        };
        await using var server = await TestServer.StartAsync(map: s => s.MapWebSocket("/all", handler));
        using var client = await server.OpenAsync("/all");
        Assert.That((await client.ReadFrameAsync()).Text, Is.EqualTo("open"));
        await client.SendFrameAsync(Opcode.Text, "x");
        Assert.That((await client.ReadFrameAsync()).Text, Is.EqualTo("message"));
        Assert.That((await client.ReadFrameAsync()).CloseCode, Is.EqualTo(CloseCode.NormalClosure));
        await client.SendAsync(WireClient.CloseFrame(1000));
        await closed.Task.WaitAsync(WireClient.Patience);
    }

    [Test]
    public async Task Stop_may_be_called_twice_and_while_connections_come_in()
    {
        await using var server = await TestServer.StartAsync();
        var coming = Enumerable.Range(0, 50).Select(async _ =>
        {
            try
            {
                using var client = await WireClient.ConnectAsync(server.EndPoint);
            }
            catch (SocketException)
            {
                // Too late.
            }
        }).ToList();
        await Task.WhenAll(server.Server.StopAsync(), server.Server.StopAsync()).WaitAsync(WireClient.Patience);
        await Task.WhenAll(coming);
        Assert.That(server.Server.ConnectionCount, Is.Zero);
    }

    [Test]
    public async Task Handler_that_never_returns_does_not_keep_the_server_from_stopping()
    {
        var entered = new TaskCompletionSource();
        var never = new TaskCompletionSource();
        var handler = new CallbackHandler
        {
            Message = async (_, _, _) =>
            {
                entered.SetResult();
                await never.Task;
            },
        };
        await using var server = await TestServer.StartAsync(
            options => options.LingerTimeout = TimeSpan.FromMilliseconds(50), s => s.MapWebSocket("/never", handler));
        using var client = await server.OpenAsync("/never");
        await client.SendFrameAsync(Opcode.Text, "x");
        await entered.Task.WaitAsync(WireClient.Patience);
        await server.Server.StopAsync(new CancellationToken(canceled: true)).WaitAsync(WireClient.Patience);
        never.SetResult();
        await Eventually.IsTrueAsync(() => server.Server.ConnectionCount == 0);
    }

    private static async Task AssertIsServedAsync(TestServer server)
    {
        using var other = await server.OpenAsync();
        await AssertEchoAsync(other);
    }

    private static async Task AssertEchoAsync(WireClient client)
    {
        await client.SendFrameAsync(Opcode.Text, "served?");
        Assert.That((await client.ReadFrameAsync()).Text, Is.EqualTo("served?"));
    }
}
