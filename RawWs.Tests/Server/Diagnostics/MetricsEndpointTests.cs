using System.Net;
using RawWs.Protocol.WebSockets;
using RawWs.Tests.Support;

namespace RawWs.Tests.Server.Diagnostics;

/// <summary>What a scraper gets over HTTP.</summary>
public class MetricsEndpointTests
{
    private static readonly string[] s_metrics =
    [
        "rawws_acks_expired_total", "rawws_addresses_tracked", "rawws_bytes_received_total", "rawws_bytes_sent_total",
        "rawws_connections_accepted_total", "rawws_connections_open", "rawws_events_received_total",
        "rawws_events_sent_total", "rawws_failures_total", "rawws_handler_duration_seconds",
        "rawws_handler_failures_total", "rawws_handshakes_active", "rawws_limits_reached_total",
        "rawws_loops_blocked_total", "rawws_messages_dropped_total", "rawws_messages_received_total",
        "rawws_messages_sent_total", "rawws_outbox_bytes", "rawws_sessions_active", "rawws_websockets_active",
    ];

    [Test]
    public async Task Metrics_tell_what_has_happened()
    {
        var app = new SocketIoApp();
        await using var server = await TestServer.StartAsync(
            options => (options.MetricsPath, options.MaxConnectionsPerAddress) = ("/metrics", 100), app.Register);
        using var echo = await server.OpenAsync();
        await echo.SendFrameAsync(Opcode.Text, "hi");
        await echo.ReadFrameAsync();
        using var socket = await server.JoinAsync();
        await socket.SendPacketAsync("42[\"message\",1]");
        await socket.ReadFrameAsync();
        // A client may have read what the server does not yet know to be sent.
        await Eventually.IsTrueAsync(() => server.Meters.Observe<long>("rawws.outbox.bytes") == 0);

        var answer = await EngineClient.GetAsync(server, "/metrics");
        Assert.That(answer.Status, Is.EqualTo(200));
        Assert.That(answer.Header("Content-Type"), Is.EqualTo("text/plain; version=0.0.4; charset=utf-8"));
        Assert.That(answer.Header("Cache-Control"), Is.EqualTo("no-store"));
        var metrics = PrometheusParser.Parse(answer.Body);
        Assert.That(metrics.Keys, Is.SupersetOf(s_metrics));
        Assert.That(Value("rawws_connections_open"), Is.EqualTo(3));
        Assert.That(Value("rawws_connections_accepted_total"), Is.EqualTo(3));
        Assert.That(Value("rawws_websockets_active"), Is.EqualTo(2));
        Assert.That(Value("rawws_handshakes_active"), Is.Zero);
        Assert.That(Value("rawws_sessions_active"), Is.EqualTo(1));
        Assert.That(Value("rawws_outbox_bytes"), Is.Zero);
        Assert.That(Value("rawws_addresses_tracked"), Is.EqualTo(1));
        // The echo, the packet that joins, and the event.
        Assert.That(Value("rawws_messages_received_total"), Is.EqualTo(3));
        Assert.That(Value("rawws_events_received_total"), Is.EqualTo(1));
        Assert.That(Value("rawws_events_sent_total"), Is.EqualTo(1));
        Assert.That(
            metrics["rawws_handler_duration_seconds"].Samples.Single(sample => sample.Name.EndsWith("_count", StringComparison.Ordinal)).Value,
            Is.EqualTo(1));

        double Value(string name) => metrics[name].Samples.Single().Value;
    }

    [Test]
    public async Task Every_limit_is_a_series_from_the_start_and_counts_when_it_is_reached()
    {
        await using var server = await TestServer.StartAsync(
            options => (options.MetricsPath, options.MaxConnectionsPerAddress) = ("/metrics", 1));
        using var only = await WireClient.ConnectAsync(server.EndPoint);
        var before = await ReachedAsync();
        Assert.That(before, Has.Length.EqualTo(11).And.All.EndsWith(" 0"));
        using (var late = await WireClient.ConnectAsync(server.EndPoint))
            await late.ReadToEndAsync();
        Assert.That(
            (await ReachedAsync()).Where(series => !series.EndsWith(" 0", StringComparison.Ordinal)),
            Is.EqualTo(["address_connections 1"]));

        async Task<string[]> ReachedAsync()
        {
            await only.SendAsync(EngineClient.Request("GET", "/metrics"));
            var metrics = PrometheusParser.Parse((await EngineClient.ReadAsync(only)).Body);
            return [.. metrics["rawws_limits_reached_total"].Samples.Select(
                sample => FormattableString.Invariant($"{sample.Labels["limit"]} {sample.Value}"))];
        }
    }

    [Test]
    public async Task Outbox_bytes_are_those_that_clients_have_not_read()
    {
        var opened = new TaskCompletionSource<RawWs.Server.Transport.WebSocketConnection>(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var server = await TestServer.StartAsync(map: server => server.MapWebSocket(
            "/push", new CallbackHandler { Open = (connection, _) => opened.SetResult(connection) }));
        using var client = await WireClient.OpenAsync(
            server.EndPoint, "/push", configure: socket => socket.ReceiveBufferSize = 16 * 1024);
        var connection = await opened.Task;
        while (connection.PendingBytes < 100_000)
            connection.Send(Opcode.Binary, new byte[50_000]);
        await Eventually.IsTrueAsync(() =>
            connection.PendingBytes is > 0 and var bytes && server.Meters.Observe<long>("rawws.outbox.bytes") == bytes);
        client.Reset();
        await Eventually.IsTrueAsync(() => server.Meters.Observe<long>("rawws.outbox.bytes") == 0);
    }

    [TestCase("HEAD", 200)]
    [TestCase("POST", 405)]
    public async Task Metrics_are_read_and_not_written(string method, int status)
    {
        await using var server = await TestServer.StartAsync(options => options.MetricsPath = "/metrics");
        var answer = await EngineClient.SendAsync(server.EndPoint, method, "/metrics", "", "");
        Assert.That(answer.Status, Is.EqualTo(status));
        if (method == "HEAD")
            Assert.That(answer.Bytes, Is.Empty);
    }

    [Test]
    public async Task Metrics_are_nobodys_business_by_default()
    {
        await using var server = await TestServer.StartAsync();
        Assert.That((await EngineClient.GetAsync(server, "/metrics")).Status, Is.EqualTo((int)HttpStatusCode.NotFound));
    }
}
