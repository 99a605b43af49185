using System.Buffers;
using System.Text;
using RawWs.Protocol.Http;

namespace RawWs.Tests.Protocol.Http;

public sealed class WebSocketUpgradeTests
{
    private const string Key = "dGhlIHNhbXBsZSBub25jZQ==";

    private const string Valid =
        "Upgrade: websocket\r\nConnection: Upgrade\r\n"
        + $"Sec-WebSocket-Key: {Key}\r\nSec-WebSocket-Version: 13\r\n";

    [Test]
    public void The_accept_key_is_that_of_RFC_6455_section_1_3()
    {
        var accept = new byte[WebSocketUpgrade.AcceptKeyBytes];
        WebSocketUpgrade.WriteAcceptKey(Key, accept);
        Assert.That(Encoding.ASCII.GetString(accept), Is.EqualTo("s3pPLMBiTxaQ9kYGzzhZRbK+xOo="));
    }

    [Test]
    public void The_handshake_of_RFC_6455_section_1_2_is_accepted()
    {
        var upgrade = Read(Feed.Head(
            "GET /chat HTTP/1.1\r\nHost: server.example.com\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            + $"Sec-WebSocket-Key: {Key}\r\nOrigin: http://example.com\r\n"
            + "Sec-WebSocket-Protocol: chat, superchat\r\nSec-WebSocket-Version: 13\r\n\r\n"));
        Assert.That(upgrade.Key, Is.EqualTo(Key));
        Assert.That(upgrade.Origin, Is.EqualTo("http://example.com"));
        Assert.That(upgrade.Subprotocols, Is.EqualTo(["chat", "superchat"]));
        Assert.That(upgrade.Extensions, Is.Empty);
        Assert.That(Accept(upgrade, "chat"), Is.EqualTo(
            "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
            + "Sec-WebSocket-Accept: s3pPLMBiTxaQ9kYGzzhZRbK+xOo=\r\nSec-WebSocket-Protocol: chat\r\n\r\n"));
    }

    [TestCase("Upgrade: WebSocket\r\n", "Upgrade: websocket\r\n")]
    [TestCase("Upgrade: h2c, websocket\r\n", "Upgrade: websocket\r\n")]
    [TestCase("Connection: keep-alive, upgrade\r\n", "Connection: Upgrade\r\n")]
    [TestCase("Connection: keep-alive\r\nConnection: UPGRADE\r\n", "Connection: Upgrade\r\n")]
    [TestCase("Content-Length: 0\r\nConnection: Upgrade\r\n", "Connection: Upgrade\r\n")]
    public void Lists_and_case_are_those_of_http(string line, string instead) =>
        Assert.That(Verdict(Valid.Replace(instead, line)), Is.Zero);

    [Test]
    public void A_method_other_than_GET_is_405()
    {
        Assert.That(Verdict("POST", "1.1", Valid), Is.EqualTo(405));
        Assert.That(Verdict("get", "1.1", Valid), Is.EqualTo(405));
        Assert.That(Verdict("HEAD", "1.0", ""), Is.EqualTo(405));
    }

    [Test]
    public void An_upgrade_in_http_1_0_is_400() => Assert.That(Verdict("GET", "1.0", Valid), Is.EqualTo(400));

    [TestCase("", TestName = "A plain GET is 426")]
    [TestCase("Upgrade: h2c\r\nConnection: Upgrade\r\n", TestName = "An upgrade to something else is 426")]
    [TestCase("Upgrade: websockets\r\nConnection: Upgrade\r\n", TestName = "A longer word is 426")]
    public void Not_an_upgrade_to_websocket_is_426(string lines)
    {
        Assert.That(WebSocketUpgrade.IsUpgradeRequest(Feed.Head(Feed.Request(lines))), Is.False);
        Assert.That(Verdict(lines), Is.EqualTo(426));
    }

    [TestCase("Connection: Upgrade\r\n", "", TestName = "A missing Connection is 400")]
    [TestCase("Connection: Upgrade\r\n", "Connection: close\r\n",
        TestName = "Connection without Upgrade is 400")]
    [TestCase("Connection: ", "Content-Length: 1\r\nConnection: ",
        TestName = "A Content-Length above 0 is 400")]
    [TestCase("Connection: ", "Transfer-Encoding: chunked\r\nConnection: ",
        TestName = "A chunked body is 400")]
    [TestCase($"Sec-WebSocket-Key: {Key}\r\n", "", TestName = "A missing key is 400")]
    [TestCase(
        "Connection: ", $"Sec-WebSocket-Key: {Key}\r\nConnection: ", TestName = "A key given twice is 400")]
    [TestCase("Connection: ", "Origin: a\r\nOrigin: b\r\nConnection: ", TestName = "Two Origins are 400")]
    public void A_broken_handshake_is_400(string part, string instead) =>
        Assert.That(Verdict(Valid.Replace(part, instead)), Is.EqualTo(400));

