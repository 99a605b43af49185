using RawWs.Protocol.Http;

namespace RawWs.Tests.Protocol.Http;

public sealed class PathDecoderTests
{
    [TestCase("/", "/")]
    [TestCase("/a/b.html", "/a/b.html")]
    [TestCase("/a/", "/a/")]
    [TestCase("/a%20b", "/a b")]
    [TestCase("/%C3%A9", "/é")]
    [TestCase("/a+b", "/a+b")]
    [TestCase("/.well-known/x", "/.well-known/x")]
    [TestCase("/a..b/c.", "/a..b/c.")]
    [TestCase("/100%25", "/100%")]
    [TestCase("/100%25.txt", "/100%.txt")]
    [TestCase("/%3Fq%23", "/?q#")]
    public void Decodes_a_path_once(string path, string decoded)
    {
        Assert.That(PathDecoder.TryDecode(path, out var text), Is.True);
        Assert.That(text, Is.EqualTo(decoded));
    }

    [TestCase("")]
    [TestCase("*")]
    [TestCase("a")]
    [TestCase("\\a")]
    [TestCase("//etc/passwd")]
    [TestCase("/a//b")]
    [TestCase("/a//")]
    [TestCase("/..")]
    [TestCase("/.")]
    [TestCase("/./a")]
    [TestCase("/../a")]
    [TestCase("/a/..")]
    [TestCase("/a/../b")]
    [TestCase("/%2e%2e/a")]
    [TestCase("/%2E./a")]
    [TestCase("/.%2e")]
    [TestCase("/%2e")]
    [TestCase("/...")]
    [TestCase("/..%20/a")]
    [TestCase("/%20")]
    [TestCase("/a%2fb")]
    [TestCase("/..%2F..%2Fetc")]
    [TestCase("/%2fetc")]
    [TestCase("/a\\b")]
    [TestCase("/a%5cb")]
    [TestCase("/..%5C..%5cetc")]
    [TestCase("/C:/windows")]
    [TestCase("/c%3a/windows")]
    [TestCase("/a::$DATA")]
    [TestCase("/a%00.txt")]
    [TestCase("/a\0")]
    [TestCase("/a%0d%0a")]
    [TestCase("/a%1b[31m")]
    [TestCase("/a%7f")]
    [TestCase("/a%C2%85")]
    [TestCase("/a b")]
    [TestCase("/é")]
    [TestCase("/%252e%252e/a")]
    [TestCase("/%252E")]
    [TestCase("/%252f")]
    [TestCase("/%255c")]
    [TestCase("/%25252e")]
    [TestCase("/%2525")]
    [TestCase("/%")]
    [TestCase("/%4")]
    [TestCase("/%zz")]
    [TestCase("/%u0041")]
    [TestCase("/%c0%ae%c0%ae/a")]
    [TestCase("/%c0%af")]
    [TestCase("/%ed%a0%80")]
    [TestCase("/%ff")]
    [TestCase("/%C3")]
    public void Refuses_a_path_that_might_lead_elsewhere(string path)
    {
        Assert.That(PathDecoder.TryDecode(path, out var text), Is.False);
        Assert.That(text, Is.Empty);
    }
}
