using Microsoft.Extensions.Time.Testing;
using RawWs.Protocol.WebSockets;
using RawWs.Tests.Support;

namespace RawWs.Tests.Conformance;

/// <summary>RFC 6455 §4.2 and §4.4: the opening handshake over a real socket.</summary>
public class OpeningHandshakeTests
{
    private const string Key = "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n";
    private const string Version = "Sec-WebSocket-Version: 13\r\n";
    private static readonly string _handshake = WireClient.Handshake("/echo");

    // §1.3 and §4.2.2, item 5: the RFC's own example.
    [Test]
    public async Task Server_answers_with_the_accept_key_of_the_rfc()
    {
        var head = await AnswerAsync(_handshake);
        Assert.That(head, Does.StartWith("HTTP/1.1 101 Switching Protocols\r\n"));
        Assert.That(head, Does.Contain("\r\nUpgrade: websocket\r\n"));
        Assert.That(head, Does.Contain("\r\nConnection: Upgrade\r\n"));
        Assert.That(head, Does.Contain("\r\nSec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\n"));
    }

    // §4.2.1, items 3 to 5: names and the two tokens are compared without case, Connection is a list.
    [TestCase("Upgrade: websocket", "uPGRADE: WebSocket")]
    [TestCase("Upgrade: websocket", "Upgrade: h2c, websocket")]
    [TestCase("Connection: Upgrade", "connection: keep-alive, UPGRADE")]
    [TestCase("Connection: Upgrade", "Connection: keep-alive\r\nConnection: upgrade")]
    [TestCase("Host: 127.0.0.1", "hOST:127.0.0.1:80")]
    [TestCase("GET /echo ", "GET /echo?token=a%20b ")]
    [TestCase("GET /echo ", "GET /%65cho ")]
    [TestCase("GET /echo ", "GET http://127.0.0.1/echo ")]
    [TestCase(Version, Version + "Content-Length: 0\r\n")]
    [TestCase(Version, Version + "Origin: null\r\n")]
    [TestCase(Version, Version + "X-Empty:\r\n")]
    public async Task Server_accepts(string part, string variant)
    {
        Assert.That(await AnswerAsync(Vary(part, variant)), Does.StartWith("HTTP/1.1 101 "));
    }

    [TestCase("Connection: Upgrade\r\n", "")]
    [TestCase("Connection: Upgrade\r\n", "Connection: keep-alive\r\n")]
    [TestCase("GET /echo HTTP/1.1", "GET /echo HTTP/1.0")]
    [TestCase(Version, Version + "Content-Length: 5\r\n")]
    [TestCase(Version, Version + "Transfer-Encoding: chunked\r\n")]
    [TestCase("Host: 127.0.0.1\r\n", "")]
    public async Task Server_refuses_with_400(string part, string variant) => await ExpectAsync(400, Vary(part, variant));

    // §4.2.1, item 5: the base64 of 16 bytes, once.
    [TestCase("")]
    [TestCase("Sec-WebSocket-Key:\r\n")]
    [TestCase("Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ\r\n")]
    [TestCase("Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZR==\r\n")]
    [TestCase("Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=A\r\n")]
    [TestCase("Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZSE=\r\n")]
    [TestCase("Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25j\r\n")]
    [TestCase("Sec-WebSocket-Key: dGhl!HNhbXBsZSBub25jZQ==\r\n")]
    [TestCase("Sec-WebSocket-Key: dGhl_HNhbXBsZSBub25jZQ==\r\n")]
    [TestCase(Key + Key)]
    public async Task Server_refuses_a_wrong_key_with_400(string lines) => await ExpectAsync(400, Vary(Key, lines));

    // §4.4: the answer names the version that is understood.
    [TestCase("")]
    [TestCase("Sec-WebSocket-Version: 8\r\n")]
    [TestCase("Sec-WebSocket-Version: 14\r\n")]
    [TestCase("Sec-WebSocket-Version: 013\r\n")]
    [TestCase("Sec-WebSocket-Version: 13, 8\r\n")]
    [TestCase("Sec-WebSocket-Version: x\r\n")]
    public async Task Server_answers_another_version_with_426_and_its_own(string lines)
    {
        var head = await ExpectAsync(426, Vary(Version, lines));
        Assert.That(head, Does.Contain("\r\nSec-WebSocket-Version: 13\r\n"));
    }