    [TestCase("", TestName = "An empty key is 400")]
    [TestCase("dGhlIHNhbXBsZSBub25jZQ", TestName = "A key without padding is 400")]
    [TestCase("dGhlIHNhbXBsZSBub25jZR==", TestName = "A key with stray bits is 400")]
    [TestCase("dGhlIHNhbXBsZSBub25jZQ= =", TestName = "A key with a space is 400")]
    [TestCase("dGhlIHNhbXBsZSBub25j", TestName = "A key of 15 bytes is 400")]
    [TestCase("dGhlIHNhbXBsZSBub25jZWE=", TestName = "A key of 17 bytes is 400")]
    [TestCase("dGhlIHNhbXBsZSBub25jZWFi", TestName = "A key of 18 bytes is 400")]
    [TestCase("dGhlIHNhbXBsZSBub25jZWFiYw==", TestName = "A key of 19 bytes is 400")]
    [TestCase("dGhlIHNhbXBsZS-_b25jZQ==", TestName = "A key in base64url is 400")]
    [TestCase("dGhlIHNhbXBsZSBub25j!Q==", TestName = "A key that is not base64 is 400")]
    [TestCase("dGhlIHNhbXBsZSBub25jZQ==, x", TestName = "A list of keys is 400")]
    public void A_key_is_the_base64_of_16_bytes(string key) =>
        Assert.That(Verdict(Valid.Replace(Key, key)), Is.EqualTo(400));

    [TestCase("Sec-WebSocket-Version: 13\r\n", "")]
    [TestCase("Version: 13\r\n", "Version: 8\r\n")]
    [TestCase("Version: 13\r\n", "Version: 14\r\n")]
    [TestCase("Version: 13\r\n", "Version: 013\r\n")]
    [TestCase("Version: 13\r\n", "Version:\r\n")]
    [TestCase("Version: 13\r\n", "Version: 13, 8\r\n")]
    [TestCase("Version: 13\r\n", "Version: 13\r\nSec-WebSocket-Version: 13\r\n")]
    public void A_version_other_than_13_is_426(string part, string instead) =>
        Assert.That(Verdict(Valid.Replace(part, instead)), Is.EqualTo(426));

    [Test]
    public void The_version_is_judged_before_the_key() =>
        Assert.That(Verdict(Valid.Replace("13", "12").Replace(Key, "x")), Is.EqualTo(426));

    [Test]
    public void Several_subprotocol_headers_are_one_list()
    {
        var lines = "Sec-WebSocket-Protocol: a ,b\r\nSec-WebSocket-Protocol: A\r\n";
        Assert.That(Read(Feed.Head(Feed.Request(Valid + lines))).Subprotocols, Is.EqualTo(["a", "b", "A"]));
    }

    [TestCase("Sec-WebSocket-Protocol:\r\n")]
    [TestCase("Sec-WebSocket-Protocol: a,\r\n")]
    [TestCase("Sec-WebSocket-Protocol: a,,b\r\n")]
    [TestCase("Sec-WebSocket-Protocol: a b\r\n")]
    [TestCase("Sec-WebSocket-Protocol: a/b\r\n")]
    [TestCase("Sec-WebSocket-Protocol: \"a\"\r\n")]
    [TestCase("Sec-WebSocket-Protocol: \u00e9\r\n")]
    [TestCase("Sec-WebSocket-Protocol: a, b, a\r\n")]
    [TestCase("Sec-WebSocket-Protocol: a\r\nSec-WebSocket-Protocol: a\r\n")]
    public void A_bad_or_repeated_subprotocol_is_400(string lines) =>
        Assert.That(Verdict(Valid + lines), Is.EqualTo(400));

    [Test]
    public void The_clients_order_of_subprotocols_decides()
    {
        var upgrade = Read(Feed.Head(Feed.Request(Valid + "Sec-WebSocket-Protocol: a, b, c\r\n")));
        Assert.That(upgrade.ChooseSubprotocol(["c", "b"]), Is.EqualTo("b"));
        Assert.That(upgrade.ChooseSubprotocol(["B"]), Is.Null);
        Assert.That(upgrade.ChooseSubprotocol([]), Is.Null);
        Assert.That(Accept(upgrade, null), Does.Not.Contain("Protocol:"));
    }

    [Test]
    public void A_subprotocol_that_was_not_offered_is_never_written()
    {
        var upgrade = Read(Feed.Head(Feed.Request(Valid + "Sec-WebSocket-Protocol: a\r\n")));
        var output = new ArrayBufferWriter<byte>();
        Assert.That(() => upgrade.WriteAccept(output, "b", []), Throws.InvalidOperationException);
        Assert.That(() => upgrade.WriteAccept(output, "a\r\n", []), Throws.InvalidOperationException);
        Assert.That(output.WrittenCount, Is.Zero);
    }

