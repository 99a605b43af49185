using RawWs.Server.Http;

namespace RawWs.Tests.Server.Http;

public class ContentTypesTests
{
    [TestCase("index.html", "text/html; charset=utf-8")]
    [TestCase("a/b.c/app.JS", "text/javascript; charset=utf-8")]
    [TestCase("style.css", "text/css; charset=utf-8")]
    [TestCase("data.json", "application/json")]
    [TestCase("logo.svg", "image/svg+xml")]
    [TestCase("page.html.gz", "application/gzip")]
    [TestCase("program.exe", "application/octet-stream")]
    [TestCase("LICENSE", "application/octet-stream")]
    [TestCase("html", "application/octet-stream")]
    [TestCase("", "application/octet-stream")]
    public void The_last_extension_tells_the_type(string name, string type) =>
        Assert.That(ContentTypes.ForFile(name), Is.EqualTo(type));
}
