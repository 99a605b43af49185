using System.Threading.Tasks.Sources;
using Microsoft.Extensions.Time.Testing;
using RawWs.Protocol.WebSockets;
using RawWs.Server.Engine;
using RawWs.Tests.Support;

namespace RawWs.Tests.Conformance;

/// <summary>Pings of the server, pongs of the client, and what happens without.</summary>
[TestFixture]
public sealed class EngineIoHeartbeatTests
{
    private static readonly TimeSpan Interval = TimeSpan.FromMilliseconds(300);
    private static readonly TimeSpan Timeout = TimeSpan.FromMilliseconds(200);

    private FakeTimeProvider _time = null!;
    private EngineEcho _echo = null!;

    [SetUp]
    public void Stop_the_clock() => (_time, _echo) = (new FakeTimeProvider(), new EngineEcho());

    [Test]
    public async Task Ping_comes_an_interval_after_the_opening_and_after_each_pong()
    {
        await using var server = await StartAsync();
        using var client = await OpenWebSocketAsync(server);
        for (var i = 0; i < 3; i++)
        {
            _time.Run(TimeSpan.FromMilliseconds(200));
            await client.SendFrameAsync(Opcode.Text, $"4{i}");
            Assert.That((await client.ReadFrameAsync()).Text, Is.EqualTo($"4{i}"), "no ping before its time");
            _time.Run(TimeSpan.FromMilliseconds(100));
            Assert.That((await client.ReadFrameAsync()).Text, Is.EqualTo("2"));
            await PongAsync(client);
        }
    }

    [Test]
    public async Task Ping_is_not_repeated_before_the_pong()
    {
        await using var server = await StartAsync(timeout: TimeSpan.FromSeconds(10));
        using var client = await OpenWebSocketAsync(server);
        _time.Run(TimeSpan.FromSeconds(5));
        Assert.That((await client.ReadFrameAsync()).Text, Is.EqualTo("2"));
        await client.SendFrameAsync(Opcode.Text, "4next");
        Assert.That((await client.ReadFrameAsync()).Text, Is.EqualTo("4next"));
    }

    [Test]
    public async Task Client_that_does_not_answer_a_ping_is_gone_whatever_else_it_says()
    {
        await using var server = await StartAsync();
        using var client = await OpenWebSocketAsync(server);
        _time.Run(Interval);
        Assert.That((await client.ReadFrameAsync()).Text, Is.EqualTo("2"));
        _time.Run(TimeSpan.FromMilliseconds(100));
        await client.SendFrameAsync(Opcode.Text, "4alive");
        Assert.That((await client.ReadFrameAsync()).Text, Is.EqualTo("4alive"));
        _time.Run(TimeSpan.FromMilliseconds(100));
        var close = await client.ReadFrameAsync();
        Assert.That(close.Opcode, Is.EqualTo(Opcode.Close));
        await _echo.ExpectEndAsync(_echo.Last!.Id, "ping timeout");
    }

    [Test]
    public async Task Poll_gets_the_ping_and_a_post_answers_it()
    {
        await using var server = await StartAsync();
        var client = await EngineClient.OpenAsync(server);
        for (var i = 0; i < 3; i++)
        {
            _time.Run(Interval);
            Assert.That((await client.PollAsync()).Body, Is.EqualTo("2"));
            await client.PostAsync("3");
        }

        Assert.That(_echo.HasEnded(client.Sid), Is.False);
    }

    [Test]
    public async Task Client_that_polls_and_posts_but_answers_no_ping_is_gone()
    {
        await using var server = await StartAsync();
        var client = await EngineClient.OpenAsync(server);
        _time.Run(Interval);
        Assert.That((await client.PollAsync()).Body, Is.EqualTo("2"));
        await client.PostAsync("4alive");
        Assert.That((await client.PollAsync()).Body, Is.EqualTo("4alive"));
        _time.Run(Timeout);
        await _echo.ExpectEndAsync(client.Sid, "ping timeout");
    }

    [Test]
    public async Task Poll_at_the_very_end_of_its_time_is_too_late()
    {
        await using var server = await StartAsync();
        _time.Advance(TimeSpan.FromMilliseconds(70));
        var client = await EngineClient.OpenAsync(server);
        // The timer's last tick before the deadline is 70 ms old when the poll comes.
        _time.Advance(TimeSpan.FromMilliseconds(30));
        _time.Run(TimeSpan.FromMilliseconds(400));
        _time.Advance(TimeSpan.FromMilliseconds(70));
        Assert.That((await client.PollAsync()).Code, Is.EqualTo(1));
        await _echo.ExpectEndAsync(client.Sid, "ping timeout");
    }

