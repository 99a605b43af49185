using System.IO.Compression;
using Microsoft.Extensions.Time.Testing;
using RawWs.Protocol.WebSockets;
using RawWs.Server.Engine;
using RawWs.Server.Sessions;
using RawWs.Server.Transport;
using RawWs.Tests.Support;

namespace RawWs.Tests.Conformance;

/// <summary>Engine.IO over HTTP requests: what is answered, and what ends a session.</summary>
[TestFixture]
public sealed class EngineIoPollingTests
{
    private EngineEcho _echo = null!;

    [SetUp]
    public void Create_the_handler() => _echo = new EngineEcho();

    [Test]
    public async Task Messages_come_back_joined_by_the_separator()
    {
        await using var server = await StartAsync();
        var client = await EngineClient.OpenAsync(server);
        var posted = await client.PostAsync("4one\u001ebAQID\u001e4\u001e4é\u001eb");
        var polled = await client.PollAsync();
        Assert.Multiple(() =>
        {
            Assert.That((posted.Status, posted.Body), Is.EqualTo((200, "ok")));
            Assert.That(posted.Header("Content-Type"), Is.EqualTo("text/html"));
            Assert.That(polled.Body, Is.EqualTo("4one\u001ebAQID\u001e4\u001e4é\u001eb"));
            Assert.That(polled.Header("Content-Type"), Is.EqualTo("text/plain; charset=UTF-8"));
            Assert.That(polled.Header("Cache-Control"), Is.EqualTo("no-store"));
        });
    }

    [Test]
    public async Task Poll_waits_for_a_message()
    {
        await using var server = await StartAsync();
        var client = await EngineClient.OpenAsync(server);
        using var poll = await client.BeginPollAsync();
        await client.PostAsync("4hello");
        Assert.That((await EngineClient.ReadAsync(poll)).Body, Is.EqualTo("4hello"));
    }

    [Test]
    public async Task Connection_of_a_poll_serves_the_next()
    {
        await using var server = await StartAsync();
        var client = await EngineClient.OpenAsync(server);
        using var connection = await client.BeginPollAsync();
        for (var i = 0; i < 3; i++)
        {
            await client.PostAsync($"4{i}");
            Assert.That((await EngineClient.ReadAsync(connection)).Body, Is.EqualTo($"4{i}"));
            await connection.SendAsync(EngineClient.Request("GET", client.Target()));
        }

        // A request behind one that waits is answered when its turn comes.
        await connection.SendAsync(EngineClient.Request("GET", "/health"));
        await client.PostAsync("4last");
        Assert.That((await EngineClient.ReadAsync(connection)).Body, Is.EqualTo("4last"));
        Assert.That((await EngineClient.ReadAsync(connection)).Body, Does.StartWith("{\"status\":\"ok\""));
    }

    [Test]
    public async Task Second_poll_ends_the_session_and_releases_the_first()
    {
        await using var server = await StartAsync();
        var client = await EngineClient.OpenAsync(server);
        using var first = await client.BeginPollAsync();
        await IsPolledAsync();
        var second = await client.PollAsync();
        Assert.That(second.Status, Is.EqualTo(400));
        Assert.That((await EngineClient.ReadAsync(first)).Body, Is.EqualTo("1"));
        await _echo.ExpectEndAsync(client.Sid, "transport error");
    }

    [TestCase(false)]
    [TestCase(true)]
    public async Task Aborted_request_ends_the_session(bool isPost)
    {
        await using var server = await StartAsync();
        var client = await EngineClient.OpenAsync(server);
        using (var connection = await WireClient.ConnectAsync(server.EndPoint))
        {
            await connection.SendTextAsync(isPost
                ? $"POST {client.Target()} HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n4a"
                : $"GET {client.Target()} HTTP/1.1\r\nHost: a\r\n\r\n");
            if (isPost)
                connection.Socket.Shutdown(System.Net.Sockets.SocketShutdown.Send);
        }

        await _echo.ExpectEndAsync(client.Sid, "transport error");
    }

