using Microsoft.Extensions.Time.Testing;
using RawWs.Protocol.WebSockets;
using RawWs.Server.Sessions;
using RawWs.Server.Transport;
using RawWs.Tests.Support;

namespace RawWs.Tests.Conformance;

/// <summary>RFC 6455 §5.5.1 and §7: the closing handshake over a real socket.</summary>
public class ClosingTests
{
    // §7.4: what may be on the wire comes back as it was.
    [TestCase(1000)]
    [TestCase(1001)]
    [TestCase(1002)]
    [TestCase(1003)]
    [TestCase(1007)]
    [TestCase(1008)]
    [TestCase(1009)]
    [TestCase(1010)]
    [TestCase(1011)]
    [TestCase(1012)]
    [TestCase(1013)]
    [TestCase(1014)]
    [TestCase(3000)]
    [TestCase(3999)]
    [TestCase(4000)]
    [TestCase(4999)]
    public async Task Server_echoes_a_legal_close_code(int code)
    {
        await using var server = await TestServer.StartAsync();
        using var client = await server.OpenAsync();
        await client.SendAsync(WireClient.CloseFrame((ushort)code, "bye"));
        await client.ExpectCloseAsync((CloseCode)code);
    }

    [TestCase(0)]
    [TestCase(999)]
    [TestCase(1004)]
    [TestCase(1005)]
    [TestCase(1006)]
    [TestCase(1015)]
    [TestCase(1016)]
    [TestCase(2999)]
    [TestCase(5000)]
    [TestCase(65535)]
    public async Task Server_answers_an_illegal_close_code_with_1002(int code)
    {
        await using var server = await TestServer.StartAsync();
        using var client = await server.OpenAsync();
        await client.SendAsync(WireClient.CloseFrame((ushort)code));
        await client.ExpectCloseAsync(CloseCode.ProtocolError);
    }

    [Test]
    public async Task Server_answers_an_empty_close_frame_with_an_empty_one()
    {
        await using var server = await TestServer.StartAsync();
        using var client = await server.OpenAsync();
        await client.SendFrameAsync(Opcode.Close, "");
        var frame = await client.ExpectCloseAsync(CloseCode.NoStatusReceived);
        Assert.That(frame.Payload, Is.Empty);
    }

    [Test]
    public async Task Server_answers_a_close_payload_of_one_byte_with_1002()
    {
        await using var server = await TestServer.StartAsync();
        using var client = await server.OpenAsync();
        await client.SendFrameAsync(Opcode.Close, "x");
        await client.ExpectCloseAsync(CloseCode.ProtocolError);
    }

    [Test]
    public async Task Server_answers_a_close_reason_that_is_not_utf8_with_1007()
    {
        await using var server = await TestServer.StartAsync();
        using var client = await server.OpenAsync();
        await client.SendAsync(WireClient.Frame(Opcode.Close, [0x03, 0xE8, 0xC0, 0xAF]));
        await client.ExpectCloseAsync(CloseCode.InvalidPayloadData);
    }

    [Test]
    public async Task Server_takes_a_reason_of_123_bytes()
    {
        await using var server = await TestServer.StartAsync();
        using var client = await server.OpenAsync();
        await client.SendAsync(WireClient.CloseFrame(1000, new string('r', 123)));
        await client.ExpectCloseAsync(CloseCode.NormalClosure);
    }

    // §5.5.1: "The application MUST NOT send any more data frames after sending a Close frame".
    [Test]
    public async Task Server_answers_nothing_after_a_close_frame()
    {
        await using var server = await TestServer.StartAsync();
        using var client = await server.OpenAsync();
        await client.SendAsync((byte[])[
            .. WireClient.CloseFrame(1000),
            .. WireClient.Frame(Opcode.Ping, "late"),
            .. WireClient.Frame(Opcode.Text, "late")]);
        await client.ExpectCloseAsync(CloseCode.NormalClosure);
    }

    [Test]
    public async Task Server_takes_a_close_inside_a_fragmented_message()
    {
        await using var server = await TestServer.StartAsync();
        using var client = await server.OpenAsync();
        await client.SendFrameAsync(Opcode.Text, "half", fin: false);
        await client.SendAsync(WireClient.CloseFrame(1000));
        await client.ExpectCloseAsync(CloseCode.NormalClosure);
    }

    [Test]
    public async Task Application_closes_and_learns_how_it_ended()
    {
        var closed = new TaskCompletionSource<CloseStatus>();
        var handler = new CallbackHandler
        {
            Open = (connection, _) => connection.Close((CloseCode)4001, "go"),
            Close = (_, status) => closed.SetResult(status),
        };
        await using var server = await TestServer.StartAsync(map: s => s.MapWebSocket("/go", handler));
        using var client = await server.OpenAsync("/go");
        var frame = await client.ReadFrameAsync();
        Assert.That(frame.CloseCode, Is.EqualTo((CloseCode)4001));
        Assert.That(frame.Text[2..], Is.EqualTo("go"));
        await client.SendAsync(WireClient.CloseFrame(4001));
        await client.ExpectEndAsync();
        var status = await closed.Task.WaitAsync(WireClient.Patience);
        Assert.That(status, Is.EqualTo(new CloseStatus((CloseCode)4001, "go", DisconnectReason.ForcedServerClose)));
    }