    [Test]
    public async Task Pong_behind_a_message_whose_handler_held_it_back_is_not_too_late()
    {
        var handling = new Handling();
        _echo = new EngineEcho { Message = (_, _, _) => new ValueTask(handling, 0) };
        await using var server = await StartAsync();
        _time.Advance(TimeSpan.FromMilliseconds(70));
        var client = await EngineClient.OpenAsync(server);
        _time.Advance(TimeSpan.FromMilliseconds(30));
        _time.Run(Interval);
        Assert.That((await client.PollAsync()).Body, Is.EqualTo("2"));
        using var slow = await WireClient.ConnectAsync(server.EndPoint);
        await slow.SendAsync(EngineClient.Request("POST", client.Target(), body: "4slow"));
        await handling.IsAwaited.Task.WaitAsync(WireClient.Patience);
        // Ten milliseconds after the pong was due, and twenty before the timer looks.
        _time.Advance(TimeSpan.FromMilliseconds(100));
        _time.Advance(TimeSpan.FromMilliseconds(80));
        handling.End();
        Assert.That((await EngineClient.ReadAsync(slow)).Status, Is.EqualTo(200));
        Assert.That((await client.PostAsync("3")).Status, Is.EqualTo(200));
    }

    [Test]
    public async Task Process_that_was_stopped_blames_no_client()
    {
        await using var server = await StartAsync(
            interval: TimeSpan.FromSeconds(25), timeout: TimeSpan.FromSeconds(20));
        using var client = await OpenWebSocketAsync(server);
        _time.Advance(TimeSpan.FromSeconds(60));
        _time.Run(TimeSpan.FromSeconds(1));
        await client.SendFrameAsync(Opcode.Text, "4still here");
        Assert.That((await client.ReadFrameAsync()).Text, Is.EqualTo("4still here"));
    }

    [Test]
    public async Task Ping_that_is_late_because_the_process_was_stopped_leaves_the_client_its_whole_time()
    {
        await using var server = await StartAsync(
            interval: TimeSpan.FromSeconds(25), timeout: TimeSpan.FromSeconds(20));
        using var client = await OpenWebSocketAsync(server);
        _time.Run(TimeSpan.FromSeconds(24.9));
        // It counts as a second, and most of that is behind the moment of the ping.
        _time.Advance(TimeSpan.FromSeconds(10));
        Assert.That((await client.ReadFrameAsync()).Text, Is.EqualTo("2"));
        _time.Run(TimeSpan.FromSeconds(19.5));
        await client.SendFrameAsync(Opcode.Text, "4still here");
        Assert.That((await client.ReadFrameAsync()).Text, Is.EqualTo("4still here"));
    }

    [Test]
    public async Task Websocket_of_a_session_gets_no_pings_of_its_own()
    {
        await using var server = await StartAsync(
            interval: TimeSpan.FromMinutes(10), timeout: TimeSpan.FromMinutes(10));
        using var client = await OpenWebSocketAsync(server);
        _time.Run(TimeSpan.FromMinutes(2));
        await client.SendFrameAsync(Opcode.Text, "4first");
        Assert.That((await client.ReadFrameAsync()).Text, Is.EqualTo("4first"));
    }

    private static async Task PongAsync(WireClient client)
    {
        await client.SendFrameAsync(Opcode.Text, "3");
        await client.SendFrameAsync(Opcode.Text, "4pong is in");
        Assert.That((await client.ReadFrameAsync()).Text, Is.EqualTo("4pong is in"));
    }

    private static async Task<WireClient> OpenWebSocketAsync(TestServer server)
    {
        var client = await server.OpenAsync("/engine.io/?EIO=4&transport=websocket");
        Assert.That((await client.ReadFrameAsync()).Text, Does.StartWith("0{"));
        return client;
    }

    private Task<TestServer> StartAsync(TimeSpan? interval = null, TimeSpan? timeout = null) => TestServer.StartAsync(
        map: server => server.MapEngine(
            "/engine.io/",
            _echo,
            new EngineOptions { PingInterval = interval ?? Interval, PingTimeout = timeout ?? Timeout }),
        timeProvider: _time);

    /// <summary>A handler's work that tells when the server has begun to wait for it.</summary>
    private sealed class Handling : IValueTaskSource
    {
        private ManualResetValueTaskSourceCore<bool> _core = new() { RunContinuationsAsynchronously = true };

        public TaskCompletionSource IsAwaited { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public void End() => _core.SetResult(true);

        public void GetResult(short token) => _core.GetResult(token);

        public ValueTaskSourceStatus GetStatus(short token) => _core.GetStatus(token);

        public void OnCompleted(
            Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags)
        {
            _core.OnCompleted(continuation, state, token, flags);
            IsAwaited.SetResult();
        }
    }
}
