using Microsoft.Extensions.Time.Testing;
using RawWs.Protocol.WebSockets;
using RawWs.Protocol.WebSockets.Deflate;
using RawWs.Server;
using RawWs.Server.Engine;
using RawWs.Tests.Protocol.WebSockets.Deflate;
using RawWs.Tests.Support;

namespace RawWs.Tests.Reliability;

/// <summary>How much clients may send: above it they wait and lose nothing, or are told to go.</summary>
[FixtureLifeCycle(LifeCycle.InstancePerTestCase)]
public class RateLimitTests
{
    private readonly FakeTimeProvider _clock = new();

    // The handshake is a request, and counts as one.
    [Test]
    public async Task Messages_above_the_rate_of_a_connection_wait_in_order_and_none_is_lost()
    {
        await using var server = await StartAsync(rates => rates.MessagesPerConnection = new RateLimit(PerSecond: 10, Burst: 3));
        var reached = server.Meters.CountLimit("connection_message_rate");
        var received = server.Meters.Count("rawws.messages.received");
        using var client = await server.OpenAsync();
        await SendNumbersAsync(client, 12);
        for (var i = 0; i < 2; i++)
            Assert.That((await client.ReadFrameAsync()).Text, Is.EqualTo($"{i}"));
        await Eventually.IsTrueAsync(() => reached() == 1);
        Assert.That(received(), Is.EqualTo(2));

        for (var i = 2; i < 12; i++)
        {
            _clock.Advance(TimeSpan.FromMilliseconds(100));
            await Eventually.IsTrueAsync(() => received() > i);
            Assert.That(received(), Is.EqualTo(i + 1), "one more each 100 ms, and not two");
            Assert.That((await client.ReadFrameAsync()).Text, Is.EqualTo($"{i}"));
        }
    }

    [Test]
    public async Task Bytes_above_the_rate_of_a_connection_wait_and_none_is_lost()
    {
        await using var server = await StartAsync(rates => rates.BytesPerConnection = new RateLimit(1_000));
        var reached = server.Meters.CountLimit("connection_byte_rate");
        var received = server.Meters.Count("rawws.messages.received");
        using var client = await server.OpenAsync();
        await client.SendFrameAsync(Opcode.Text, new string('x', 1_500));
        await client.SendFrameAsync(Opcode.Text, "behind");
        await Eventually.IsTrueAsync(() => reached() > 0);
        Assert.That(received(), Is.Zero);
        await AdvanceUntilAsync(() => received() == 2);
        Assert.That((await client.ReadFrameAsync()).Payload, Has.Length.EqualTo(1_500));
        Assert.That((await client.ReadFrameAsync()).Text, Is.EqualTo("behind"));
    }

    [Test]
    public async Task Bytes_that_an_open_message_is_inflated_to_count()
    {
        await using var server = await TestServer.StartAsync(
            options =>
            {
                options.Deflate = new DeflateOptions();
                options.RateLimits.BytesPerConnection = new RateLimit(10_000);
                options.RateLimits.Policy = RateLimitPolicy.Disconnect;
            },
            timeProvider: _clock);
        using var client = await server.OpenAsync(headers: "Sec-WebSocket-Extensions: permessage-deflate\r\n");
        var compressed = DeflateCases.Compress(new byte[20_000]);
        Assert.That(compressed, Has.Length.LessThan(100));
        await client.SendAsync(DeflateCases.Frame(Opcode.Binary, compressed, fin: false));
        // Nothing comes in any more that could be looked at: the next frame is the one that is too much.
        Assert.That((await client.ReadFrameAsync()).CloseCode, Is.EqualTo(CloseCode.PolicyViolation));
    }

    [Test]
    public async Task Pings_are_messages()
    {
        await using var server = await StartAsync(rates => rates.MessagesPerConnection = new RateLimit(PerSecond: 1, Burst: 3));
        var reached = server.Meters.CountLimit("connection_message_rate");
        using var client = await server.OpenAsync();
        for (var i = 0; i < 4; i++)
            await client.SendFrameAsync(Opcode.Ping, $"{i}");
        for (var i = 0; i < 2; i++)
            Assert.That((await client.ReadFrameAsync()).Text, Is.EqualTo($"{i}"));
        await Eventually.IsTrueAsync(() => reached() == 1);
        Assert.That(client.Socket.Available, Is.Zero);
    }

