using RawWs.Tests.Support;

namespace RawWs.Tests.Conformance;

/// <summary>RFC 6455 §10.2: pages of origins that are not allowed are refused, whatever they speak.</summary>
public class OriginTests
{
    private static readonly string[] s_webSockets =
        ["/echo", "/ws", "/ws/admin", "/socket.io/?EIO=4&transport=websocket", "/engine.io/?EIO=4&transport=websocket"];

    private static readonly string[] s_polls =
        ["/socket.io/?EIO=4&transport=polling", "/engine.io/?EIO=4&transport=polling"];

    [TestCaseSource(nameof(s_webSockets))]
    public async Task WebSocket_of_a_page_that_is_not_allowed_is_403(string path)
    {
        await using var server = await StartAsync();
        foreach (var (origin, status) in Origins)
        {
            using var client = await WireClient.ConnectAsync(server.EndPoint);
            await client.SendTextAsync(WireClient.Handshake(path, Header(origin)));
            Assert.That(await client.ReadHeadAsync(), Does.StartWith($"HTTP/1.1 {(status == 200 ? 101 : status)} "), origin);
        }
    }

    [TestCaseSource(nameof(s_polls))]
    public async Task Poll_of_a_page_that_is_not_allowed_is_403(string target)
    {
        await using var server = await StartAsync();
        foreach (var (origin, status) in Origins)
            Assert.That((await EngineClient.GetAsync(server, target, Header(origin))).Status, Is.EqualTo(status), origin);
    }

    [Test]
    public async Task Session_cannot_be_carried_on_by_a_page_that_is_not_allowed()
    {
        await using var server = await StartAsync();
        var client = await EngineClient.OpenAsync(server);
        Assert.That((await client.PostAsync("4hi", Header("https://evil.example"))).Status, Is.EqualTo(403));
        Assert.That((await client.PollAsync(Header("https://evil.example"))).Status, Is.EqualTo(403));
        Assert.That((await client.PostAsync("4hi", Header("https://app.example"))).Status, Is.EqualTo(200));
    }

    private static IEnumerable<(string? Origin, int Status)> Origins =>
    [
        ("https://app.example", 200),
        ("HTTPS://APP.example", 200),
        (null, 200),
        ("https://evil.example", 403),
        ("https://app.example.evil.example", 403),
        ("http://app.example", 403),
        ("https://app.example:444", 403),
        ("null", 403),
    ];

    private static string Header(string? origin) => origin is null ? "" : $"Origin: {origin}\r\n";

    private static Task<TestServer> StartAsync() => TestServer.StartAsync(
        options => options.AllowedOrigins.Add("https://app.example"),
        server => server.MapEngine("/engine.io", new EngineEcho()));
}