    [Test]
    public async Task Peer_that_ends_its_side_gets_what_is_queued_then_the_end()
    {
        var closed = new TaskCompletionSource<CloseStatus>();
        var handler = new CallbackHandler
        {
            Message = (connection, type, payload) =>
            {
                connection.Send(type, payload.Span);
                return default;
            },
            Close = (_, status) => closed.SetResult(status),
        };
        await using var server = await TestServer.StartAsync(map: s => s.MapWebSocket("/half", handler));
        using var client = await server.OpenAsync("/half");
        await client.SendFrameAsync(Opcode.Text, "last words");
        client.Socket.Shutdown(System.Net.Sockets.SocketShutdown.Send);
        Assert.That((await client.ReadFrameAsync()).Text, Is.EqualTo("last words"));
        await client.ExpectEndAsync();
        var status = await closed.Task.WaitAsync(WireClient.Patience);
        Assert.That(status, Is.EqualTo(new CloseStatus(CloseCode.AbnormalClosure, "", DisconnectReason.TransportClose)));
    }

    [Test]
    public async Task Peer_that_ends_its_side_gets_all_that_waits_for_it_however_much_that_is()
    {
        // Time stands still: what is sent takes as long as the machine needs.
        await using var half = await HalfClosed.OpenAsync(new FakeTimeProvider());
        Assert.That((await half.Client.ReadFrameAsync()).Payload, Has.Length.EqualTo(HalfClosed.Size));
        await half.Client.ExpectEndAsync();
    }

    [Test]
    public async Task Peer_that_ends_its_side_and_takes_nothing_is_gone_within_a_second()
    {
        var clock = new FakeTimeProvider();
        await using var half = await HalfClosed.OpenAsync(clock);
        clock.Run(TimeSpan.FromSeconds(1));
        await Eventually.IsTrueAsync(() => half.Server.Server.ConnectionCount == 0, "the connection is gone");
    }

    [Test]
    public async Task Everything_queued_reaches_a_reader_that_paused_before_the_close_frame()
    {
        const int Size = 4_800_000;
        var handler = new CallbackHandler
        {
            Open = (connection, _) =>
            {
                connection.Send(Opcode.Binary, new byte[Size]);
                connection.Close();
            },
        };
        await using var server = await TestServer.StartAsync(map: s => s.MapWebSocket("/big", handler));
        using var client = await server.OpenAsync("/big");
        Assert.That((await client.ReadFrameAsync()).Payload, Has.Length.EqualTo(Size));
        Assert.That((await client.ReadFrameAsync()).CloseCode, Is.EqualTo(CloseCode.NormalClosure));
        await client.SendAsync(WireClient.CloseFrame(1000));
        await client.ExpectEndAsync();
    }

    [Test]
    public async Task Peer_that_never_answers_a_close_is_aborted_at_the_close_timeout()
    {
        var handler = new CallbackHandler { Open = (connection, _) => connection.Close() };
        await using var server = await TestServer.StartAsync(
            options => options.CloseTimeout = TimeSpan.FromMilliseconds(200),
            s => s.MapWebSocket("/go", handler));
        using var client = await server.OpenAsync("/go");
        Assert.That((await client.ReadFrameAsync()).CloseCode, Is.EqualTo(CloseCode.NormalClosure));
        await client.ExpectEndAsync();
    }

    [Test]
    public async Task Peer_that_closes_and_does_not_read_what_waits_for_it_is_aborted_at_the_close_timeout()
    {
        var handler = new CallbackHandler
        {
            Open = (connection, _) =>
            {
                while (connection.PendingBytes < 100_000)
                    connection.Send(Opcode.Binary, new byte[50_000]);
            },
        };
        await using var server = await TestServer.StartAsync(
            options =>
            {
                options.CloseTimeout = TimeSpan.FromMilliseconds(200);
                options.PingInterval = TimeSpan.FromHours(1);
            },
            s => s.MapWebSocket("/push", handler));
        using var client = await WireClient.OpenAsync(
            server.EndPoint, "/push", configure: socket => socket.ReceiveBufferSize = 16 * 1024);
        await client.SendAsync(WireClient.CloseFrame(1000));
        await Eventually.IsTrueAsync(() => server.Server.ConnectionCount == 0, "the connection is left");
    }

    [Test]
    public async Task Stop_closes_with_1001_and_waits_for_the_peers()
    {
        await using var server = await TestServer.StartAsync();
        using var client = await server.OpenAsync();
        var stopping = server.Server.StopAsync();
        Assert.That((await client.ReadFrameAsync()).CloseCode, Is.EqualTo(CloseCode.GoingAway));
        Assert.That(stopping.IsCompleted, Is.False);
        await client.SendAsync(WireClient.CloseFrame(1001));
        await client.ExpectEndAsync();
        client.Dispose();
        await stopping.WaitAsync(WireClient.Patience);
        Assert.That(server.Server.ConnectionCount, Is.Zero);
    }

    /// <summary>
    /// A connection whose peer has ended its side, as the server knows, and has read nothing of what waits for it.
    /// </summary>
    private sealed record HalfClosed(TestServer Server, WireClient Client) : IAsyncDisposable
    {
        // More than the buffers of the system take.
        public const int Size = 32 * 1024 * 1024;

        public static async Task<HalfClosed> OpenAsync(TimeProvider clock)
        {
            var closed = new TaskCompletionSource();
            var handler = new CallbackHandler
            {
                Open = (connection, _) => connection.Send(Opcode.Binary, new byte[Size]),
                Close = (_, _) => closed.SetResult(),
            };
            var server = await TestServer.StartAsync(map: s => s.MapWebSocket("/much", handler), timeProvider: clock);
            var client = await server.OpenAsync("/much");
            await client.ShutdownSendAsync();
            await closed.Task.WaitAsync(WireClient.Patience);
            return new HalfClosed(server, client);
        }

        public async ValueTask DisposeAsync()
        {
            Client.Dispose();
            await Server.DisposeAsync();
        }
    }
}
