using Microsoft.Extensions.Time.Testing;
using RawWs.Protocol.WebSockets;
using RawWs.Server.Sessions;
using RawWs.Server.Transport;
using RawWs.Tests.Support;

namespace RawWs.Tests.Reliability;

/// <summary>RFC 6455 §5.5.2, "a keepalive or […] a means to verify that the remote endpoint is still responsive".</summary>
public class KeepaliveTests
{
    // More than the system takes for a peer that does not read.
    private const int MuchBytes = 64 * 1024 * 1024;

    private static readonly TimeSpan _interval = TimeSpan.FromSeconds(25);
    private static readonly TimeSpan _timeout = TimeSpan.FromSeconds(20);
    private static readonly TimeSpan _tick = TimeSpan.FromMilliseconds(100);

    private FakeTimeProvider _clock = null!;
    private TaskCompletionSource<CloseStatus> _closed = null!;
    private TestServer _server = null!;
    private WireClient _client = null!;

    [SetUp]
    public async Task Open()
    {
        _clock = new FakeTimeProvider();
        _closed = new TaskCompletionSource<CloseStatus>();
        var handler = new CallbackHandler
        {
            Message = (connection, type, payload) =>
            {
                connection.Send(type, payload.Span);
                return default;
            },
            Close = (_, status) => _closed.TrySetResult(status),
        };
        _server = await TestServer.StartAsync(map: s => s.MapWebSocket("/live", handler), timeProvider: _clock);
        _client = await _server.OpenAsync("/live");
        await EchoAsync();
    }

    [TearDown]
    public async Task Stop()
    {
        _client.Dispose();
        await _server.DisposeAsync();
    }

    [Test]
    public async Task Silent_peer_is_pinged_after_the_interval_and_dropped_after_the_timeout()
    {
        _clock.Run(_interval - _tick);
        Assert.That(HasInput(), Is.False);
        _clock.Run(_tick);
        Assert.That((await _client.ReadFrameAsync()).Opcode, Is.EqualTo(Opcode.Ping));
        _clock.Run(_timeout - _tick);
        Assert.That(HasInput(), Is.False);
        _clock.Run(_tick);
        await _client.ReadUntilOverAsync();
        var status = await _closed.Task.WaitAsync(WireClient.Patience);
        Assert.That(status, Is.EqualTo(new CloseStatus(CloseCode.AbnormalClosure, "", DisconnectReason.PingTimeout)));
        await Eventually.IsTrueAsync(() => _server.Server.ConnectionCount == 0, "the connection is gone");
    }

    [TestCase(Opcode.Pong)]
    [TestCase(Opcode.Ping)]
    [TestCase(Opcode.Text)]
    public async Task Any_frame_is_a_sign_of_life(Opcode opcode)
    {
        for (var i = 0; i < 3; i++)
        {
            _clock.Run(_interval);
            Assert.That((await _client.ReadFrameAsync()).Opcode, Is.EqualTo(Opcode.Ping));
            _clock.Run(_timeout - _tick);
            await _client.SendFrameAsync(opcode, "here");
            if (opcode != Opcode.Pong)
                await _client.ReadFrameAsync();
            // The answer proves that the server has taken note.
            await EchoAsync();
        }

        Assert.That(_closed.Task.IsCompleted, Is.False);
    }

    [Test]
    public async Task Peer_that_talks_is_not_pinged()
    {
        for (var i = 0; i < 10; i++)
        {
            _clock.Run(_interval - _tick);
            await EchoAsync();
        }

        Assert.That(HasInput(), Is.False);
    }

    // A process that was stopped for 40 s, or a machine that slept.
    [Test]
    public async Task Jump_of_the_clock_is_not_taken_for_silence()
    {
        _clock.Advance(_interval + _timeout + _tick);
        _clock.Run(_tick);
        Assert.That(HasInput(), Is.False);
        await EchoAsync();
    }

    [Test]
    public async Task Peer_that_reads_nothing_is_dropped_whatever_waits_for_it()
    {
        var handler = new CallbackHandler { Open = (connection, _) => connection.Send(Opcode.Binary, new byte[MuchBytes]) };
        await using var server = await TestServer.StartAsync(map: s => s.MapWebSocket("/much", handler), timeProvider: _clock);
        using var client = await server.OpenAsync("/much");
        await Eventually.IsTrueAsync(
            () =>
            {
                // The connection counts its silence from a moment after the handshake can be read.
                _clock.Run(TimeSpan.FromSeconds(5));
                return server.Server.ConnectionCount == 0;
            },
            "the connection is gone");
    }

    [Test]
    public async Task Peer_that_never_takes_what_precedes_the_close_frame_is_dropped_at_the_close_timeout()
    {
        var handler = new CallbackHandler
        {
            Open = (connection, _) =>
            {
                connection.Send(Opcode.Binary, new byte[MuchBytes]);
                connection.Close();
            },
        };
        await using var server = await TestServer.StartAsync(map: s => s.MapWebSocket("/much", handler), timeProvider: _clock);
        using var client = await server.OpenAsync("/much");
        _clock.Run(TimeSpan.FromSeconds(9));
        Assert.That(server.Server.ConnectionCount, Is.EqualTo(1));
        await Eventually.IsTrueAsync(
            () =>
            {
                // The closing phase starts a moment after the handshake can be read.
                _clock.Run(TimeSpan.FromSeconds(1));
                return server.Server.ConnectionCount == 0;
            },
            "the connection is gone");
    }

    private bool HasInput() => _client.Socket.Poll(0, System.Net.Sockets.SelectMode.SelectRead);

    private async Task EchoAsync()
    {
        await _client.SendFrameAsync(Opcode.Text, "echo");
        Assert.That((await _client.ReadFrameAsync()).Text, Is.EqualTo("echo"));
    }
}
