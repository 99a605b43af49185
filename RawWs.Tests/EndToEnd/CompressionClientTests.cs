using System.Net.WebSockets;
using RawWs.Host.Conformance;
using RawWs.Protocol.WebSockets.Deflate;
using RawWs.Tests.Protocol.WebSockets.Deflate;
using RawWs.Tests.Support;

namespace RawWs.Tests.EndToEnd;

/// <summary>
/// Three other implementations of permessage-deflate, with every combination of parameters that they can ask for, against
/// a server that grants context takeover and one that does not.
/// </summary>
[TestFixture(true)]
[TestFixture(false)]
public sealed class CompressionClientTests(bool grantsTakeover)
{
    private static readonly TimeSpan ScriptLimit = TimeSpan.FromMinutes(3);

    private static readonly byte[][] Messages =
    [
        DeflateCases.Json(16), DeflateCases.Json(3000, 2), DeflateCases.Json(3000, 2), [], DeflateCases.Noise(700),
        DeflateCases.Noise(700), DeflateCases.Json(128 * 1024, 3), DeflateCases.Json(3000, 2),
    ];

    private TestServer _server = null!;

    [OneTimeSetUp]
    public async Task Start() => _server = await TestServer.StartAsync(options =>
        options.Deflate = new DeflateOptions
        {
            ServerNoContextTakeover = !grantsTakeover,
            ClientNoContextTakeover = !grantsTakeover,
        });

    [OneTimeTearDown]
    public async Task Stop()
    {
        await Eventually.IsTrueAsync(() => _server.Server.ConnectionCount == 0, "connections are left");
        Assert.That(_server.ProblemsLogged, Is.Empty);
        await _server.DisposeAsync();
    }

    [Test]
    public async Task Framework_client([Values] bool serverForgets, [Values] bool clientForgets)
    {
        for (var serverBits = 9; serverBits <= 15; serverBits++)
        {
            for (var clientBits = 9; clientBits <= 15; clientBits++)
            {
                await EchoAsync(new WebSocketDeflateOptions
                {
                    ServerContextTakeover = !serverForgets,
                    ClientContextTakeover = !clientForgets,
                    ServerMaxWindowBits = serverBits,
                    ClientMaxWindowBits = clientBits,
                });
            }
        }
    }

    [Test]
    public async Task Node_client() => ExpectAll("ws", await ScriptReport.RunAsync(
        "node", [ScriptReport.NodeProgram("socketio", "compression.mjs"), _server.Uri("/echo").AbsoluteUri], ScriptLimit));

    [Test]
    public async Task Python_client() => ExpectAll("websockets", await ScriptReport.RunAsync(
        "/usr/bin/python3",
        [
            Path.Combine(Repository.Root, "RawWs.Tests", "EndToEnd", "python", "compression.py"),
            _server.Uri("/echo").AbsoluteUri,
        ],
        ScriptLimit));

    private static void ExpectAll(string client, ScriptReport report)
    {
        string[] words = ["may remember", "forgets"];
        foreach (var server in words)
            foreach (var other in words)
                report.Expect($"{client}: the server {server}, the client {other}");
    }

    private async Task EchoAsync(WebSocketDeflateOptions parameters)
    {
        using var patience = new CancellationTokenSource(WireClient.Patience);
        using var client = new ClientWebSocket();
        client.Options.DangerousDeflateOptions = parameters;
        client.Options.CollectHttpResponseDetails = true;
        await client.ConnectAsync(_server.Uri("/echo"), patience.Token);
        var answer = client.HttpResponseHeaders!.Single(header => header.Key == DeflateNegotiation.HeaderName).Value.Single();
        Assert.That(answer, Does.StartWith("permessage-deflate"));
        foreach (var message in Messages)
            await client.SendAsync(message, WebSocketMessageType.Binary, endOfMessage: true, patience.Token);
        var buffer = new byte[256 * 1024];
        foreach (var message in Messages)
        {
            var length = 0;
            ValueWebSocketReceiveResult result;
            do
            {
                result = await client.ReceiveAsync(buffer.AsMemory(length), patience.Token);
                length += result.Count;
            }
            while (!result.EndOfMessage);
            Assert.That(buffer.AsSpan(0, length).SequenceEqual(message), Is.True, answer);
        }

        await client.CloseAsync(WebSocketCloseStatus.NormalClosure, "", patience.Token);
    }
}

/// <summary>The official client, which offers compression by itself, against a server that takes the offer.</summary>
public sealed class SocketIoCompressionTests
{
    private static readonly TimeSpan ScriptLimit = TimeSpan.FromMinutes(3);

    [Test]
    public async Task Official_client_sees_no_difference([Values("websocket", "upgrade")] string mode, [Values] bool takeover)
    {
        await using var server = await TestServer.StartAsync(
            options =>
            {
                options.Deflate = new DeflateOptions
                {
                    ServerNoContextTakeover = !takeover,
                    ClientNoContextTakeover = !takeover,
                    MinMessageBytes = 1,
                };
                options.Events.SerializerOptions.TypeInfoResolverChain.Insert(0, ConformanceJson.Default);
            },
            server => ConformanceEvents.Register(server, TimeProvider.System));
        var report = await ScriptReport.RunAsync(
            "node",
            [ScriptReport.NodeProgram("socketio", "scenarios.mjs"), $"http://{server.EndPoint}/", mode, "--without-engine"],
            ScriptLimit);
        foreach (var name in report.Names)
            report.Expect(name);
        Assert.That(report.Names, Is.Not.Empty);
    }
}
