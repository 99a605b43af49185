namespace RawWs.Tests.Protocol.Http;

public sealed class RequestTargetTests
{
    [TestCase("/", "/", "")]
    [TestCase("/?", "/", "")]
    [TestCase("/a/b?c=d?e", "/a/b", "c=d?e")]
    [TestCase("//a", "//a", "")]
    [TestCase("/%2e%2E/%zz", "/%2e%2E/%zz", "")]
    [TestCase("/a|b{c}?d^e`f", "/a|b{c}", "d^e`f")]
    [TestCase("http://h", "/", "")]
    [TestCase("HTTP://h?q", "/", "q")]
    [TestCase("https://h:443/p?q", "/p", "q")]
    [TestCase("http://[::1]:80/p", "/p", "")]
    public void A_target_is_split_but_not_decoded(string target, string path, string query)
    {
        var head = Feed.Head($"GET {target} HTTP/1.1\r\nHost: h\r\n\r\n");
        Assert.That((head.Target, head.Path, head.Query), Is.EqualTo((target, path, query)));
    }

    [TestCase("a")]
    [TestCase("*")]
    [TestCase("*a")]
    [TestCase("?a")]
    [TestCase("example.com:80")]
    [TestCase("ftp://h/")]
    [TestCase("http:/h")]
    [TestCase("http://")]
    [TestCase("http:///p")]
    [TestCase("http://u@h/")]
    [TestCase("http://u:p@h/")]
    [TestCase("http://h:99999/")]
    [TestCase("http://h\\@g/")]
    public void Another_form_is_400(string target) =>
        Assert.That(Feed.Verdict($"GET {target} HTTP/1.1\r\nHost: h\r\n\r\n"), Is.EqualTo(400));

    [Test]
    public void The_asterisk_is_for_OPTIONS()
    {
        Assert.That(Feed.Head("OPTIONS * HTTP/1.1\r\nHost: h\r\n\r\n").Path, Is.EqualTo("*"));
        Assert.That(Feed.Verdict("OPTIONS ** HTTP/1.1\r\nHost: h\r\n\r\n"), Is.EqualTo(400));
    }
}
