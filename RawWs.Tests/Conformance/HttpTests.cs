using System.Text;
using Microsoft.Extensions.FileProviders;
using Microsoft.Extensions.Time.Testing;
using RawWs.Protocol.WebSockets;
using RawWs.Tests.Support;

namespace RawWs.Tests.Conformance;

/// <summary>HTTP/1.1 over a real socket: what a bad or unusual request gets, and what becomes of the connection.</summary>
public class HttpTests
{
    private const string Get = "GET /health HTTP/1.1\r\nHost: a\r\n";

    internal static IEnumerable<TestCaseData> Refusals()
    {
        yield return Case("bare LF", "GET /health HTTP/1.1\nHost: a\n\n", 400);
        yield return Case("bare LF behind the request line alone", "GET /health HTTP/1.1\nHost: a\r\n\r\n", 400);
        yield return Case("bare LF behind a header alone", Get + "X: a\nY: b\r\n\r\n", 400);
        yield return Case("bare CR", Get + "X: a\rb\r\n\r\n", 400);
        yield return Case("NUL in a value", Get + "X: a\0b\r\n\r\n", 400);
        yield return Case("obs-fold", Get + "X: a\r\n b\r\n\r\n", 400);
        yield return Case("space before the colon", Get + "X : a\r\n\r\n", 400);
        yield return Case("empty name", Get + ": a\r\n\r\n", 400);
        yield return Case("no colon", Get + "X\r\n\r\n", 400);
        yield return Case("no Host", "GET /health HTTP/1.1\r\n\r\n", 400);
        yield return Case("two Hosts", Get + "Host: b\r\n\r\n", 400);
        yield return Case("empty Host", "GET /health HTTP/1.1\r\nHost:\r\n\r\n", 400);
        yield return Case("invalid Host", "GET /health HTTP/1.1\r\nHost: a b\r\n\r\n", 400);
        yield return Case("HTTP/1.2", "GET /health HTTP/1.2\r\nHost: a\r\n\r\n", 505);
        yield return Case("HTTP/2.0", "GET /health HTTP/2.0\r\nHost: a\r\n\r\n", 505);
        yield return Case("HTTP/2 preface", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 400);
        yield return Case("TLS", "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400);
        yield return Case("garbage", "\xff\xfe\xfd\r\n\r\n", 400);
        yield return Case("request line over 8 KiB", $"GET /{new string('a', 9000)} HTTP/1.1\r\nHost: a\r\n\r\n", 414);
        yield return Case("headers over 32 KiB", Get + $"X: {new string('a', 33_000)}\r\n\r\n", 431);
        yield return Case("over 100 headers", Get + string.Concat(Enumerable.Repeat("X: a\r\n", 100)) + "\r\n", 431);
        yield return Case("Content-Length twice", Get + "Content-Length: 3\r\nContent-Length: 3\r\n\r\nabc", 400);
        yield return Case("Content-Length list", Get + "Content-Length: 3, 3\r\n\r\nabc", 400);
        yield return Case("Content-Length +3", Get + "Content-Length: +3\r\n\r\nabc", 400);
        yield return Case("Content-Length -1", Get + "Content-Length: -1\r\n\r\n", 400);
        yield return Case("Content-Length hex", Get + "Content-Length: 0x3\r\n\r\nabc", 400);
        yield return Case("Content-Length empty", Get + "Content-Length:\r\n\r\n", 400);
        yield return Case("Content-Length over 2^63", Get + "Content-Length: 9223372036854775808\r\n\r\n", 400);
        yield return Case("body over the limit", Get + "Content-Length: 1000001\r\n\r\n", 413);
        yield return Case("both framings", Get + "Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400);
        yield return Case("chunked twice", Get + "Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n", 400);
        yield return Case("unknown coding", Get + "Transfer-Encoding: gzip\r\n\r\n", 501);
        const string Chunked = Get + "Transfer-Encoding: chunked\r\n\r\n";
        yield return Case("chunk: bare LF", Chunked + "1\na\r\n0\r\n\r\n", 400);
        yield return Case("chunk: LF in an extension", Chunked + "1;a\nb\r\na\r\n0\r\n\r\n", 400);
        yield return Case("chunk: 0x", Chunked + "0x1\r\na\r\n0\r\n\r\n", 400);
        yield return Case("chunk: leading space", Chunked + " 1\r\na\r\n0\r\n\r\n", 400);
        yield return Case("chunk: negative", Chunked + "-1\r\n", 400);
        yield return Case("chunk: overflow", Chunked + "fffffffffffffffff\r\n", 400);
        yield return Case("chunk: no CRLF", Chunked + "1\r\nabc\r\n", 400);
        yield return Case("chunk: extensions over 4 KiB", Chunked + $"1;{new string('a', 4100)}\r\na\r\n", 400);
        yield return Case("path with NUL", "GET /a%00 HTTP/1.1\r\nHost: a\r\n\r\n", 400);
    }

    [TestCaseSource(nameof(Refusals))]
    public async Task Bad_request_is_refused_and_the_connection_closed(string request, int status)
    {
        await using var server = await TestServer.StartAsync();
        using var client = await WireClient.ConnectAsync(server.EndPoint);
        await client.TrySendAsync(Encoding.Latin1.GetBytes(request));
        var (head, _) = await client.ReadResponseAsync();
        Assert.That(head, Does.StartWith($"HTTP/1.1 {status} "));
        await client.ExpectEndAsync();
    }

    internal static IEnumerable<TestCaseData> Handshakes()
    {
        const string Key = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
        const string Version = "Sec-WebSocket-Version: 13\r\n";
        const string Upgrade = "Host: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n";
        const string Line = "GET /echo HTTP/1.1\r\n";
        yield return Handshake("version missing", Line + Upgrade + Key + "\r\n", 426, "Sec-WebSocket-Version: 13");
        yield return Handshake("version 8", Line + Upgrade + Key + "Sec-WebSocket-Version: 8\r\n\r\n", 426, "Sec-WebSocket-Version: 13");
        yield return Handshake("key missing", Line + Upgrade + Version + "\r\n", 400);
        yield return Handshake("key too short", Line + Upgrade + Version + "Sec-WebSocket-Key: dGhl\r\n\r\n", 400);
        yield return Handshake("key not base64", Line + Upgrade + Version + "Sec-WebSocket-Key: !!!!!!!!!!!!!!!!!!!!!!==\r\n\r\n", 400);
        yield return Handshake("key twice", Line + Upgrade + Version + Key + Key + "\r\n", 400);
        yield return Handshake("plain GET", Line + "Host: a\r\n\r\n", 426, "Upgrade: websocket");
        yield return Handshake("POST", "POST /echo HTTP/1.1\r\n" + Upgrade + Version + Key + "\r\n", 405, "Allow: GET");
        yield return Handshake("HTTP/1.0", "GET /echo HTTP/1.0\r\n" + Upgrade + Version + Key + "\r\n", 400);
        yield return Handshake("no Connection token", Line + "Host: a\r\nUpgrade: websocket\r\nConnection: close\r\n" + Version + Key + "\r\n", 400);
        yield return Handshake("body", Line + Upgrade + Version + Key + "Content-Length: 1\r\n\r\nx", 400);
        yield return Handshake("chunked body", Line + Upgrade + Version + Key + "Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400);
        yield return Handshake("bad subprotocol", Line + Upgrade + Version + Key + "Sec-WebSocket-Protocol: a b\r\n\r\n", 400);
        yield return Handshake("subprotocol twice", Line + Upgrade + Version + Key + "Sec-WebSocket-Protocol: a, a\r\n\r\n", 400);
        yield return Handshake("bad extensions", Line + Upgrade + Version + Key + "Sec-WebSocket-Extensions: ;;\r\n\r\n", 400);
        yield return Handshake("unknown path", WireClient.Handshake("/nowhere"), 404);
        yield return Handshake("origin", WireClient.Handshake("/echo", "Origin: http://evil.example\r\n"), 403);
    }

    // RFC 6455 §4.2.1, §4.2.2, §4.4.
    [TestCaseSource(nameof(Handshakes))]
    public async Task Bad_handshake_says_why(string request, int status, string header)
    {
        await using var server = await TestServer.StartAsync(o => o.AllowedOrigins.Add("http://good.example"));
        using var client = await WireClient.ConnectAsync(server.EndPoint);
        await client.SendTextAsync(request);
        var (head, _) = await client.ReadResponseAsync();
        Assert.That(head, Does.StartWith($"HTTP/1.1 {status} "));
        Assert.That(head, Does.Contain("\r\n" + header));
    }

    // RFC 6455 §1.3, §4.2.2.
    [Test]
    public async Task Handshake_of_the_rfc_gets_the_accept_key_of_the_rfc()
    {
        await using var server = await TestServer.StartAsync();
        using var client = await WireClient.ConnectAsync(server.EndPoint);
        await client.SendTextAsync(WireClient.Handshake("/echo", "Sec-WebSocket-Protocol: none, superchat, chat\r\n" +
            "Sec-WebSocket-Extensions: permessage-deflate; client_max_window_bits, x-unknown; a=\"b\"\r\n"));
        var head = await client.ReadHeadAsync();
        Assert.That(head, Does.StartWith("HTTP/1.1 101 "));
        Assert.That(head, Does.Contain("Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"));
        Assert.That(head, Does.Contain("Sec-WebSocket-Protocol: superchat\r\n"));
        Assert.That(head, Does.Not.Contain("Sec-WebSocket-Extensions"));
    }

    // RFC 6455 §4.2.2: "not sending the header" when no subprotocol is agreed on.
    [Test]
    public async Task Subprotocol_that_nobody_offered_is_never_answered()
    {
        await using var server = await TestServer.StartAsync();
        using var client = await WireClient.ConnectAsync(server.EndPoint);
        await client.SendTextAsync(WireClient.Handshake("/echo", "Sec-WebSocket-Protocol: other\r\n"));
        Assert.That(await client.ReadHeadAsync(), Does.Not.Contain("Sec-WebSocket-Protocol"));
    }

    [Test]
    public async Task Frames_in_the_same_packet_as_the_handshake_are_answered()
    {
        await using var server = await TestServer.StartAsync();
        using var client = await WireClient.ConnectAsync(server.EndPoint);
        await client.SendAsync((byte[])[
            .. Encoding.ASCII.GetBytes(WireClient.Handshake("/echo")),
            .. WireClient.Frame(Opcode.Text, "early"),
            .. WireClient.Frame(Opcode.Text, "bird")]);
        await client.ReadHeadAsync();
        Assert.That((await client.ReadFrameAsync()).Text, Is.EqualTo("early"));
        Assert.That((await client.ReadFrameAsync()).Text, Is.EqualTo("bird"));
    }

    [Test]
    public async Task Handshake_a_byte_at_a_time_is_accepted()
    {
        await using var server = await TestServer.StartAsync();
        using var client = await WireClient.ConnectAsync(server.EndPoint);
        foreach (var b in Encoding.ASCII.GetBytes(WireClient.Handshake("/echo")))
            await client.SendAsync(new[] { b });
        Assert.That(await client.ReadHeadAsync(), Does.StartWith("HTTP/1.1 101 "));
    }

    [Test]
    public async Task Pipelined_requests_are_answered_in_order_on_one_connection()
    {
        await using var server = await TestServer.StartAsync();
        using var client = await WireClient.ConnectAsync(server.EndPoint);
        await client.SendTextAsync(
            Get + "\r\n" +
            "GET /nowhere HTTP/1.1\r\nHost: a\r\n\r\n" +
            "POST /health HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\nX: y\r\n\r\n" +
            "HEAD /health HTTP/1.1\r\nHost: a\r\n\r\n" +
            WireClient.Handshake("/echo"));
        var (health, body) = await client.ReadResponseAsync();
        Assert.That(health, Does.StartWith("HTTP/1.1 200 "));
        Assert.That(Encoding.ASCII.GetString(body), Does.Contain("\"status\":\"ok\""));
        Assert.That((await client.ReadResponseAsync()).Head, Does.StartWith("HTTP/1.1 404 "));
        var (post, _) = await client.ReadResponseAsync();
        Assert.That(post, Does.StartWith("HTTP/1.1 405 "));
        Assert.That(post, Does.Contain("Allow: GET, HEAD\r\n"));
        Assert.That((await client.ReadResponseAsync(hasBody: false)).Head, Does.StartWith("HTTP/1.1 200 "));
        Assert.That(await client.ReadHeadAsync(), Does.StartWith("HTTP/1.1 101 "));
    }

    [Test]
    public async Task Connection_close_is_honoured()
    {
        await using var server = await TestServer.StartAsync();
        using var client = await WireClient.ConnectAsync(server.EndPoint);
        await client.SendTextAsync(Get + "Connection: close\r\n\r\n");
        Assert.That((await client.ReadResponseAsync()).Head, Does.Contain("Connection: close\r\n"));
        await client.ExpectEndAsync();
    }

    [Test]
    public async Task Client_that_waits_for_continue_gets_it()
    {
        await using var server = await TestServer.StartAsync();
        using var client = await WireClient.ConnectAsync(server.EndPoint);
        await client.SendTextAsync("POST /health HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 3\r\n\r\n");
        Assert.That(await client.ReadHeadAsync(), Does.StartWith("HTTP/1.1 100 "));
        await client.SendTextAsync("abc");
        Assert.That((await client.ReadResponseAsync()).Head, Does.StartWith("HTTP/1.1 405 "));
    }

    [TestCase("/../secret")]
    [TestCase("/%2e%2e/secret")]
    [TestCase("/..%5csecret")]
    [TestCase("/%252e%252e/secret")]
    [TestCase("//etc/passwd")]
    [TestCase("/out/secret")]
    public async Task File_outside_the_root_is_never_served(string path)
    {
        var root = Directory.CreateTempSubdirectory();
        try
        {
            var files = root.CreateSubdirectory("files");
            await File.WriteAllTextAsync(Path.Combine(root.FullName, "secret"), "secret");
            File.CreateSymbolicLink(Path.Combine(files.FullName, "out"), root.FullName);
            await File.WriteAllTextAsync(Path.Combine(files.FullName, "page.html"), "page");
            using var provider = new PhysicalFileProvider(files.FullName);
            await using var server = await TestServer.StartAsync(map: s => s.MapFiles(provider));
            using var client = await WireClient.ConnectAsync(server.EndPoint);
            await client.SendTextAsync("GET /page.html HTTP/1.1\r\nHost: a\r\n\r\n");
            Assert.That(Encoding.ASCII.GetString((await client.ReadResponseAsync()).Body), Is.EqualTo("page"));
            await client.SendTextAsync($"GET {path} HTTP/1.1\r\nHost: a\r\n\r\n");
            Assert.That((await client.ReadResponseAsync()).Head, Does.Match("^HTTP/1.1 (400|404) "));
        }
        finally
        {
            root.Delete(recursive: true);
        }
    }

    [Test]
    public async Task File_comes_with_its_type_and_is_not_sent_again_to_who_has_it()
    {
        var root = Directory.CreateTempSubdirectory();
        try
        {
            var content = new string('x', 200_000);
            await File.WriteAllTextAsync(Path.Combine(root.FullName, "a.js"), content);
            using var provider = new PhysicalFileProvider(root.FullName);
            await using var server = await TestServer.StartAsync(map: s => s.MapFiles(provider));
            using var client = await WireClient.ConnectAsync(server.EndPoint);
            await client.SendTextAsync("GET /a.js HTTP/1.1\r\nHost: a\r\n\r\n");
            var (head, body) = await client.ReadResponseAsync();
            Assert.That(head, Does.Contain("Content-Type: text/javascript; charset=utf-8\r\n"));
            Assert.That(Encoding.ASCII.GetString(body), Is.EqualTo(content));
            var tag = head.Split("ETag: ")[1].Split("\r\n")[0];
            await client.SendTextAsync($"GET /a.js HTTP/1.1\r\nHost: a\r\nIf-None-Match: {tag}\r\n\r\n");
            Assert.That((await client.ReadResponseAsync(hasBody: false)).Head, Does.StartWith("HTTP/1.1 304 "));
            await client.SendTextAsync("HEAD /a.js HTTP/1.1\r\nHost: a\r\n\r\n");
            Assert.That((await client.ReadResponseAsync(hasBody: false)).Head, Does.Contain("Content-Length: 200000\r\n"));
            await client.SendTextAsync("DELETE /a.js HTTP/1.1\r\nHost: a\r\n\r\n");
            Assert.That((await client.ReadResponseAsync()).Head, Does.StartWith("HTTP/1.1 405 "));
        }
        finally
        {
            root.Delete(recursive: true);
        }
    }

    [Test]
    public async Task Head_begun_in_the_packet_of_the_last_request_has_the_handshake_timeout_too()
    {
        var time = new FakeTimeProvider();
        await using var server = await TestServer.StartAsync(timeProvider: time);
        using var client = await WireClient.ConnectAsync(server.EndPoint);
        await client.SendTextAsync(Get + "\r\n" + "GET / HTTP/1.1\r\nX: ");
        await client.ReadResponseAsync();
        // The time of the second head runs from a moment after the first answer can be read.
        await Eventually.IsTrueAsync(() =>
        {
            time.Run(TimeSpan.FromMilliseconds(100));
            return client.Socket.Poll(0, System.Net.Sockets.SelectMode.SelectRead);
        });
        Assert.That(await client.ReadHeadAsync(), Does.StartWith("HTTP/1.1 408 "));
    }

    [Test]
    public async Task Connection_that_says_nothing_is_ended_at_the_handshake_timeout()
    {
        await using var server = await TestServer.StartAsync(o => o.HandshakeTimeout = TimeSpan.FromMilliseconds(50));
        using var client = await WireClient.ConnectAsync(server.EndPoint);
        await client.ExpectEndAsync();
    }

    private static TestCaseData Case(string name, string request, int status) =>
        new TestCaseData(request, status).SetArgDisplayNames(name);

    private static TestCaseData Handshake(string name, string request, int status, string header = "") =>
        new TestCaseData(request, status, header).SetArgDisplayNames(name);
}
