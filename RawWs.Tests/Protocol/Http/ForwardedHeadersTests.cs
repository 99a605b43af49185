using System.Net;
using System.Text;
using CsCheck;
using RawWs.Protocol.Http;
using Gen = CsCheck.Gen;

namespace RawWs.Tests.Protocol.Http;

public class ForwardedHeadersTests
{
    private static readonly IPAddress s_proxy = IPAddress.Parse("10.0.0.1");
    private static readonly IPNetwork[] s_trusted = [IPNetwork.Parse("10.0.0.0/8"), IPNetwork.Parse("2001:db8::/32")];

    [TestCase("203.0.113.7", "203.0.113.7")]
    [TestCase("198.51.100.1, 203.0.113.7", "203.0.113.7", Description = "what the client itself has sent is not believed")]
    [TestCase("203.0.113.7, 10.1.2.3", "203.0.113.7", Description = "a trusted proxy is passed by")]
    [TestCase("203.0.113.7,10.1.2.3,10.1.2.4", "203.0.113.7")]
    [TestCase("198.51.100.1, 203.0.113.7, 10.1.2.3", "203.0.113.7")]
    [TestCase("10.1.2.3, 10.4.5.6", "10.1.2.3", Description = "all are trusted: the first is the client")]
    [TestCase("203.0.113.7:4711", "203.0.113.7")]
    [TestCase("2001:db9::7", "2001:db9::7")]
    [TestCase("[2001:db9::7]", "2001:db9::7")]
    [TestCase("[2001:db9::7]:4711", "2001:db9::7")]
    [TestCase("203.0.113.7, 2001:db8::1", "203.0.113.7")]
    [TestCase("::ffff:203.0.113.7", "203.0.113.7", Description = "IPv4 is written as such")]
    [TestCase("203.0.113.7, ::ffff:10.1.2.3", "203.0.113.7")]
    [TestCase(" \t203.0.113.7 ", "203.0.113.7")]
    public void Client_is_the_last_address_that_is_not_a_trusted_proxy(string list, string client) =>
        Assert.That(Read($"X-Forwarded-For: {list}\r\n").Address, Is.EqualTo(IPAddress.Parse(client)));

    [TestCase("")]
    [TestCase(",")]
    [TestCase("unknown")]
    [TestCase("_hidden")]
    [TestCase("203.0.113.7, ")]
    [TestCase("203.0.113.7, unknown")]
    [TestCase("1")]
    [TestCase("127.1")]
    [TestCase("0x7f.0.0.1")]
    [TestCase("203.0.113.256")]
    [TestCase("203.0.113.7:")]
    [TestCase("203.0.113.7:x")]
    [TestCase("203.0.113.7:123456")]
    [TestCase("[203.0.113.7]")]
    [TestCase("[2001:db9::7")]
    [TestCase("[2001:db9::7]x")]
    [TestCase("[]")]
    [TestCase("fe80::1%eth0")]
    [TestCase("203.0.113.7 203.0.113.8")]
    [TestCase("\"203.0.113.7\"")]
    public void Malformed_list_leaves_the_proxy_itself(string list) =>
        Assert.That(Read($"X-Forwarded-For: {list}\r\n").Address, Is.EqualTo(s_proxy));

    [Test]
    public void Malformed_element_ends_what_is_believed_at_the_proxy_that_wrote_it() =>
        Assert.That(
            Read("X-Forwarded-For: 203.0.113.7, unknown, 10.1.2.3\r\n").Address, Is.EqualTo(IPAddress.Parse("10.1.2.3")));

    [Test]
    public void Several_lines_are_one_list() =>
        Assert.That(
            Read("X-Forwarded-For: 198.51.100.1\r\nx-forwarded-for: 203.0.113.7, 10.1.2.3\r\n").Address,
            Is.EqualTo(IPAddress.Parse("203.0.113.7")));

    [Test]
    public void Request_without_the_headers_is_the_proxys_own()
    {
        var client = Read("");
        Assert.That(client.Address, Is.EqualTo(s_proxy));
        Assert.That(client.IsSecure, Is.Null);
    }

    // A proxy writes Forwarded or X-Forwarded-For; the other one is the client's.
    [Test]
    public void Forwarded_of_RFC_7239_is_not_believed() =>
        Assert.That(
            Read("Forwarded: for=198.51.100.1;proto=https\r\nX-Forwarded-For: 203.0.113.7\r\n"),
            Is.EqualTo(new ForwardedClient(IPAddress.Parse("203.0.113.7"), null)));

    [TestCase("203.0.113.7", "https", true)]
    [TestCase("203.0.113.7", "HTTPS", true)]
    [TestCase("203.0.113.7", "wss", true)]
    [TestCase("203.0.113.7", "http", false)]
    [TestCase("203.0.113.7", "ws", false)]
    [TestCase("203.0.113.7", "ftp", null)]
    [TestCase("203.0.113.7", "", null)]
    [TestCase("203.0.113.7", "https, http", false, Description = "the client claims https, the proxy has seen http")]
    [TestCase("203.0.113.7, 10.1.2.3", "https, http", true, Description = "two proxies, each with what it has seen")]
    [TestCase("203.0.113.7, 10.1.2.3", "https", true, Description = "one proxy passes on what the other wrote")]
    [TestCase("198.51.100.1, 203.0.113.7, 10.1.2.3", "http, https, http", true)]
    [TestCase("nonsense", "https", true)]
    public void Scheme_is_that_which_the_proxy_of_the_client_has_seen(string list, string schemes, bool? isSecure) =>
        Assert.That(
            Read($"X-Forwarded-For: {list}\r\nX-Forwarded-Proto: {schemes}\r\n").IsSecure, Is.EqualTo(isSecure));

    [TestCase("10.255.0.1", true)]
    [TestCase("::ffff:10.0.0.1", true)]
    [TestCase("11.0.0.1", false)]
    [TestCase("2001:db8:ffff::1", true)]
    [TestCase("2001:db9::1", false)]
    [TestCase("::ffff:11.0.0.1", false)]
    public void Proxy_is_trusted_by_its_network(string address, bool isTrusted) =>
        Assert.That(ForwardedHeaders.IsTrusted(IPAddress.Parse(address), s_trusted), Is.EqualTo(isTrusted));

    [Test]
    public void Nobody_is_trusted_by_default() =>
        Assert.That(ForwardedHeaders.IsTrusted(IPAddress.Loopback, []), Is.False);

    [Test]
    public void No_text_is_an_exception()
    {
        const string Alphabet = "0123456789abcdefF:.[], %\"x\t";
        Gen.Char[Alphabet].Array[0, 60].Sample(chars =>
            Read($"X-Forwarded-For: {new string(chars)}\r\nX-Forwarded-Proto: {new string(chars)}\r\n").Address is not null);
    }

    private static ForwardedClient Read(string lines)
    {
        var parser = new RequestParser(new HttpLimits());
        var bytes = Encoding.ASCII.GetBytes($"GET / HTTP/1.1\r\nHost: a\r\n{lines}\r\n");
        Assert.That(parser.Read(bytes, out var head, out _), Is.EqualTo(HttpParseStatus.Complete));
        return ForwardedHeaders.Read(head!.Headers, s_proxy, s_trusted);
    }
}
