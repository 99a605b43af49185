using System.Net;
using System.Net.Sockets;
using System.Text;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Time.Testing;
using RawWs.Protocol.WebSockets;
using RawWs.Server;
using RawWs.Tests.Support;

namespace RawWs.Tests.Reliability;

/// <summary>Who is let in: connections in all, of one address, in their handshake, and how often.</summary>
public class AdmissionTests
{
    private const string Get = "GET /health HTTP/1.1\r\nHost: a\r\n\r\n";

    [Test]
    public async Task Connection_above_the_handshakes_in_flight_is_shed_and_those_that_are_open_are_served()
    {
        // While time stands still nobody has waited long enough to make room.
        await using var server = await TestServer.StartAsync(
            options => options.MaxHandshakes = 3, timeProvider: new FakeTimeProvider());
        var refused = server.Meters.CountLimit("handshakes");
        using var open = await server.OpenAsync();
        var waiting = await ConnectAsync(server, 3);
        Assert.That(server.Meters.Observe<int>("rawws.handshakes.active"), Is.EqualTo(3));

        for (var i = 1; i <= 5; i++)
        {
            using var late = await WireClient.ConnectAsync(server.EndPoint);
            Assert.That(await late.ReadHeadAsync(), Does.StartWith("HTTP/1.1 503 ").And.Contain("Connection: close\r\n"));
            await late.ExpectEndAsync();
            Assert.That(refused(), Is.EqualTo(i));
        }

        await ExpectEchoAsync(open);
        // One that completes its head makes room, and so does one that goes.
        await waiting[0].SendTextAsync(WireClient.Handshake("/echo"));
        await waiting[0].ReadHeadAsync();
        using (var next = await server.OpenAsync())
            await ExpectEchoAsync(next);
        waiting[1].Reset();
        await Eventually.IsTrueAsync(() => server.Meters.Observe<int>("rawws.handshakes.active") == 1);
        waiting.ForEach(client => client.Dispose());
    }

    [Test]
    public async Task Client_that_says_nothing_for_a_second_makes_room_for_one_that_speaks()
    {
        var clock = new FakeTimeProvider();
        await using var server = await TestServer.StartAsync(options => options.MaxHandshakes = 2, timeProvider: clock);
        var silent = await ConnectAsync(server, 1);
        clock.Run(TimeSpan.FromMilliseconds(500));
        silent.AddRange(await ConnectAsync(server, 1));
        clock.Run(TimeSpan.FromMilliseconds(400));
        using (var early = await WireClient.ConnectAsync(server.EndPoint))
            Assert.That(await early.ReadHeadAsync(), Does.StartWith("HTTP/1.1 503 "));

        clock.Run(TimeSpan.FromMilliseconds(100));
        using var next = await server.OpenAsync();
        await ExpectEchoAsync(next);
        await silent[0].ReadUntilOverAsync();
        await silent[1].SendTextAsync(Get);
        Assert.That(await silent[1].ReadHeadAsync(), Does.StartWith("HTTP/1.1 200 "));
        silent.ForEach(client => client.Dispose());
    }

    [Test]
    public async Task Answer_to_a_shed_client_that_has_sent_its_request_already_is_not_lost_to_a_reset()
    {
        await using var server = await TestServer.StartAsync(
            options => (options.MaxConnections, options.MaxConnectionsPerAddress) = (2, 1));
        var full = server.Meters.CountLimit("connections");
        var other = await OpenFromAsync(server, "127.0.0.2");
        using var first = await server.OpenAsync();
        await Eventually.IsTrueAsync(() => full() == 1);
        // It waits in the backlog, with its request, until there is room in all; for its address there is none.
        using var late = await WireClient.ConnectAsync(server.EndPoint);
        await late.SendTextAsync(Get);
        other.Dispose();
        Assert.That(await late.ReadHeadAsync(), Does.StartWith("HTTP/1.1 503 "));
        await late.ExpectEndAsync();
        await ExpectEchoAsync(first);
    }

