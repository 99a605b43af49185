using System.Net.Sockets;
using System.Text;
using Microsoft.Extensions.Time.Testing;
using RawWs.Protocol.WebSockets;
using RawWs.Server.Engine;
using RawWs.Tests.Support;

namespace RawWs.Tests.Reliability;

/// <summary>Faults of the network at chosen bytes, by a proxy between a client that keeps the rules and the server.</summary>
[NonParallelizable]
[Platform("Linux")]
public class FaultTests
{
    private static readonly ParallelOptions _parallel = new() { MaxDegreeOfParallelism = 32 };

    private static readonly byte[] _conversation = [
        .. Encoding.ASCII.GetBytes(WireClient.Handshake("/echo")),
        .. WireClient.Frame(Opcode.Text, "Hello", fin: false),
        .. WireClient.Frame(Opcode.Ping, "ping"),
        .. WireClient.Frame(Opcode.Continuation, new byte[200]),
        .. WireClient.CloseFrame(1000, "bye")];

    [TestCase(1_200)]
    [LongCase(10_000)]
    public async Task Reset_at_every_byte_of_a_handshake_and_of_frames_in_either_direction_leaves_nothing_behind(int connections)
    {
        await using var server = await TestServer.StartAsync();
        await using var proxy = new FaultProxy(server.EndPoint, number => [ResetAt(number, _conversation.Length)]);
        await server.WithstandAsync(() => Parallel.ForEachAsync(Enumerable.Range(0, connections), _parallel, async (_, _) =>
        {
            using var client = await TryConnectAsync(proxy);
            if (client is null)
                return;
            await client.TrySendAsync(_conversation);
            await client.ReadUntilOverAsync();
        }));
    }

    [TestCase(600)]
    [LongCase(10_000)]
    public async Task Reset_at_every_byte_of_a_poll_in_either_direction_ends_its_session_alone(int polls)
    {
        var echo = new EngineEcho();
        var engine = new EngineOptions
        {
            PingInterval = TimeSpan.FromSeconds(1),
            PingTimeout = TimeSpan.FromMilliseconds(500),
        };
        await using var server = await TestServer.StartAsync(map: s => s.MapEngine("/engine.io/", echo, engine));
        await using var proxy = new FaultProxy(server.EndPoint, number => [ResetAt(number, 200)]);
        var sessions = new System.Collections.Concurrent.ConcurrentBag<string>();
        await server.WithstandAsync(async () =>
        {
            await Parallel.ForEachAsync(Enumerable.Range(0, polls), _parallel, async (_, _) =>
            {
                var client = await EngineClient.OpenAsync(server);
                sessions.Add(client.Sid);
                await client.PostAsync("4hello");
                using var poll = await TryConnectAsync(proxy);
                if (poll is null)
                    return;
                await poll.TrySendAsync(EngineClient.Request("GET", client.Target(), "Connection: close\r\n"));
                await poll.ReadUntilOverAsync();
            });
            await Eventually.IsTrueAsync(() => sessions.All(echo.HasEnded), "a session without a client lives on");
        });
    }

    [Test]
    public async Task Bytes_that_come_one_by_one_in_both_directions_change_nothing()
    {
        await using var server = await TestServer.StartAsync();
        using var direct = await WireClient.ConnectAsync(server.EndPoint);
        await direct.SendAsync(_conversation);
        var expected = await direct.ReadToEndAsync();

        await using var proxy = new FaultProxy(
            server.EndPoint, new Fault(FaultKind.Split, Direction.ToServer, 0), new Fault(FaultKind.Split, Direction.ToClient, 0));
        await server.WithstandAsync(async () =>
        {
            using var client = await WireClient.ConnectAsync(proxy.EndPoint);
            await client.SendAsync(_conversation);
            Assert.That(await client.ReadToEndAsync(), Is.EqualTo(expected));
        });
    }

    // That no byte is judged twice, so that it costs no more than one write, is a test of the parser.
    [Test]
    public async Task Head_of_32_KiB_that_comes_byte_by_byte_is_answered_while_others_are_served()
    {
        // As long as it likes: thirty thousand bytes on their own are not sent in no time.
        await using var server = await TestServer.StartAsync(options => options.HandshakeTimeout = TimeSpan.FromMinutes(1));
        await using var proxy = new FaultProxy(server.EndPoint, new Fault(FaultKind.Split, Direction.ToServer, 0));
        await server.WithstandAsync(async () =>
        {
            using var client = await WireClient.ConnectAsync(proxy.EndPoint);
            await client.SendTextAsync(WireClient.Handshake("/echo", $"X: {new string('x', 32_000)}\r\n"));
            Assert.That(await client.ReadHeadAsync(), Does.StartWith("HTTP/1.1 101 "));
            await client.SendAsync(WireClient.CloseFrame(1000));
            await client.ExpectCloseAsync(CloseCode.NormalClosure);
        });
    }