    [Test]
    public async Task Messages_of_all_connections_of_an_address_count_together_and_another_address_is_not_held_back()
    {
        await using var server = await StartAsync(rates => rates.MessagesPerAddress = new RateLimit(PerSecond: 10, Burst: 5));
        var reached = server.Meters.CountLimit("address_message_rate");
        using var first = await server.OpenAsync();
        using var second = await server.OpenAsync();
        await SendNumbersAsync(first, 5);
        for (var i = 0; i < 3; i++)
            Assert.That((await first.ReadFrameAsync()).Text, Is.EqualTo($"{i}"));
        await SendNumbersAsync(second, 1);
        await Eventually.IsTrueAsync(() => reached() == 2);
        Assert.That(second.Socket.Available, Is.Zero);

        using var other = await WireClient.OpenAsync(
            server.EndPoint,
            "/echo",
            configure: socket => socket.Bind(new System.Net.IPEndPoint(System.Net.IPAddress.Parse("127.0.0.2"), 0)));
        await SendNumbersAsync(other, 1);
        Assert.That((await other.ReadFrameAsync()).Text, Is.EqualTo("0"));

        var received = server.Meters.Count("rawws.messages.received");
        await AdvanceUntilAsync(() => received() == 3);
        Assert.That((await second.ReadFrameAsync()).Text, Is.EqualTo("0"));
        Assert.That((await first.ReadFrameAsync()).Text, Is.EqualTo("3"));
        Assert.That((await first.ReadFrameAsync()).Text, Is.EqualTo("4"));
    }

    [Test]
    public async Task Bytes_of_an_address_outlive_the_connection_that_brought_them()
    {
        await using var server = await StartAsync(rates => rates.BytesPerAddress = new RateLimit(1_000));
        var reached = server.Meters.CountLimit("address_byte_rate");
        using (var client = await server.OpenAsync())
        {
            await client.SendFrameAsync(Opcode.Text, new string('x', 3_000));
            await Eventually.IsTrueAsync(() => reached() > 0);
        }

        var before = reached();
        using var next = await WireClient.ConnectAsync(server.EndPoint);
        await next.SendTextAsync(WireClient.Handshake("/echo"));
        await next.SendFrameAsync(Opcode.Text, "waits");
        await Eventually.IsTrueAsync(() => reached() > before);
        Assert.That(next.Socket.Available, Is.Zero);
        await AdvanceUntilAsync(() => next.Socket.Available > 0);
        await next.ReadHeadAsync();
        // The handshake has used up what there was.
        var frame = next.ReadFrameAsync();
        await AdvanceUntilAsync(() => frame.IsCompleted);
        Assert.That((await frame).Text, Is.EqualTo("waits"));
    }

    [Test]
    public async Task Requests_of_an_address_wait_however_many_connections_they_come_on()
    {
        const string Last = "GET /health HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
        await using var server = await StartAsync(rates => rates.MessagesPerAddress = new RateLimit(PerSecond: 1, Burst: 3));
        var reached = server.Meters.CountLimit("address_message_rate");
        for (var i = 0; i < 3; i++)
        {
            using var client = await WireClient.ConnectAsync(server.EndPoint);
            await client.SendTextAsync(Last);
            Assert.That(await client.ReadHeadAsync(), Does.StartWith("HTTP/1.1 200 "));
        }

        using var next = await WireClient.ConnectAsync(server.EndPoint);
        await next.SendTextAsync(Last);
        await Eventually.IsTrueAsync(() => reached() > 0);
        Assert.That(next.Socket.Available, Is.Zero);
        await AdvanceUntilAsync(() => next.Socket.Available > 0);
        Assert.That(await next.ReadHeadAsync(), Does.StartWith("HTTP/1.1 200 "));
    }