    [Test]
    public async Task Waiting_poll_gets_a_noop_when_the_client_says_goodbye()
    {
        await using var server = await StartAsync();
        var client = await EngineClient.OpenAsync(server);
        using var poll = await client.BeginPollAsync();
        await IsPolledAsync();
        Assert.That((await client.PostAsync("1\u001e4never")).Status, Is.EqualTo(200));
        Assert.That((await EngineClient.ReadAsync(poll)).Body, Is.EqualTo("6"));
        await _echo.ExpectEndAsync(client.Sid, "transport close");
        Assert.That((await client.PollAsync()).Code, Is.EqualTo(1));
    }

    [Test]
    public async Task Server_that_closes_tells_the_waiting_poll()
    {
        await using var server = await StartAsync();
        var client = await EngineClient.OpenAsync(server);
        using var poll = await client.BeginPollAsync();
        await IsPolledAsync();
        _echo.Last!.Close();
        Assert.That((await EngineClient.ReadAsync(poll)).Body, Is.EqualTo("1"));
        await _echo.ExpectEndAsync(client.Sid, "forced server close");
    }

    [Test]
    public async Task Server_that_closes_tells_the_next_poll_what_it_said_last_and_the_one_behind_the_end()
    {
        await using var server = await StartAsync();
        var client = await EngineClient.OpenAsync(server);
        _echo.Last!.Send(Opcode.Text, "last"u8);
        _echo.Last!.Close();
        Assert.That(_echo.HasEnded(client.Sid));
        // The official client ends at the close packet before it has looked at what is in the same payload.
        Assert.That((await client.PollAsync()).Body, Is.EqualTo("4last"));
        Assert.That((await client.PollAsync()).Body, Is.EqualTo("1"));
        Assert.That((await client.PollAsync()).Code, Is.EqualTo(1));
    }

    [Test]
    public async Task Server_that_closes_waits_thirty_seconds_for_the_next_poll()
    {
        var time = new FakeTimeProvider();
        EngineEndpoint? endpoint = null;
        await using var server = await TestServer.StartAsync(
            map: s => endpoint = s.MapEngine("/engine.io/", _echo), timeProvider: time);
        var client = await EngineClient.OpenAsync(server);
        _echo.Last!.Close();
        time.Run(TimeSpan.FromSeconds(29));
        Assert.That(endpoint!.SessionCount, Is.EqualTo(1));
        time.Run(TimeSpan.FromSeconds(1.2));
        Assert.That(endpoint.SessionCount, Is.Zero);
        Assert.That((await client.PollAsync()).Code, Is.EqualTo(1));
    }

    [TestCase("0")]
    [TestCase("5")]
    [TestCase("6")]
    [TestCase("3")]
    public async Task Packet_that_means_nothing_here_is_ignored(string packet)
    {
        await using var server = await StartAsync();
        var client = await EngineClient.OpenAsync(server);
        Assert.That((await client.PostAsync(packet + "\u001e4after")).Body, Is.EqualTo("ok"));
        Assert.That((await client.PollAsync()).Body, Is.EqualTo("4after"));
    }

    [Test]
    public async Task Ping_of_a_client_is_an_error()
    {
        await using var server = await StartAsync();
        var client = await EngineClient.OpenAsync(server);
        await client.PostAsync("2\u001e4never");
        await _echo.ExpectEndAsync(client.Sid, "transport error");
    }

    [Test]
    public async Task Method_that_is_none_of_polling_is_405()
    {
        await using var server = await StartAsync();
        var client = await EngineClient.OpenAsync(server);
        var answer = await EngineClient.SendAsync(server.EndPoint, "DELETE", client.Target(), "", "");
        Assert.That((answer.Status, answer.Header("Allow")), Is.EqualTo((405, "GET, POST, OPTIONS")));
    }