    // No end and no reset comes from a peer whose machine is gone.
    [Test]
    public async Task Half_open_peer_is_found_when_interval_and_timeout_have_passed()
    {
        var clock = new FakeTimeProvider();
        await using var server = await TestServer.StartAsync(timeProvider: clock);
        var open = server.Meters.Count("rawws.websockets.active");
        await using var proxy = new FaultProxy(
            server.EndPoint, new Fault(FaultKind.Stall, Direction.ToServer, WireClient.Handshake("/echo").Length));
        using var client = await WireClient.OpenAsync(proxy.EndPoint, "/echo");
        await client.SendFrameAsync(Opcode.Text, "never comes");
        await Eventually.IsTrueAsync(() => open() == 1);

        clock.Run(TimeSpan.FromSeconds(25 + 20 - 1));
        Assert.That(server.Server.ConnectionCount, Is.EqualTo(1));
        clock.Run(TimeSpan.FromSeconds(2));
        await Eventually.IsTrueAsync(() => server.Server.ConnectionCount == 0, "the peer is taken for alive");
    }

    [Test]
    public async Task Half_open_client_of_Socket_IO_is_found_when_interval_and_timeout_have_passed()
    {
        var clock = new FakeTimeProvider();
        var app = new SocketIoApp();
        await using var server = await TestServer.StartAsync(map: app.Register, timeProvider: clock);
        await using var proxy = new FaultProxy(
            server.EndPoint,
            new Fault(FaultKind.Stall, Direction.ToServer, WireClient.Handshake(SocketIoWire.Path).Length + 8));
        using var client = await WireClient.OpenAsync(proxy.EndPoint, SocketIoWire.Path);
        await client.ReadFrameAsync();
        await client.SendPacketAsync("40");
        await client.ReadFrameAsync();

        clock.Run(TimeSpan.FromSeconds(25 + 20 - 1));
        Assert.That(app.Ends, Is.Empty);
        clock.Run(TimeSpan.FromSeconds(2));
        await app.ExpectEndsAsync("ping timeout");
        // Its transport is closed in good order, as far as that goes.
        clock.Run(TimeSpan.FromSeconds(12));
        await Eventually.IsTrueAsync(() => server.Server.ConnectionCount == 0, "its transport is kept");
    }

    [Test]
    public async Task Cut_and_half_close_by_the_network_still_flush_what_is_queued()
    {
        const int Bytes = 4_800_000;
        var handler = new CallbackHandler
        {
            Message = (connection, _, _) =>
            {
                for (var i = 0; i < Bytes / 100_000; i++)
                    connection.Send(Opcode.Binary, new byte[100_000]);
                return default;
            },
        };
        await using var server = await TestServer.StartAsync(
            options => (options.MaxOutboxBytes, options.LingerTimeout) = (8_000_000, TimeSpan.FromSeconds(10)),
            s => s.MapWebSocket("/much", handler));
        var request = WireClient.Handshake("/much").Length + WireClient.Frame(Opcode.Text, "go").Length;
        await using var proxy = new FaultProxy(server.EndPoint, new Fault(FaultKind.HalfClose, Direction.ToServer, request));
        await server.WithstandAsync(async () =>
        {
            using var client = await WireClient.OpenAsync(proxy.EndPoint, "/much");
            await client.SendFrameAsync(Opcode.Text, "go");
            var received = 0;
            while (await client.TryReadFrameAsync() is { Opcode: Opcode.Binary } frame)
                received += frame.Payload.Length;
            Assert.That(received, Is.EqualTo(Bytes));
        });
    }

    // A reset before the first byte may come before the client has noticed that it is connected.
    private static async Task<WireClient?> TryConnectAsync(FaultProxy proxy)
    {
        try
        {
            return await WireClient.ConnectAsync(proxy.EndPoint);
        }
        catch (SocketException e) when (e.SocketErrorCode == SocketError.ConnectionReset)
        {
            return null;
        }
    }

    // By turns to and from the server, at each byte once before any twice.
    private static Fault ResetAt(int number, int bytes) => new(
        FaultKind.Reset, number % 2 == 0 ? Direction.ToServer : Direction.ToClient, number / 2 % bytes);
}