    [Test]
    public async Task Request_head_that_never_ends_is_a_handshake_until_its_time_is_over()
    {
        var clock = new FakeTimeProvider();
        await using var server = await TestServer.StartAsync(options => options.MaxHandshakes = 1, timeProvider: clock);
        using var slow = await WireClient.ConnectAsync(server.EndPoint);
        await slow.SendTextAsync("GET /health HTTP/1.1\r\nHost: ");
        await Eventually.IsTrueAsync(() => server.Server.ConnectionCount == 1);
        using (var late = await WireClient.ConnectAsync(server.EndPoint))
            Assert.That(await late.ReadHeadAsync(), Does.StartWith("HTTP/1.1 503 "));
        clock.Run(TimeSpan.FromSeconds(11));
        // Without an answer if the server has not looked at what it sent before its time was over.
        var answer = Encoding.ASCII.GetString(await slow.ReadToEndAsync());
        Assert.That(answer, Is.Empty.Or.StartsWith("HTTP/1.1 408 "));
        await Eventually.IsTrueAsync(() =>
        {
            clock.Advance(TimeSpan.FromMilliseconds(100));
            return server.Meters.Observe<int>("rawws.handshakes.active") == 0;
        });
        using var next = await server.OpenAsync();
    }

    [TestCase(null)]
    [TestCase(0)]
    public async Task No_number_of_handshakes_is_no_limit(int? most)
    {
        await using var server = await TestServer.StartAsync(options => options.MaxHandshakes = most);
        var waiting = await ConnectAsync(server, 20);
        using var open = await server.OpenAsync();
        waiting.ForEach(client => client.Dispose());
    }

    [Test]
    public async Task Address_with_as_many_connections_as_it_may_have_gets_503_and_others_are_served()
    {
        await using var server = await TestServer.StartAsync(options => options.MaxConnectionsPerAddress = 2);
        var refused = server.Meters.CountLimit("address_connections");
        using var first = await server.OpenAsync();
        using (var second = await WireClient.ConnectAsync(server.EndPoint))
        {
            await Eventually.IsTrueAsync(() => server.Server.ConnectionCount == 2);
            using var third = await WireClient.ConnectAsync(server.EndPoint);
            Assert.That(await third.ReadHeadAsync(), Does.StartWith("HTTP/1.1 503 "));
            Assert.That(refused(), Is.EqualTo(1));
            using var other = await OpenFromAsync(server, "127.0.0.2");
            await ExpectEchoAsync(other);
        }

        // What counts is the end of the connection, whether or not it became a WebSocket.
        await Eventually.IsTrueAsync(() => server.Server.ConnectionCount == 1);
        using (var next = await server.OpenAsync())
            await ExpectEchoAsync(next);
        await Eventually.IsTrueAsync(() => server.Server.ConnectionCount == 1);
        using var last = await server.OpenAsync();
        Assert.That(server.Meters.Observe<int>("rawws.addresses.tracked"), Is.LessThanOrEqualTo(2));
    }

    [Test]
    public async Task Address_that_is_refused_anyhow_takes_no_place_from_another_that_waits()
    {
        var clock = new FakeTimeProvider();
        await using var server = await TestServer.StartAsync(
            options => (options.MaxHandshakes, options.MaxConnectionsPerAddress) = (1, 1), timeProvider: clock);
        using var first = await server.OpenAsync();
        using var other = await ConnectFromAsync(server, "127.0.0.2");
        await Eventually.IsTrueAsync(() => server.Server.ConnectionCount == 2);
        // So long that it would have to make room for one that may come in.
        clock.Run(TimeSpan.FromSeconds(2));
        using (var late = await WireClient.ConnectAsync(server.EndPoint))
            Assert.That(await late.ReadHeadAsync(), Does.StartWith("HTTP/1.1 503 "));
        await other.SendTextAsync(Get);
        Assert.That(await other.ReadHeadAsync(), Does.StartWith("HTTP/1.1 200 "));
    }

