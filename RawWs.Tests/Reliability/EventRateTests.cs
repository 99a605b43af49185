using Microsoft.Extensions.Time.Testing;
using RawWs.Protocol.WebSockets;
using RawWs.Server;
using RawWs.Tests.Support;

namespace RawWs.Tests.Reliability;

/// <summary>How many events a socket may send, over each transport and dialect.</summary>
[FixtureLifeCycle(LifeCycle.InstancePerTestCase)]
public class EventRateTests
{
    private readonly FakeTimeProvider _clock = new();
    private readonly SocketIoApp _app = new();

    [Test]
    public async Task Events_above_the_rate_wait_in_order_and_none_is_lost()
    {
        await using var server = await StartAsync(new RateLimit(PerSecond: 10, Burst: 3));
        var reached = server.Meters.CountLimit("socket_event_rate");
        using var client = await server.JoinAsync();
        await client.SendPacketsAsync([.. Enumerable.Range(0, 8).Select(i => $"42[\"message\",{i}]")]);
        for (var i = 0; i < 3; i++)
            await client.ExpectPacketAsync($"42[\"message-back\",{i}]");
        for (var i = 3; i < 8; i++)
        {
            await Eventually.IsTrueAsync(() => reached() == i - 2);
            Assert.That(client.Socket.Available, Is.Zero);
            _clock.Advance(TimeSpan.FromMilliseconds(100));
            await client.ExpectPacketAsync($"42[\"message-back\",{i}]");
        }
    }

    [Test]
    public async Task Events_above_the_rate_hold_back_the_answer_to_their_POST()
    {
        await using var server = await StartAsync(new RateLimit(PerSecond: 10, Burst: 2));
        var reached = server.Meters.CountLimit("socket_event_rate");
        var client = await EngineClient.OpenAsync(server, "/socket.io/");
        await client.PostAsync("40");
        Assert.That((await client.PollAsync()).Body, Does.StartWith("40{"));
        var post = client.PostAsync("42[\"message\",1]\u001e42[\"message\",2]\u001e42[\"message\",3]");
        await Eventually.IsTrueAsync(() => reached() == 1);
        Assert.That((await client.PollAsync()).Body, Is.EqualTo("42[\"message-back\",1]\u001e42[\"message-back\",2]"));
        Assert.That(post.IsCompleted, Is.False);
        _clock.Advance(TimeSpan.FromMilliseconds(100));
        Assert.That((await post).Body, Is.EqualTo("ok"));
        Assert.That((await client.PollAsync()).Body, Is.EqualTo("42[\"message-back\",3]"));
    }

    [Test]
    public async Task Refused_event_reaches_no_handler_and_its_sender_is_told()
    {
        await using var server = await StartAsync(new RateLimit(PerSecond: 1, Burst: 1), EventRatePolicy.Refuse);
        var reached = server.Meters.CountLimit("socket_event_rate");
        using var client = await server.OpenAsync("/ws");
        await client.SendFrameAsync(Opcode.Text, """{"event":"connect"}""");
        await client.SendFrameAsync(Opcode.Text, """{"event":"ack","data":"first","id":1}""");
        await client.SendFrameAsync(Opcode.Text, """{"event":"message","data":"second"}""");
        await client.SendFrameAsync(Opcode.Text, """{"event":"ack","data":"third","id":2}""");
        var answers = new List<string>();
        for (var i = 0; i < 3; i++)
            answers.Add((await client.ReadFrameAsync()).Text);
        Assert.That(answers[1], Does.Contain("first"));
        Assert.That(answers[2], Does.Contain("rate_limited").And.Contain("2"));
        Assert.That(reached(), Is.EqualTo(2));
        _clock.Advance(TimeSpan.FromSeconds(1));
        await client.SendFrameAsync(Opcode.Text, """{"event":"ack","data":"fourth","id":3}""");
        Assert.That((await client.ReadFrameAsync()).Text, Does.Contain("fourth"));
    }

    [Test]
    public async Task Each_socket_of_a_connection_has_a_rate_of_its_own()
    {
        await using var server = await StartAsync(new RateLimit(PerSecond: 1, Burst: 1));
        using var client = await server.JoinAsync();
        await client.SendPacketAsync("40/custom,");
        await client.ReadFrameAsync();
        await client.SendPacketsAsync("42[\"message\",1]", "42/custom,[\"message\",2]");
        await client.ExpectPacketAsync("42[\"message-back\",1]");
        await client.ExpectPacketAsync("42/custom,[\"message-back\",2]");
    }

    [Test]
    public async Task Client_that_leaves_while_its_event_waits_is_gone_and_the_event_with_it()
    {
        await using var server = await StartAsync(new RateLimit(PerSecond: 1, Burst: 1));
        var reached = server.Meters.CountLimit("socket_event_rate");
        using (var client = await server.JoinAsync())
        {
            await client.SendPacketsAsync("42[\"message\",1]", "42[\"message\",2]");
            await client.ExpectPacketAsync("42[\"message-back\",1]");
            await Eventually.IsTrueAsync(() => reached() == 1);
        }

        // Not so long that a ping would be due.
        var start = _clock.GetTimestamp();
        await Eventually.IsTrueAsync(() =>
        {
            if (_clock.GetElapsedTime(start) < TimeSpan.FromSeconds(5))
                _clock.Advance(TimeSpan.FromMilliseconds(100));
            return server.Server.ConnectionCount == 0;
        });
        await _app.ExpectEndsAsync("transport close");
    }

    private Task<TestServer> StartAsync(RateLimit rate, EventRatePolicy policy = EventRatePolicy.PushBack) =>
        TestServer.StartAsync(
            options => (options.Events.EventsPerSocket, options.Events.EventRatePolicy) = (rate, policy),
            _app.Register,
            _clock);
}