    [Test]
    public async Task Plain_get_on_a_websocket_path_is_told_to_upgrade()
    {
        var head = await ExpectAsync(426, "GET /echo HTTP/1.1\r\nHost: a\r\n\r\n");
        Assert.That(head, Does.Contain("\r\nUpgrade: websocket\r\n"));
        Assert.That(head, Does.Contain("\r\nConnection: Upgrade"));
    }

    // §4.2.1, item 1.
    [TestCase("POST")]
    [TestCase("PUT")]
    [TestCase("OPTIONS")]
    [TestCase("DELETE")]
    [TestCase("get")]
    public async Task Another_method_on_a_websocket_path_is_405_with_allow(string method)
    {
        var head = await ExpectAsync(405, Vary("GET ", method + " "));
        Assert.That(head, Does.Contain("\r\nAllow: GET\r\n"));
    }

    [Test]
    public async Task Upgrade_on_an_unknown_path_is_404() => await ExpectAsync(404, Vary("/echo", "/nowhere"));

    // §4.2.2, item 5, and §11.3.4: one that was offered, or no header.
    [TestCase("Sec-WebSocket-Protocol: chat\r\n", "chat")]
    [TestCase("Sec-WebSocket-Protocol: superchat, chat\r\n", "superchat")]
    [TestCase("Sec-WebSocket-Protocol: other, chat\r\n", "chat")]
    [TestCase("Sec-WebSocket-Protocol: other\r\nSec-WebSocket-Protocol: superchat\r\n", "superchat")]
    [TestCase("Sec-WebSocket-Protocol: other\r\n", null)]
    [TestCase("Sec-WebSocket-Protocol: CHAT\r\n", null)]
    [TestCase("", null)]
    public async Task Server_chooses_the_first_subprotocol_it_knows(string lines, string? chosen)
    {
        var head = await AnswerAsync(Vary(Version, Version + lines));
        Assert.That(head, Does.StartWith("HTTP/1.1 101 "));
        Assert.That(head, chosen is null
            ? Does.Not.Contain("Sec-WebSocket-Protocol")
            : Does.Contain($"\r\nSec-WebSocket-Protocol: {chosen}\r\n"));
    }

    [TestCase("chat, chat")]
    [TestCase("chat\r\nSec-WebSocket-Protocol: chat")]
    [TestCase("ch at")]
    [TestCase("chat;1")]
    [TestCase("")]
    [TestCase(",")]
    public async Task Server_refuses_a_malformed_list_of_subprotocols_with_400(string value) =>
        await ExpectAsync(400, Vary(Version, Version + $"Sec-WebSocket-Protocol: {value}\r\n"));

    // §9.1: an extension that is not known is declined by not being named.
    [TestCase("x-unknown")]
    [TestCase("x-unknown; a=1; b=\"2\", x-other")]
    public async Task Server_declines_an_unknown_extension(string value)
    {
        var head = await AnswerAsync(Vary(Version, Version + $"Sec-WebSocket-Extensions: {value}\r\n"));
        Assert.That(head, Does.StartWith("HTTP/1.1 101 "));
        Assert.That(head, Does.Not.Contain("Sec-WebSocket-Extensions"));
    }

    [TestCase("")]
    [TestCase(";")]
    [TestCase("a b")]
    [TestCase("a; =1")]
    [TestCase("a; b=")]
    [TestCase("a; b=\"")]
    [TestCase("a; b=\"c d\"")]
    [TestCase("a,")]
    public async Task Server_refuses_malformed_extensions_with_400(string value) =>
        await ExpectAsync(400, Vary(Version, Version + $"Sec-WebSocket-Extensions: {value}\r\n"));

