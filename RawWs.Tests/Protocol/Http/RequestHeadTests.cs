namespace RawWs.Tests.Protocol.Http;

public sealed class RequestHeadTests
{
    [TestCase("Host:\r\n", TestName = "An empty Host is 400")]
    [TestCase("Host:   \r\n", TestName = "A blank Host is 400")]
    [TestCase("", TestName = "A missing Host is 400")]
    [TestCase("Host: a\r\nHost: a\r\n", TestName = "Two equal Hosts are 400")]
    [TestCase("Host: a\r\nhost: b\r\n", TestName = "Two different Hosts are 400")]
    [TestCase("Host: a b\r\n", TestName = "A Host with a space is 400")]
    [TestCase("Host: a, b\r\n", TestName = "A list of Hosts is 400")]
    public void A_request_without_exactly_one_valid_Host_is_400(string lines) =>
        Assert.That(Feed.Verdict($"GET / HTTP/1.1\r\n{lines}\r\n"), Is.EqualTo(400));

    [Test]
    public void Http_1_0_may_omit_the_Host_but_not_spoil_it()
    {
        Assert.That(Feed.Head("GET / HTTP/1.0\r\n\r\n").Host, Is.Empty);
        Assert.That(Feed.Head("GET / HTTP/1.0\r\nHost: h\r\n\r\n").Host, Is.EqualTo("h"));
        Assert.That(Feed.Verdict("GET / HTTP/1.0\r\nHost:\r\n\r\n"), Is.EqualTo(400));
        Assert.That(Feed.Verdict("GET / HTTP/1.0\r\nHost: h\r\nHost: h\r\n\r\n"), Is.EqualTo(400));
    }

    [Test]
    public void The_host_of_an_absolute_target_replaces_the_header()
    {
        var head = Feed.Head("GET http://a:81/x?y HTTP/1.1\r\nHost: b\r\n\r\n");
        Assert.That((head.Host, head.Path, head.Query), Is.EqualTo(("a:81", "/x", "y")));
        Assert.That(Feed.Verdict("GET http://a/ HTTP/1.1\r\n\r\n"), Is.EqualTo(400),
            "it does not stand in for it");
    }

    [TestCase("1.1", "", true)]
    [TestCase("1.1", "Connection: close\r\n", false)]
    [TestCase("1.1", "Connection: Upgrade, Close\r\n", false)]
    [TestCase("1.1", "Connection: keep-alive\r\nConnection: close\r\n", false)]
    [TestCase("1.1", "Connection: closed\r\n", true)]
    [TestCase("1.0", "", false)]
    [TestCase("1.0", "Connection: Keep-Alive\r\n", true)]
    [TestCase("1.0", "Connection: keep-alive, close\r\n", false)]
    public void Persistence_follows_from_version_and_Connection(string version, string lines, bool keepAlive)
    {
        var head = Feed.Head($"GET / HTTP/{version}\r\nHost: h\r\n{lines}\r\n");
        Assert.That(head.KeepAlive, Is.EqualTo(keepAlive));
    }

    [TestCase("1.1", "Expect: 100-Continue\r\nContent-Length: 1\r\n", true)]
    [TestCase("1.1", "Expect: 100-continue\r\n", false)]
    [TestCase("1.1", "Expect: 200\r\nContent-Length: 1\r\n", false)]
    [TestCase("1.0", "Expect: 100-continue\r\nContent-Length: 1\r\n", false)]
    public void A_client_expects_100_only_before_a_body(string version, string lines, bool expects)
    {
        var head = Feed.Head($"POST / HTTP/{version}\r\nHost: h\r\n{lines}\r\n");
        Assert.That(head.ExpectsContinue, Is.EqualTo(expects));
    }
}
