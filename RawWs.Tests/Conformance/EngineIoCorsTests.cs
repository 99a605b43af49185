using RawWs.Server.Engine;
using RawWs.Tests.Support;

namespace RawWs.Tests.Conformance;

/// <summary>Which pages of other origins may poll.</summary>
[TestFixture]
public sealed class EngineIoCorsTests
{
    private const string Target = "/engine.io/?EIO=4&transport=polling";
    private const string Page = "Origin: http://page.example\r\n";

    [Test]
    public async Task Preflight_is_answered_even_for_an_unknown_session()
    {
        await using var server = await StartAsync(new CorsOptions { Origins = { "*" } });
        var answer = await EngineClient.SendAsync(
            server.EndPoint,
            "OPTIONS",
            Target + "&sid=nobody",
            Page + "Access-Control-Request-Method: POST\r\nAccess-Control-Request-Headers: x-one, x-two\r\n",
            "");
        Assert.Multiple(() =>
        {
            Assert.That((answer.Status, answer.Header("Content-Length")), Is.EqualTo((204, "0")));
            Assert.That(answer.Header("Access-Control-Allow-Origin"), Is.EqualTo("*"));
            Assert.That(answer.Header("Access-Control-Allow-Methods"), Is.EqualTo("GET,HEAD,PUT,PATCH,POST,DELETE"));
            Assert.That(answer.Header("Access-Control-Allow-Headers"), Is.EqualTo("x-one, x-two"));
            Assert.That(answer.Header("Access-Control-Allow-Credentials"), Is.Null);
            Assert.That(answer.Header("Vary"), Is.EqualTo("Access-Control-Request-Headers"));
        });
    }

    [Test]
    public async Task Named_origin_is_reflected_with_credentials()
    {
        await using var server = await StartAsync(new CorsOptions
        {
            Origins = { "http://page.example", "http://other.example" },
            Credentials = true,
            AllowedHeaders = { "X-A", "X-B" },
            ExposedHeaders = { "X-C" },
            MaxAge = TimeSpan.FromMinutes(1),
        });
        var opened = await EngineClient.GetAsync(server, Target, Page);
        var preflight = await EngineClient.SendAsync(server.EndPoint, "OPTIONS", Target, Page, "");
        Assert.Multiple(() =>
        {
            Assert.That(opened.Header("Access-Control-Allow-Origin"), Is.EqualTo("http://page.example"));
            Assert.That(opened.Header("Access-Control-Allow-Credentials"), Is.EqualTo("true"));
            Assert.That(opened.Header("Access-Control-Expose-Headers"), Is.EqualTo("X-C"));
            Assert.That(opened.Header("Vary"), Is.EqualTo("Origin"));
            Assert.That(preflight.Header("Access-Control-Allow-Headers"), Is.EqualTo("X-A,X-B"));
            Assert.That(preflight.Header("Access-Control-Max-Age"), Is.EqualTo("60"));
        });
    }

    [TestCase("GET", 200)]
    [TestCase("OPTIONS", 204)]
    public async Task Origin_that_is_not_named_is_told_by_silence(string method, int status)
    {
        await using var server = await StartAsync(new CorsOptions { Origins = { "http://other.example" } });
        var answer = await EngineClient.SendAsync(server.EndPoint, method, Target, Page, "");
        Assert.That(answer.Status, Is.EqualTo(status));
        Assert.That(answer.Header("Access-Control-Allow-Origin"), Is.Null);
        Assert.That(answer.Header("Vary"), Does.StartWith("Origin"));
    }

    [Test]
    public async Task Page_may_read_an_error()
    {
        await using var server = await StartAsync(new CorsOptions { Origins = { "*" } });
        var answer = await EngineClient.GetAsync(server, "/engine.io/?EIO=4&transport=none", Page);
        Assert.That((answer.Status, answer.Header("Access-Control-Allow-Origin")), Is.EqualTo((400, "*")));
    }

    [Test]
    public async Task Without_a_policy_nothing_is_said()
    {
        await using var server = await StartAsync(null);
        Assert.That((await EngineClient.GetAsync(server, Target, Page)).Head, Does.Not.Contain("Access-Control"));
    }

    private static Task<TestServer> StartAsync(CorsOptions? cors) => TestServer.StartAsync(
        map: server => server.MapEngine("/engine.io/", new EngineEcho(), new EngineOptions { Cors = cors }));
}