    // §10.2
    [TestCase("Origin: https://app.example\r\n", "101")]
    [TestCase("Origin: HTTPS://APP.EXAMPLE\r\n", "101")]
    [TestCase("", "101")]
    [TestCase("Origin: https://app.example.evil\r\n", "403")]
    [TestCase("Origin: http://app.example\r\n", "403")]
    [TestCase("Origin: null\r\n", "403")]
    [TestCase("Origin: https://app.example\r\nOrigin: https://app.example\r\n", "400")]
    public async Task Server_lets_in_only_the_origins_allowed(string lines, string status)
    {
        await using var server = await TestServer.StartAsync(o => o.AllowedOrigins.Add("https://app.example"));
        using var client = await WireClient.ConnectAsync(server.EndPoint);
        await client.SendTextAsync(Vary(Version, Version + lines));
        Assert.That(await client.ReadHeadAsync(), Does.StartWith($"HTTP/1.1 {status} "));
    }

    [Test]
    public async Task Frames_in_the_packet_of_the_handshake_are_processed()
    {
        await using var server = await TestServer.StartAsync();
        using var client = await WireClient.ConnectAsync(server.EndPoint);
        await client.SendAsync((byte[])[
            .. System.Text.Encoding.ASCII.GetBytes(_handshake),
            .. WireClient.Frame(Opcode.Text, "first"),
            .. WireClient.Frame(Opcode.Binary, new byte[10_000]),
            .. WireClient.CloseFrame(1000)]);
        Assert.That(await client.ReadHeadAsync(), Does.StartWith("HTTP/1.1 101 "));
        Assert.That((await client.ReadFrameAsync()).Text, Is.EqualTo("first"));
        Assert.That((await client.ReadFrameAsync()).Payload, Has.Length.EqualTo(10_000));
        await client.ExpectCloseAsync(CloseCode.NormalClosure);
    }

    [Test]
    public async Task Handshake_may_come_byte_by_byte()
    {
        await using var server = await TestServer.StartAsync();
        using var client = await WireClient.ConnectAsync(server.EndPoint);
        foreach (var letter in _handshake)
            await client.SendTextAsync(letter.ToString());
        Assert.That(await client.ReadHeadAsync(), Does.StartWith("HTTP/1.1 101 "));
        await client.SendFrameAsync(Opcode.Text, "Hello");
        Assert.That((await client.ReadFrameAsync()).Text, Is.EqualTo("Hello"));
    }

    [Test]
    public async Task Head_that_is_not_complete_in_time_ends_the_connection_however_steadily_it_drips()
    {
        var clock = new FakeTimeProvider();
        await using var server = await TestServer.StartAsync(timeProvider: clock);
        using var client = await WireClient.ConnectAsync(server.EndPoint);
        await client.SendTextAsync("G");
        await Eventually.IsTrueAsync(() => server.Server.ConnectionCount == 1, "accepted");
        foreach (var letter in _handshake[1..10])
        {
            clock.Run(TimeSpan.FromSeconds(1));
            await client.SendTextAsync(letter.ToString());
        }

        Assert.That(client.Socket.Poll(0, System.Net.Sockets.SelectMode.SelectRead), Is.False);
        clock.Run(TimeSpan.FromSeconds(1));
        // A server that has not seen the first byte yet has nobody to answer.
        var answer = System.Text.Encoding.ASCII.GetString(await client.ReadToEndAsync());
        Assert.That(answer, Is.Empty.Or.StartsWith("HTTP/1.1 408 "));
    }

    private static string Vary(string part, string variant)
    {
        Assert.That(_handshake, Does.Contain(part));
        return _handshake.Replace(part, variant, StringComparison.Ordinal);
    }

    private static async Task<string> AnswerAsync(string request)
    {
        await using var server = await TestServer.StartAsync();
        using var client = await WireClient.ConnectAsync(server.EndPoint);
        await client.SendTextAsync(request);
        return await client.ReadHeadAsync();
    }

    private static async Task<string> ExpectAsync(int status, string request)
    {
        var head = await AnswerAsync(request);
        Assert.That(head, Does.StartWith($"HTTP/1.1 {status} "));
        Assert.That(head, Does.Not.Contain("Sec-WebSocket-Accept"));
        return head;
    }
}
