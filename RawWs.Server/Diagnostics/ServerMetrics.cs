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
    private readonly UpDownCounter<long> _deflateContexts;

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
        _deflateContexts = _meter.CreateUpDownCounter<long>(
            "rawws.deflate.contexts", "{context}", "windows of compression that connections may keep");
        CreateEventInstruments(_meter);
        CreateLimitInstruments(_meter);
    }

    public void ConnectionAccepted() => _accepted.Add(1);

    public void WebSocketOpened() => _active.Add(1);

    public void WebSocketClosed() => _active.Add(-1);

    public void MessageReceived() => _messagesReceived.Add(1);

    public void MessageSent() => _messagesSent.Add(1);

    public void MessageDropped() => _messagesDropped.Add(1, s_raw);

    public void BytesReceived(int count) => _bytesReceived.Add(count);

    public void BytesSent(int count) => _bytesSent.Add(count);

    /// <param name="kind">One of a few fixed words: accept, tls, tls-shed, certificate, request, protocol, handler.</param>
    public void Failed(string kind) => _failures.Add(1, new KeyValuePair<string, object?>("kind", kind));

    /// <summary>Shows every series that there may be, at 0: who computes rates must see where each began.</summary>
    public void ShowAll()
    {
        foreach (var limit in s_limits)
            _limitsReached.Add(0, limit);
        foreach (var kind in (KeyValuePair<string, object?>[])[s_raw, s_volatile, s_slowConsumer])
            _messagesDropped.Add(0, kind);
        foreach (var kind in (string[])["accept", "request", "protocol", "handler"])
            _failures.Add(0, new KeyValuePair<string, object?>("kind", kind));
    }

    public void LoopBlocked() => _loopsBlocked.Add(1);

    public void DeflateContexts(int change) => _deflateContexts.Add(change);

    public void Dispose() => _meter.Dispose();
}