    [Test]
    public async Task Address_that_connects_too_often_gets_429_until_its_rate_has_recovered()
    {
        var clock = new FakeTimeProvider();
        await using var server = await TestServer.StartAsync(
            options => options.RateLimits.ConnectionsPerAddress = new RateLimit(PerSecond: 1, Burst: 3), timeProvider: clock);
        var refused = server.Meters.CountLimit("address_connection_rate");
        for (var i = 0; i < 3; i++)
            (await server.OpenAsync()).Dispose();
        using (var late = await WireClient.ConnectAsync(server.EndPoint))
            Assert.That(await late.ReadHeadAsync(), Does.StartWith("HTTP/1.1 429 ").And.Contain("Retry-After: 1\r\n"));
        Assert.That(refused(), Is.EqualTo(1));
        (await OpenFromAsync(server, "127.0.0.2")).Dispose();
        clock.Run(TimeSpan.FromSeconds(1));
        (await server.OpenAsync()).Dispose();
        // The addresses are forgotten when they have gone and owe nothing.
        await Eventually.IsTrueAsync(() =>
        {
            clock.Advance(TimeSpan.FromMilliseconds(100));
            return server.Meters.Observe<int>("rawws.addresses.tracked") == 0;
        });
    }

    [Test]
    public async Task Connection_above_the_number_in_all_waits_until_one_goes()
    {
        await using var server = await TestServer.StartAsync(options => options.MaxConnections = 2);
        var reached = server.Meters.CountLimit("connections");
        using var first = await server.OpenAsync();
        var second = await server.OpenAsync();
        using var third = await WireClient.ConnectAsync(server.EndPoint);
        await third.SendTextAsync(WireClient.Handshake("/echo"));
        await Eventually.IsTrueAsync(() => reached() == 1);
        Assert.That(server.Server.ConnectionCount, Is.EqualTo(2));
        await ExpectEchoAsync(first);
        second.Dispose();
        Assert.That(await third.ReadHeadAsync(), Does.StartWith("HTTP/1.1 101 "));
        await ExpectEchoAsync(third);
    }

    [Test]
    public async Task Flood_of_refusals_is_one_log_line_per_interval_that_says_how_many_there_were()
    {
        var clock = new FakeTimeProvider();
        await using var server = await TestServer.StartAsync(
            options => (options.MaxConnectionsPerAddress, options.LimitLogInterval) = (1, TimeSpan.FromSeconds(10)),
            timeProvider: clock);
        using var first = await server.OpenAsync();
        for (var i = 0; i < 20; i++)
            await RefusedAsync(server);
        await Eventually.IsTrueAsync(() => Lines(server).Length == 1);
        Assert.That(Lines(server)[0], Does.Contain("Address").And.Contain("127.0.0.1").And.Contain("0 more"));
        clock.Run(TimeSpan.FromSeconds(10));
        await RefusedAsync(server);
        await Eventually.IsTrueAsync(() => Lines(server).Length == 2);
        Assert.That(Lines(server)[1], Does.Contain("19 more"));
    }

    private static string[] Lines(TestServer server) =>
        [.. from line in server.Logs.GetSnapshot() where line.Level == LogLevel.Warning select line.Message];

    private static async Task RefusedAsync(TestServer server)
    {
        using var client = await WireClient.ConnectAsync(server.EndPoint);
        Assert.That(await client.ReadHeadAsync(), Does.StartWith("HTTP/1.1 503 "));
    }

    private static async Task<List<WireClient>> ConnectAsync(TestServer server, int count)
    {
        var before = server.Server.ConnectionCount;
        var clients = new List<WireClient>();
        for (var i = 0; i < count; i++)
            clients.Add(await WireClient.ConnectAsync(server.EndPoint));
        await Eventually.IsTrueAsync(() => server.Server.ConnectionCount == before + count);
        return clients;
    }

    private static Task<WireClient> OpenFromAsync(TestServer server, string address) =>
        WireClient.OpenAsync(server.EndPoint, "/echo", configure: socket => Bind(socket, address));

    private static Task<WireClient> ConnectFromAsync(TestServer server, string address) =>
        WireClient.ConnectAsync(server.EndPoint, socket => Bind(socket, address));

    private static void Bind(Socket socket, string address) =>
        socket.Bind(new IPEndPoint(IPAddress.Parse(address), 0));

    private static async Task ExpectEchoAsync(WireClient client)
    {
        await client.SendFrameAsync(Opcode.Text, "still here");
        Assert.That((await client.ReadFrameAsync()).Text, Is.EqualTo("still here"));
    }
}
