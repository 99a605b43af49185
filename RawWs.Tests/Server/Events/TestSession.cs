using System.Text;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Testing;
using Microsoft.Extensions.Time.Testing;
using RawWs.Server;
using RawWs.Server.Events;
using RawWs.Server.Sessions;
using RawWs.Server.Transport;
using RawWs.Tests.Support;

namespace RawWs.Tests.Server.Events;

/// <summary>
/// An event layer without sockets: a server, a clock that stands still, and a log that can be read.
/// </summary>
internal sealed class TestServer
{
    private readonly Func<long> _failures;

    public TestServer(Action<EventOptions>? configure = null)
    {
        var options = new ServerOptions();
        configure?.Invoke(options.Events);
        var loggers = LoggerFactory.Create(builder =>
            builder.SetMinimumLevel(LogLevel.Debug).AddProvider(new FakeLoggerProvider(Logs)));
        Server = new RawWsServer(options, loggers, Time, Meters);
        Hub = Server.Hub;
        _failures = Meters.Count("rawws.handler.failures");
    }

    public EventHub Hub { get; }

    public RawWsServer Server { get; }

    public TestMeters Meters { get; } = new();

    public FakeTimeProvider Time { get; } = new();

    public FakeLogCollector Logs { get; } = FakeLogCollector.Create(new FakeLogCollectorOptions());

    public IEnumerable<FakeLogRecord> Errors =>
        Logs.GetSnapshot().Where(record => record.Level >= LogLevel.Error);

    /// <summary>Handlers and callbacks that have failed, as the meter counts them.</summary>
    public long FailuresCounted => _failures();

    /// <summary>A client that has joined <c>/</c>.</summary>
    public TestSession Connect(string namespaceName = "/")
    {
        var session = new TestSession(this);
        session.ConnectAsync(namespaceName, default).GetAwaiter().GetResult();
        return session;
    }
}

/// <summary>A dialect that writes lines of text into a list, and reads none.</summary>
internal sealed class TestSession(TestServer server) : Session(server.Hub, new Handshake())
{
    private static readonly Encoding s_utf8 = new UTF8Encoding(false, true);
    private readonly List<string> _sent = [];

    public override string TransportName => "websocket";

    public override bool CanRecover => Hub.Recovery is not null;

    /// <summary>The offset of the last event that had one.</summary>
    public string? LastOffset { get; private set; }

    public SendResult Result { get; set; } = SendResult.Sent;

    public int Aborts { get; private set; }

    public int ConnectionCloses { get; private set; }

    /// <summary>
    /// What was sent, such as <c>chat "hi",1</c>, with attachments in hexadecimal such as <c>+0102</c> and
    /// <c>#id</c> at the end if an ack is wanted.
    /// </summary>
    public string[] Sent
    {
        get
        {
            lock (_sent)
                return [.. _sent];
        }
    }

    /// <summary>Only the events, without what connecting wrote.</summary>
    public string[] Events => [.. Sent.Where(line => line[0] != '<')];

    public EventSocket Socket => In("/");

    public EventSocket In(string namespaceName) =>
        Find(s_utf8.GetBytes(namespaceName)) ?? throw new InvalidOperationException("Not joined.");

    /// <summary>
    /// An event comes in; its bytes are overwritten as soon as the call returns, like a receive buffer.
    /// </summary>
    public Task Receive(
        string name, string arguments = "", long? ackId = null, string namespaceName = "/",
        params ReadOnlyMemory<byte>[] attachments)
    {
        byte[] utf8Name = s_utf8.GetBytes(name);
        byte[] json = s_utf8.GetBytes(arguments);
        Task dispatched = In(namespaceName).DispatchAsync(utf8Name, json, ackId, attachments).AsTask();
        utf8Name.AsSpan().Fill((byte)'!');
        json.AsSpan().Fill((byte)'!');
        return dispatched;
    }

    public void ReceiveAck(long id, string arguments = "", params ReadOnlyMemory<byte>[] attachments) =>
        Socket.OnAck(id, s_utf8.GetBytes(arguments), attachments);

    public override SendResult Post(EventSocket socket, OutboundMessage message)
    {
        if (Result == SendResult.Dropped)
            return Result;

        LastOffset = message.Offset ?? LastOffset;
        ReadOnlyMemory<byte> frames = message.GetFrames(WireFormat.Envelope, static message =>
            s_utf8.GetBytes($"{message.Name} {s_utf8.GetString(message.Arguments.Json.Span)}".TrimEnd()
                + Hex(message.Arguments) + (message.AckId is { } id ? $" #{id}" : "")));
        return Write(s_utf8.GetString(frames.Span));
    }

    public override SendResult SendAck(EventSocket socket, long ackId, EventArguments arguments) =>
        Write($"<ack {ackId} {arguments}{Hex(arguments)}");

    public override SendResult SendAckError(EventSocket socket, long ackId, string code, string message) =>
        Write($"<ack {ackId} error {code} {message}".TrimEnd());

    public override void SendConnect(EventSocket socket) => Write($"<connect {socket.Namespace.Name}");

    public override void SendConnectError(
        string namespaceName, string message, ReadOnlyMemory<byte> details) =>
        Write($"<connect_error {namespaceName} {message} {s_utf8.GetString(details.Span)}".TrimEnd());

    public override void SendDisconnect(EventSocket socket) => Write($"<disconnect {socket.Namespace.Name}");

    public override void CloseConnection()
    {
        ConnectionCloses++;
        Close(DisconnectReason.ForcedServerClose);
    }

    public override void Abort()
    {
        Aborts++;
        Close(DisconnectReason.TransportError);
    }

    private static string Hex(EventArguments arguments) =>
        string.Concat(arguments.Attachments.Select(bytes => $" +{Convert.ToHexString(bytes.Span)}"));

    private SendResult Write(string line)
    {
        lock (_sent)
            _sent.Add(line);

        return Result;
    }
}
