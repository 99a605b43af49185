using System.Diagnostics.Metrics;

namespace RawWs.Server.Diagnostics;

/// <summary>The measurements of one server, on the meter <c>RawWs</c>.</summary>
internal sealed partial class ServerMetrics : IDisposable
{
    private static readonly KeyValuePair<string, object?> s_raw = new("kind", "raw");

    private readonly Meter _meter;
    private readonly Counter<long> _accepted;
    private readonly UpDownCounter<long> _active;
    private readonly Counter<long> _messagesReceived;
    private readonly Counter<long> _messagesSent;
    private readonly Counter<long> _bytesReceived;
    private readonly Counter<long> _bytesSent;
    private readonly Counter<long> _failures;
    private readonly Counter<long> _loopsBlocked;

    public ServerMetrics(IMeterFactory? factory = null)
    {
        _meter = factory is null ? new Meter("RawWs") : factory.Create("RawWs");
        _accepted = _meter.CreateCounter<long>("rawws.connections.accepted", "{connection}", "TCP connections accepted");
        _active = _meter.CreateUpDownCounter<long>("rawws.websockets.active", "{connection}", "open WebSocket connections");
        _messagesReceived = _meter.CreateCounter<long>("rawws.messages.received", "{message}", "WebSocket messages received");
        _messagesSent = _meter.CreateCounter<long>("rawws.messages.sent", "{message}", "WebSocket messages queued to be sent");
        _bytesReceived = _meter.CreateCounter<long>("rawws.bytes.received", "By", "bytes received");
        _bytesSent = _meter.CreateCounter<long>("rawws.bytes.sent", "By", "bytes sent");
        _failures = _meter.CreateCounter<long>("rawws.failures", "{failure}", "failures by kind");
        _loopsBlocked = _meter.CreateCounter<long>(
            "rawws.loops.blocked", "{block}", "event loops that got another thread, theirs being blocked by a handler");
        CreateEventInstruments(_meter);
    }

    public void ConnectionAccepted() => _accepted.Add(1);

    public void WebSocketOpened() => _active.Add(1);

    public void WebSocketClosed() => _active.Add(-1);

    public void MessageReceived() => _messagesReceived.Add(1);

    public void MessageSent() => _messagesSent.Add(1);

    public void MessageDropped() => _messagesDropped.Add(1, s_raw);

    public void BytesReceived(int count) => _bytesReceived.Add(count);

    public void BytesSent(int count) => _bytesSent.Add(count);

    /// <param name="kind">One of a few fixed words: accept, request, protocol, handler.</param>
    public void Failed(string kind) => _failures.Add(1, new KeyValuePair<string, object?>("kind", kind));

    public void LoopBlocked() => _loopsBlocked.Add(1);

    public void Dispose() => _meter.Dispose();
}
