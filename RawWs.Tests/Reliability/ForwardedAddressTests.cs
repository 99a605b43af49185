using System.Collections.Concurrent;
using System.Net;
using Microsoft.Extensions.Time.Testing;
using RawWs.Protocol.WebSockets;
using RawWs.Server;
using RawWs.Server.Transport;
using RawWs.Tests.Support;

namespace RawWs.Tests.Reliability;

/// <summary>Clients behind proxies: who is believed, and for whom a connection counts.</summary>
public class ForwardedAddressTests
{
    private const string Headers = "X-Forwarded-For: 198.51.100.9, 203.0.113.7\r\nX-Forwarded-Proto: https\r\n";

    [TestCase(true, "203.0.113.7", true)]
    [TestCase(false, "127.0.0.1", false)]
    public async Task Address_and_scheme_are_believed_from_a_trusted_proxy_alone(bool isTrusted, string address, bool isSecure)
    {
        var handshakes = new ConcurrentQueue<(string Address, bool IsSecure)>();
        var engine = new EngineEcho
        {
            Opened = session => handshakes.Enqueue((session.Handshake.Address, session.Handshake.IsSecure)),
        };
        WebSocketConnection? raw = null;
        await using var server = await TestServer.StartAsync(
            options => Trust(options, isTrusted),
            server =>
            {
                server.MapEngine("/engine.io", engine);
                server.MapWebSocket("/raw", new CallbackHandler { Open = (connection, _) => raw = connection });
                server.OnConnection(socket => handshakes.Enqueue((socket.Handshake.Address, socket.Handshake.IsSecure)));
            });
        await EngineClient.GetAsync(server, "/engine.io/?EIO=4&transport=polling", Headers);
        using var webSocket = await server.OpenAsync("/engine.io/?EIO=4&transport=websocket", Headers);
        await webSocket.ReadFrameAsync();
        using var envelope = await server.OpenAsync("/ws", Headers);
        await envelope.SendFrameAsync(Opcode.Text, """{"event":"hello"}""");
        await Eventually.IsTrueAsync(() => handshakes.Count == 3);
        Assert.That(handshakes, Is.All.EqualTo((address, isSecure)));

        using var client = await server.OpenAsync("/raw", Headers);
        await Eventually.IsTrueAsync(() => raw is not null);
        Assert.That(((IPEndPoint)raw!.RemoteEndPoint!).Address, Is.EqualTo(IPAddress.Parse(address)));
        Assert.That(raw.IsSecure, Is.EqualTo(isSecure));
    }

    [Test]
    public async Task Log_names_the_client_and_not_the_proxy()
    {
        await using var server = await TestServer.StartAsync(options => Trust(options));
        using var client = await server.OpenAsync("/echo", Headers);
        await client.SendHexAsync("83 80 00 00 00 00");
        await client.ExpectCloseAsync(CloseCode.ProtocolError);
        await Eventually.IsTrueAsync(() => server.Logs.GetSnapshot().Any(
            line => line.Message.StartsWith("203.0.113.7:0 broke the protocol", StringComparison.Ordinal)));
    }

    [TestCase("X-Forwarded-For: nonsense, [::\r\nX-Forwarded-Proto: ,,\r\n")]
    [TestCase("X-Forwarded-For: ,\r\n")]
    public async Task Malformed_headers_are_as_none(string headers)
    {
        await using var server = await TestServer.StartAsync(options => Trust(options));
        using var client = await server.OpenAsync("/echo", headers);
        await client.SendFrameAsync(Opcode.Text, "fine");
        Assert.That((await client.ReadFrameAsync()).Text, Is.EqualTo("fine"));
        Assert.That(server.ProblemsLogged, Is.Empty);
    }

    [Test]
    public async Task Connections_of_a_trusted_proxy_count_for_its_clients()
    {
        await using var server = await TestServer.StartAsync(options =>
        {
            Trust(options);
            options.MaxConnectionsPerAddress = 2;
        });
        var refused = server.Meters.CountLimit("address_connections");
        var open = new List<WireClient>();
        for (var i = 0; i < 4; i++)
            open.Add(await server.OpenAsync("/echo", $"X-Forwarded-For: 203.0.113.{i / 2}\r\n"));
        using (var late = await WireClient.ConnectAsync(server.EndPoint))
        {
            await late.SendTextAsync(WireClient.Handshake("/echo", "X-Forwarded-For: 203.0.113.1\r\n"));
            Assert.That(await late.ReadHeadAsync(), Does.StartWith("HTTP/1.1 503 "));
        }

        Assert.That(refused(), Is.EqualTo(1));
        // Its own requests count for nobody.
        for (var i = 0; i < 5; i++)
            Assert.That((await EngineClient.GetAsync(server, "/health")).Status, Is.EqualTo(200));
        open[3].Reset();
        await Eventually.IsTrueAsync(() => server.Server.ConnectionCount == 3);
        using var next = await server.OpenAsync("/echo", "X-Forwarded-For: 203.0.113.1\r\n");
        open.ForEach(client => client.Dispose());
    }

    [Test]
    public async Task Requests_of_many_clients_over_one_connection_count_for_each()
    {
        await using var server = await TestServer.StartAsync(
            options =>
            {
                Trust(options);
                options.RateLimits.ConnectionsPerAddress = new RateLimit(PerSecond: 1, Burst: 1);
            },
            timeProvider: new FakeTimeProvider());
        using var proxy = await WireClient.ConnectAsync(server.EndPoint);
        foreach (var (client, status) in ((string, int)[])[("1", 200), ("1", 200), ("2", 200), ("3", 200), ("1", 429)])
        {
            await proxy.SendAsync(EngineClient.Request("GET", "/health", $"X-Forwarded-For: 203.0.113.{client}\r\n"));
            Assert.That((await EngineClient.ReadAsync(proxy)).Status, Is.EqualTo(status), client);
        }
    }

    [Test]
    public async Task What_one_client_of_a_proxy_has_used_up_is_not_held_against_the_next()
    {
        await using var server = await TestServer.StartAsync(
            options =>
            {
                Trust(options);
                options.RateLimits.Policy = RateLimitPolicy.Disconnect;
                options.RateLimits.MessagesPerConnection = new RateLimit(PerSecond: 1, Burst: 1);
            },
            timeProvider: new FakeTimeProvider());
        using var proxy = await WireClient.ConnectAsync(server.EndPoint);
        foreach (var (client, status) in ((string, int)[])[("1", 200), ("2", 200), ("2", 429)])
        {
            await proxy.SendAsync(EngineClient.Request("GET", "/health", $"X-Forwarded-For: 203.0.113.{client}\r\n"));
            Assert.That((await EngineClient.ReadAsync(proxy)).Status, Is.EqualTo(status), client);
        }
    }

    private static void Trust(ServerOptions options, bool isTrusted = true) =>
        options.TrustedProxies.Add(IPNetwork.Parse(isTrusted ? "127.0.0.0/8" : "192.0.2.0/24"));
}
