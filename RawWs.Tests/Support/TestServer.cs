using System.Globalization;
using System.Net;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Testing;
using RawWs.Protocol.Http;
using RawWs.Protocol.WebSockets;
using RawWs.Server;
using RawWs.Server.Transport;

namespace RawWs.Tests.Support;

/// <summary>A server on a port of the system's choice, with <c>/echo</c> and whatever the test adds.</summary>
internal sealed class TestServer : IAsyncDisposable
{
    // The suite runs once as servers are by default, and once as they are where the system has no epoll.
    private static readonly string? _eventLoops = Environment.GetEnvironmentVariable("RAWWS_TESTS_EVENT_LOOPS");

    // And, by hand, over TLS: whatever a WireClient finds must be the same.
    private static readonly bool _isTls = Environment.GetEnvironmentVariable("RAWWS_TESTS_TLS") == "1";

    private readonly ILoggerFactory _loggers;
    private readonly bool _isSecure;

    private TestServer(Action<ServerOptions>? options, TimeProvider? timeProvider)
    {
        var settings = new ServerOptions { Port = 0, Subprotocols = { "chat", "superchat" } };
        if (_eventLoops is { } loops)
            settings.EventLoops = int.Parse(loops, CultureInfo.InvariantCulture);
        if (_isTls)
            settings.Tls = TestCertificates.Options(TestCertificates.Localhost);
        options?.Invoke(settings);
        _isSecure = settings.Tls is not null;
        _loggers = LoggerFactory.Create(builder =>
            builder.SetMinimumLevel(LogLevel.Debug).AddProvider(new FakeLoggerProvider(Logs)));
        Server = new RawWsServer(settings, _loggers, timeProvider, Meters);
        Server.MapWebSocket("/echo", new EchoHandler());
    }

    public RawWsServer Server { get; }

    public TestMeters Meters { get; } = new();

    public FakeLogCollector Logs { get; } = FakeLogCollector.Create(new FakeLogCollectorOptions());

    /// <summary>What was logged at Warning or above: a peer must not be able to cause any of it.</summary>
    public IReadOnlyList<string> ProblemsLogged =>
        [.. Logs.GetSnapshot().Where(record => record.Level >= LogLevel.Warning).Select(record => record.ToString())];

    public IPEndPoint EndPoint => _isSecure ? new SecureEndPoint(Server.LocalEndPoint!) : Server.LocalEndPoint!;

    public Uri Uri(string path) => new($"{(_isSecure ? "wss" : "ws")}://{EndPoint}{path}");

    public static async Task<TestServer> StartAsync(
        Action<ServerOptions>? options = null, Action<RawWsServer>? map = null, TimeProvider? timeProvider = null)
    {
        var test = new TestServer(options, timeProvider);
        map?.Invoke(test.Server);
        await test.Server.StartAsync();
        return test;
    }

    /// <summary>Starts a server that speaks TLS.</summary>
    public static Task<TestServer> StartTlsAsync(
        Action<ServerOptions>? options = null, Action<RawWsServer>? map = null, TimeProvider? timeProvider = null) =>
        StartAsync(
            settings =>
            {
                settings.Tls = TestCertificates.Options(TestCertificates.Localhost);
                options?.Invoke(settings);
            },
            map,
            timeProvider);

    public Task<WireClient> OpenAsync(string path = "/echo", string headers = "") =>
        WireClient.OpenAsync(EndPoint, path, headers);

    public async ValueTask DisposeAsync()
    {
        using var deadline = new CancellationTokenSource(TimeSpan.FromSeconds(1));
        await Server.StopAsync(deadline.Token);
        await Server.DisposeAsync();
        _loggers.Dispose();
    }

    private sealed class EchoHandler : WebSocketHandler
    {
        public override ValueTask OnMessageAsync(
            WebSocketConnection connection, Opcode type, ReadOnlyMemory<byte> payload)
        {
            connection.Send(type, payload.Span);
            return default;
        }
    }
}

/// <summary>A handler made of callbacks.</summary>
internal sealed class CallbackHandler : WebSocketHandler
{
    public Action<WebSocketConnection, RequestHead> Open { get; init; } = (_, _) => { };

    public Func<WebSocketConnection, Opcode, ReadOnlyMemory<byte>, ValueTask> Message { get; init; } = (_, _, _) => default;

    public Action<WebSocketConnection> Drained { get; init; } = _ => { };

    public Action<WebSocketConnection, CloseStatus> Close { get; init; } = (_, _) => { };

    public override void OnOpen(WebSocketConnection connection, RequestHead request) => Open(connection, request);

    public override ValueTask OnMessageAsync(WebSocketConnection connection, Opcode type, ReadOnlyMemory<byte> payload) =>
        Message(connection, type, payload);

    public override void OnDrained(WebSocketConnection connection) => Drained(connection);

    public override void OnClose(WebSocketConnection connection, CloseStatus status) => Close(connection, status);
}