    [Test]
    public void Several_extension_headers_are_one_list()
    {
        var lines = "Sec-WebSocket-Extensions: a; p=1, b\r\nSec-WebSocket-Extensions: a\r\n";
        var offers = Read(Feed.Head(Feed.Request(Valid + lines))).Extensions;
        Assert.That(offers.Select(offer => offer.Name), Is.EqualTo(["a", "b", "a"]));
        Assert.That(offers[0].Parameters, Is.EqualTo([new ExtensionParameter("p", "1")]));
        Assert.That(Verdict(Valid + lines + "Sec-WebSocket-Extensions: a;\r\n"), Is.EqualTo(400));
    }

    [TestCase("A", "b\r\nc")]
    [TestCase("A", "b\0")]
    [TestCase("A B", "c")]
    [TestCase("Sec-WebSocket-Protocol", "b")]
    [TestCase("sec-websocket-accept", "b")]
    [TestCase("Connection", "close")]
    [TestCase("Upgrade", "h2c")]
    [TestCase("Content-Length", "0")]
    [TestCase("Transfer-Encoding", "chunked")]
    public void A_header_that_would_break_the_101_is_refused(string name, string value)
    {
        var output = new ArrayBufferWriter<byte>();
        var upgrade = Read(Feed.Head(Feed.Request(Valid)));
        Assert.That(() => upgrade.WriteAccept(output, null, [new("X", "y"), new(name, value)]),
            Throws.ArgumentException);
        Assert.That(output.WrittenCount, Is.Zero);
    }

    [Test]
    public void More_headers_follow_the_fixed_ones()
    {
        var upgrade = Read(Feed.Head(Feed.Request(Valid)));
        var output = new ArrayBufferWriter<byte>();
        upgrade.WriteAccept(output, null,
            [new("Sec-WebSocket-Extensions", "permessage-deflate"), new("X", "y")]);
        Assert.That(Encoding.ASCII.GetString(output.WrittenSpan),
            Does.EndWith("\r\nSec-WebSocket-Extensions: permessage-deflate\r\nX: y\r\n\r\n"));
    }

    [Test]
    public void The_clients_own_handshake_is_accepted()
    {
        var output = new ArrayBufferWriter<byte>();
        WebSocketUpgrade.WriteRequest(output, "h:80", "/a?b", "the sample nonce"u8,
            [new("Origin", "http://h")]);
        var wire = Encoding.ASCII.GetString(output.WrittenSpan);
        Assert.That(wire, Does.StartWith("GET /a?b HTTP/1.1\r\nHost: h:80\r\n"));
        var upgrade = Read(Feed.Head(wire));
        Assert.That((upgrade.Key, upgrade.Origin), Is.EqualTo((Key, "http://h")));
    }

    [TestCase("h\r\n", "/")]
    [TestCase("", "/")]
    [TestCase("h", "")]
    [TestCase("h", "a")]
    [TestCase("h", "/a b")]
    [TestCase("h", "/\r\n")]
    [TestCase("h", "/#")]
    [TestCase("h", "/\u00e9")]
    public void A_client_cannot_write_a_broken_request(string host, string target)
    {
        var output = new ArrayBufferWriter<byte>();
        Assert.That(() => WebSocketUpgrade.WriteRequest(output, host, target, new byte[16], []),
            Throws.ArgumentException);
        Assert.That(() => WebSocketUpgrade.WriteRequest(output, "h", "/", new byte[15], []),
            Throws.InstanceOf<ArgumentOutOfRangeException>());
        Assert.That(() => WebSocketUpgrade.WriteRequest(output, "h", "/", new byte[16], [new("A", "\n")]),
            Throws.ArgumentException);
        Assert.That(output.WrittenCount, Is.Zero);
    }

    private static int Verdict(string lines) => Verdict("GET", "1.1", lines);

    private static int Verdict(string method, string version, string lines)
    {
        var head = Feed.Head($"{method} / HTTP/{version}\r\nHost: h\r\n{lines}\r\n");
        var isValid = WebSocketUpgrade.TryRead(head, out var upgrade, out var error);
        Assert.That(isValid, Is.EqualTo(error.IsNone));
        Assert.That(upgrade, isValid ? Is.Not.Null : Is.Null);
        return error.Status;
    }

    private static WebSocketUpgrade Read(RequestHead head)
    {
        Assert.That(WebSocketUpgrade.TryRead(head, out var upgrade, out var error), Is.True, error.Message);
        return upgrade!;
    }

    private static string Accept(WebSocketUpgrade upgrade, string? subprotocol)
    {
        var output = new ArrayBufferWriter<byte>();
        upgrade.WriteAccept(output, subprotocol, []);
        return Encoding.ASCII.GetString(output.WrittenSpan);
    }
}