    [TestCase("gzip", true)]
    [TestCase("br, gzip;q=0.5", true)]
    [TestCase("*", true)]
    [TestCase("gzip;q=0", false)]
    [TestCase("br", false)]
    [TestCase("", false)]
    public async Task Large_answer_is_compressed_for_a_client_that_takes_it(string accepted, bool isCompressed)
    {
        await using var server = await StartAsync();
        var client = await EngineClient.OpenAsync(server);
        var message = "4" + string.Concat(Enumerable.Range(0, 1000));
        await client.PostAsync(message);
        var polled = await client.PollAsync($"Accept-Encoding: {accepted}\r\n");
        Assert.That(polled.Header("Content-Encoding"), Is.EqualTo(isCompressed ? "gzip" : null));
        if (!isCompressed)
        {
            Assert.That(polled.Body, Is.EqualTo(message));
            return;
        }

        await using var gzip = new GZipStream(new MemoryStream(polled.Bytes), CompressionMode.Decompress);
        using var text = new StreamReader(gzip);
        Assert.That(await text.ReadToEndAsync(), Is.EqualTo(message));
        Assert.That(polled.Bytes, Has.Length.LessThan(message.Length));
    }

    [Test]
    public async Task Small_answer_is_not_compressed()
    {
        await using var server = await StartAsync();
        var client = await EngineClient.OpenAsync(server);
        await client.PostAsync("4small");
        Assert.That((await client.PollAsync("Accept-Encoding: gzip\r\n")).Header("Content-Encoding"), Is.Null);
    }

    [Test]
    public async Task Handler_that_throws_costs_its_session_alone()
    {
        var handler = new EngineEcho { Message = (_, _, _) => throw new InvalidOperationException("no") };
        await using var server = await TestServer.StartAsync(map: s => s.MapEngine("/engine.io/", handler));
        var client = await EngineClient.OpenAsync(server);
        var other = await EngineClient.OpenAsync(server);
        Assert.That((await client.PostAsync("4x")).Status, Is.EqualTo(400));
        await handler.ExpectEndAsync(client.Sid, DisconnectReason.TransportError.ToString());
        Assert.That(handler.HasEnded(other.Sid), Is.False);
    }

    [Test]
    public async Task Queue_for_a_client_that_does_not_poll_is_bounded()
    {
        var handler = new EngineEcho();
        await using var server = await TestServer.StartAsync(
            options =>
            {
                options.OutboxHighWaterBytes = 1024;
                options.MaxOutboxBytes = 4096;
            },
            s => s.MapEngine("/engine.io/", handler));
        var client = await EngineClient.OpenAsync(server);
        var results = Enumerable.Range(0, 10).Select(_ => handler.Last!.Send(Opcode.Text, new byte[700])).ToArray();
        Assert.That(results.Distinct(), Is.EqualTo(new[]
        {
            SendResult.Sent, SendResult.Backpressure, SendResult.Dropped,
        }));
        Assert.That((await client.PollAsync()).Bytes, Has.Length.LessThan(4200));
    }

    [Test]
    public async Task Stop_of_the_server_releases_polls_and_ends_sessions()
    {
        await using var server = await StartAsync();
        var silent = await EngineClient.OpenAsync(server);
        var client = await EngineClient.OpenAsync(server);
        using var poll = await client.BeginPollAsync();
        await IsPolledAsync();
        await server.Server.StopAsync();
        Assert.That((await EngineClient.ReadAsync(poll)).Body, Is.EqualTo("1"));
        await _echo.ExpectEndAsync(client.Sid, "server shutting down");
        await _echo.ExpectEndAsync(silent.Sid, "server shutting down");
    }

    private Task IsPolledAsync() => Eventually.IsTrueAsync(() => _echo.Last!.IsPolled, "the poll did not come in");

    private Task<TestServer> StartAsync(EngineOptions? engine = null) =>
        TestServer.StartAsync(map: server => server.MapEngine("/engine.io/", _echo, engine));
}