    [TestCase(true)]
    [TestCase(false)]
    public async Task Connection_above_its_rate_is_closed_with_1008_where_that_is_the_policy(bool byMessages)
    {
        await using var server = await StartAsync(rates =>
        {
            rates.Policy = RateLimitPolicy.Disconnect;
            if (byMessages)
                rates.MessagesPerConnection = new RateLimit(PerSecond: 1, Burst: 4);
            else
                rates.BytesPerConnection = new RateLimit(1_000);
        });
        var reached = server.Meters.CountLimit(byMessages ? "connection_message_rate" : "connection_byte_rate");
        using var client = await server.OpenAsync();
        for (var i = 0; i < 3; i++)
        {
            await client.SendFrameAsync(Opcode.Text, $"{i}");
            Assert.That((await client.ReadFrameAsync()).Text, Is.EqualTo($"{i}"));
        }

        await client.SendFrameAsync(Opcode.Text, new string('x', byMessages ? 1 : 1_000));
        var close = await client.ReadFrameAsync();
        Assert.That(close.CloseCode, Is.EqualTo(CloseCode.PolicyViolation), close.Text);
        Assert.That(close.Text, Does.EndWith("rate limit exceeded"));
        await client.SendAsync(WireClient.CloseFrame(1008));
        await client.ExpectEndAsync();
        Assert.That(reached(), Is.EqualTo(1));
    }

    [Test]
    public async Task Request_above_the_rate_waits_for_its_answer()
    {
        await using var server = await StartAsync(rates => rates.MessagesPerConnection = new RateLimit(PerSecond: 10, Burst: 2));
        var reached = server.Meters.CountLimit("connection_message_rate");
        using var client = await WireClient.ConnectAsync(server.EndPoint);
        var request = EngineClient.Request("GET", "/health");
        await client.SendAsync((byte[])[.. request, .. request, .. request]);
        for (var i = 0; i < 2; i++)
            Assert.That((await EngineClient.ReadAsync(client)).Status, Is.EqualTo(200));
        await Eventually.IsTrueAsync(() => reached() == 1);
        Assert.That(client.Socket.Available, Is.Zero);
        await AdvanceUntilAsync(() => client.Socket.Available > 0);
        Assert.That((await EngineClient.ReadAsync(client)).Status, Is.EqualTo(200));
    }

    [Test]
    public async Task Request_above_the_rate_gets_429_where_that_is_the_policy()
    {
        await using var server = await StartAsync(rates =>
        {
            rates.Policy = RateLimitPolicy.Disconnect;
            rates.MessagesPerConnection = new RateLimit(PerSecond: 1, Burst: 2);
        });
        using var client = await WireClient.ConnectAsync(server.EndPoint);
        for (var i = 0; i < 3; i++)
        {
            await client.SendAsync(EngineClient.Request("GET", "/health"));
            var answer = await EngineClient.ReadAsync(client);
            Assert.That(answer.Status, Is.EqualTo(i < 2 ? 200 : 429));
            Assert.That(answer.Header("Retry-After"), Is.EqualTo(i < 2 ? null : "1"));
        }

        await client.ExpectEndAsync();
    }

    [Test]
    public async Task Packets_above_the_rate_hold_back_the_answer_to_their_POST_and_none_is_lost()
    {
        var echo = new EngineEcho();
        await using var server = await StartAsync(
            rates => rates.MessagesPerConnection = new RateLimit(PerSecond: 10, Burst: 3), echo);
        var reached = server.Meters.CountLimit("connection_message_rate");
        var client = await EngineClient.OpenAsync(server);
        var post = client.PostAsync("4a\u001e4b\u001e4c\u001e4d\u001e4e");
        await Eventually.IsTrueAsync(() => reached() == 1);
        Assert.That((await client.PollAsync()).Body, Is.EqualTo("4a\u001e4b"));
        Assert.That(post.IsCompleted, Is.False);
        await AdvanceUntilAsync(() => post.IsCompleted);
        Assert.That((await post).Body, Is.EqualTo("ok"));
        Assert.That((await client.PollAsync()).Body, Is.EqualTo("4c\u001e4d\u001e4e"));
    }

