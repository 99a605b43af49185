using System.Collections.Concurrent;
using System.Text;
using Microsoft.Extensions.Time.Testing;
using RawWs.Server.Engine;
using RawWs.Tests.Support;

namespace RawWs.Tests.Conformance;

/// <summary>What a client of Engine.IO posts: bodies, payloads, and several POSTs at a time.</summary>
[TestFixture]
public sealed class EngineIoPostTests
{
    private EngineEcho _echo = null!;

    [SetUp]
    public void Create_the_handler() => _echo = new EngineEcho();

    [Test]
    public async Task Chunked_body_is_read()
    {
        await using var server = await StartAsync();
        var client = await EngineClient.OpenAsync(server);
        using var connection = await WireClient.ConnectAsync(server.EndPoint);
        await connection.SendTextAsync(
            $"POST {client.Target()} HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n4a\r\n1\r\nb\r\n0\r\n\r\n");
        Assert.That((await EngineClient.ReadAsync(connection)).Body, Is.EqualTo("ok"));
        Assert.That((await client.PollAsync()).Body, Is.EqualTo("4ab"));
    }

    [Test]
    public async Task Body_over_the_limit_is_413_and_the_session_goes_on()
    {
        await using var server = await StartAsync(new EngineOptions { MaxPayloadBytes = 1000 });
        var client = await EngineClient.OpenAsync(server);
        Assert.That((await client.PostAsync("4" + new string('x', 1000))).Status, Is.EqualTo(413));

        using var chunked = await WireClient.ConnectAsync(server.EndPoint);
        await chunked.SendTextAsync(
            $"POST {client.Target()} HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n" +
            $"1f4\r\n4{new string('x', 499)}\r\n1f5\r\n");
        Assert.That((await EngineClient.ReadAsync(chunked)).Status, Is.EqualTo(413));

        var fits = "4" + new string('y', 999);
        Assert.That((await client.PostAsync(fits)).Body, Is.EqualTo("ok"));
        Assert.That((await client.PollAsync()).Body, Is.EqualTo(fits));
    }

    [Test]
    public async Task Binary_body_belongs_to_another_version_and_ends_the_session()
    {
        await using var server = await StartAsync();
        var client = await EngineClient.OpenAsync(server);
        var posted = await client.PostAsync("4x", "Content-Type: application/octet-stream\r\n");
        Assert.That(posted.Status, Is.EqualTo(400));
        await _echo.ExpectEndAsync(client.Sid, "transport error");
        Assert.That((await client.PollAsync()).Code, Is.EqualTo(1));
    }

    [TestCase("abc")]
    [TestCase("")]
    [TestCase("7x")]
    [TestCase("4a\u001e")]
    [TestCase("\u001e4a")]
    [TestCase("4a\u001e\u001e4b")]
    [TestCase("b!!!!")]
    [TestCase("bAQI")]
    [TestCase("bAQ I")]
    [TestCase("bAQID=")]
    public async Task Malformed_payload_ends_the_session(string payload)
    {
        await using var server = await StartAsync();
        var client = await EngineClient.OpenAsync(server);
        Assert.That((await client.PostAsync(payload)).Status, Is.EqualTo(400));
        await _echo.ExpectEndAsync(client.Sid, "parse error");
        Assert.That((await client.PollAsync()).Status, Is.EqualTo(400));
    }

    [Test]
    public async Task Payload_that_is_no_utf8_ends_the_session()
    {
        await using var server = await StartAsync();
        var client = await EngineClient.OpenAsync(server);
        using var connection = await WireClient.ConnectAsync(server.EndPoint);
        await connection.SendAsync(
            (byte[])[.. Encoding.ASCII.GetBytes($"POST {client.Target()} HTTP/1.1\r\nHost: a\r\nContent-Length: 2\r\n\r\n4"), 0xff]);
        Assert.That((await EngineClient.ReadAsync(connection)).Status, Is.EqualTo(400));
        await _echo.ExpectEndAsync(client.Sid, "parse error");
    }

    [Test]
    public async Task Million_separators_end_the_session()
    {
        await using var server = await StartAsync();
        var client = await EngineClient.OpenAsync(server);
        Assert.That((await client.PostAsync(new string('\u001e', 1_000_000))).Status, Is.EqualTo(400));
        await _echo.ExpectEndAsync(client.Sid, "parse error");
    }

    [Test]
    public async Task Second_post_while_one_is_read_ends_the_session()
    {
        // The clock stands still: the first must not end it by being slow.
        await using var server = await TestServer.StartAsync(
            map: s => s.MapEngine("/engine.io/", _echo), timeProvider: new FakeTimeProvider());
        var client = await EngineClient.OpenAsync(server);
        using var poll = await client.BeginPollAsync();
        await Eventually.IsTrueAsync(() => _echo.Last!.IsPolled, "the poll did not come in");
        using var first = await WireClient.ConnectAsync(server.EndPoint);
        await first.SendTextAsync(
            $"POST {client.Target()} HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\nExpect: 100-continue\r\n\r\n");
        Assert.That(await first.ReadHeadAsync(), Does.StartWith("HTTP/1.1 100"));
        Assert.That((await client.PostAsync("4b")).Status, Is.EqualTo(400));
        Assert.That((await EngineClient.ReadAsync(poll)).Body, Is.EqualTo("1"));
        await _echo.ExpectEndAsync(client.Sid, "transport error");
        await first.SendTextAsync("4aaaaaaaa");
        await EngineClient.ReadAsync(first);
    }

    [Test]
    public async Task Posts_behind_one_that_is_handled_wait_and_are_handled_in_order()
    {
        // A client answers what its poll brought while the handler that said it still runs.
        var held = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var handled = new ConcurrentQueue<string>();
        var echo = new EngineEcho
        {
            Message = async (session, type, payload) =>
            {
                var text = Encoding.UTF8.GetString(payload.Span);
                session.Send(type, payload.Span);
                if (text == "question")
                    await held.Task;
                handled.Enqueue(text);
            },
        };
        await using var server = await TestServer.StartAsync(map: s => s.MapEngine("/engine.io/", echo));
        var client = await EngineClient.OpenAsync(server);
        var answers = new List<Task<WireResponse>> { client.PostAsync("4question") };
        Assert.That((await client.PollAsync()).Body, Is.EqualTo("4question"));
        foreach (var payload in (string[])["4answer", "4more", "4last"])
        {
            var before = echo.Last!.LastPost;
            answers.Add(client.PostAsync(payload));
            await Eventually.IsTrueAsync(() => echo.Last!.LastPost != before, "the request did not come in");
        }

        held.SetResult();
        foreach (var answer in await Task.WhenAll(answers))
            Assert.That((answer.Status, answer.Body), Is.EqualTo((200, "ok")));
        Assert.That(handled, Is.EqualTo(["question", "answer", "more", "last"]));
        Assert.That((await client.PollAsync()).Body, Is.EqualTo("4answer\u001e4more\u001e4last"));
    }

    private Task<TestServer> StartAsync(EngineOptions? engine = null) =>
        TestServer.StartAsync(map: server => server.MapEngine("/engine.io/", _echo, engine));
}