    [Test]
    public async Task Packets_above_the_rate_cost_the_session_where_that_is_the_policy()
    {
        var echo = new EngineEcho();
        await using var server = await StartAsync(
            rates =>
            {
                rates.Policy = RateLimitPolicy.Disconnect;
                rates.MessagesPerConnection = new RateLimit(PerSecond: 1, Burst: 3);
            },
            echo);
        var client = await EngineClient.OpenAsync(server);
        Assert.That((await client.PostAsync("4a\u001e4b\u001e4c")).Status, Is.EqualTo(429));
        await echo.ExpectEndAsync(client.Sid, "forced server close");
    }

    [Test]
    public async Task Client_that_is_held_back_is_not_taken_for_dead()
    {
        await using var server = await StartAsync(rates => rates.BytesPerConnection = new RateLimit(100));
        var reached = server.Meters.CountLimit("connection_byte_rate");
        var received = server.Meters.Count("rawws.messages.received");
        using var client = await server.OpenAsync();
        // So much is owed that neither pong nor message is read for longer than both timeouts together.
        await client.SendFrameAsync(Opcode.Text, new string('x', 8_000));
        await Eventually.IsTrueAsync(() => reached() > 0);
        await AdvanceUntilAsync(() => received() == 1);
        WireFrame frame;
        while ((frame = await client.ReadFrameAsync()).Opcode == Opcode.Ping)
            continue;
        Assert.That(frame.Payload, Has.Length.EqualTo(8_000));
    }

    [Test]
    public async Task Client_that_is_held_back_can_be_closed_and_the_server_stopped()
    {
        await using var server = await StartAsync(rates => rates.BytesPerConnection = new RateLimit(1));
        var reached = server.Meters.CountLimit("connection_byte_rate");
        using var client = await server.OpenAsync();
        await client.SendFrameAsync(Opcode.Text, new string('x', 1_000));
        await Eventually.IsTrueAsync(() => reached() > 0);
        var stopping = server.Server.StopAsync();
        Assert.That((await client.ReadFrameAsync()).CloseCode, Is.EqualTo(CloseCode.GoingAway));
        // The clock stands still: the peer's close frame is not held back.
        await client.SendAsync(WireClient.CloseFrame(1001));
        await client.ExpectEndAsync();
        client.Dispose();
        await stopping.WaitAsync(WireClient.Patience);
    }

    [TestCase(0, 1)]
    [TestCase(1, 0)]
    [TestCase(-1, 1)]
    [TestCase(1000, 99)]
    public void Rate_that_cannot_be_kept_is_refused(int perSecond, int burst)
    {
        var options = new ServerOptions();
        options.RateLimits.MessagesPerConnection = new RateLimit(perSecond, burst);
        Assert.That(() => new RawWsServer(options), Throws.Exception.With.Message.Contain("MessagesPerConnection"));
        var events = new ServerOptions();
        events.Events.EventsPerSocket = new RateLimit(perSecond, burst);
        Assert.That(() => new RawWsServer(events), Throws.Exception.With.Message.Contain("EventsPerSocket"));
    }

    private Task<TestServer> StartAsync(Action<RateLimitOptions> set, EngineHandler? engine = null) => TestServer.StartAsync(
        options => set(options.RateLimits),
        server =>
        {
            if (engine is not null)
                server.MapEngine("/engine.io", engine);
        },
        _clock);

    private static Task SendNumbersAsync(WireClient client, int count) => client.SendAsync(
        Enumerable.Range(0, count).SelectMany(i => WireClient.Frame(Opcode.Text, $"{i}")).ToArray());

    private Task AdvanceUntilAsync(Func<bool> condition) => Eventually.IsTrueAsync(() =>
    {
        if (condition())
            return true;
        _clock.Advance(TimeSpan.FromMilliseconds(100));
        return false;
    });
}
