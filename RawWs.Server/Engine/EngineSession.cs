using RawWs.Protocol.EngineIO;
using RawWs.Protocol.WebSockets;
using RawWs.Server.Diagnostics;
using RawWs.Server.Sessions;
using RawWs.Server.Transport;

namespace RawWs.Server.Engine;

/// <summary>One client of Engine.IO, known by its id, over whatever transport carries it at the moment.</summary>
/// <remarks>Every member may be called from any thread.</remarks>
public sealed partial class EngineSession : IDeferredFlush
{
    private static readonly byte[] s_close = "1"u8.ToArray();
    private static readonly byte[] s_noop = "6"u8.ToArray();

    private readonly EngineEndpoint _endpoint;
    private readonly Lock _lock = new();
    private readonly PollingQueue _queue;

    // The transport is polling while this is null. Once set it stays, and everything before it has been posted to it.
    private volatile WebSocketConnection? _webSocket;
    private EngineFormat _format;
    private volatile Phase _phase;

    internal EngineSession(EngineEndpoint endpoint, string id, Handshake handshake)
    {
        _endpoint = endpoint;
        _queue = new PollingQueue(
            endpoint.Context.Options.MaxOutboxBytes, endpoint.Context.Options.OutboxHighWaterBytes);
        Id = id;
        Handshake = handshake;
        _lastAnswer = Context.Now;
        ScheduleFirstPing();
    }

    private enum Phase
    {
        Open,

        // Over for the application; a poll takes what it said last, and one behind it the end.
        Closing,
        Closed,
    }

    /// <summary>The id. It is a secret: who knows it is the client.</summary>
    public string Id { get; }

    /// <summary>What the client said about itself with its first request.</summary>
    public Handshake Handshake { get; }

    /// <summary>Whatever the application keeps beside this session.</summary>
    public object? State { get; set; }

    /// <summary>The transport that carries it now, by its name on the wire: <c>polling</c> or <c>websocket</c>.</summary>
    public string TransportName => _webSocket is null ? "polling" : "websocket";

    /// <summary>Messages can be sent.</summary>
    public bool IsOpen => _phase == Phase.Open;

    internal ServerContext Context => _endpoint.Context;

    private EngineHandler Handler => _endpoint.Handler;

    /// <summary>Queues one message; the payload is copied.</summary>
    /// <param name="type"><see cref="Opcode.Text"/> or <see cref="Opcode.Binary"/>.</param>
    /// <param name="payload">For a text message, UTF-8 without the byte 0x1e: the caller vouches for it.</param>
    /// <exception cref="ArgumentOutOfRangeException">The type is not one of a message.</exception>
    public SendResult Send(Opcode type, ReadOnlySpan<byte> payload)
    {
        if (type is not (Opcode.Text or Opcode.Binary))
            throw new ArgumentOutOfRangeException(nameof(type), type, "A message is Text or Binary.");
        return type == Opcode.Binary
            ? Post(payload.ToArray(), false, static (bytes, format) => EngineFrames.EncodeBinary(format, bytes))
            : SendPacket([(byte)'4', .. payload]);
    }

    /// <summary>Ends the session once the client has taken what was sent before. Returns at once.</summary>
    public void Close() => Close(DisconnectReason.ForcedServerClose);

    internal void Close(DisconnectReason reason) =>
        End(reason, s_close, CloseCode.NormalClosure, lingers: true);

    /// <summary>Ends the session without regard to what waits.</summary>
    internal void Abort() => End(DisconnectReason.TransportError, s_close, CloseCode.TryAgainLater);

    /// <summary>Ends the session: the client, or its transport, has broken a rule or has gone.</summary>
    internal void Fail(DisconnectReason reason) => End(reason, s_close, CloseCode.PolicyViolation);

    /// <summary>Ends the session because the server stops; its WebSocket is told by the server itself.</summary>
    internal void Stop()
    {
        if (_webSocket is null)
            End(DisconnectReason.ServerShuttingDown, s_close, CloseCode.GoingAway);
    }

    /// <summary>Queues what <paramref name="encode"/> makes of a message for the transport of the moment.</summary>
    /// <param name="message">The message.</param>
    /// <param name="isVolatile">It is dropped when the client is not ready for it.</param>
    /// <param name="encode">Makes bytes that nobody will write to again. It must call nothing of the application's.</param>
    /// <param name="compressed">
    /// What keeps it compressed for other receivers; null if there are none, <see cref="CompressedFrames.Never"/> if it is
    /// not worth compressing.
    /// </param>
    internal SendResult Post<T>(
        T message,
        bool isVolatile,
        Func<T, EngineFormat, ReadOnlyMemory<byte>> encode,
        CompressedFrames? compressed = null)
    {
        if (_webSocket is null)
        {
            lock (_lock)
            {
                if (_webSocket is null)
                    return Queue(message, isVolatile, encode, compressed != CompressedFrames.Never);
            }
        }

        return _webSocket.SendFrames(encode(message, _format), isVolatile, compressed);
    }

    /// <summary>Opens the session over polling; the answer to the request that opened it is up to the caller.</summary>
    internal void Open() => Handler.OnOpen(this);

    /// <summary>Opens the session over a WebSocket.</summary>
    internal void Open(WebSocketConnection connection, bool isBase64)
    {
        _format = FormatOf(isBase64);
        _webSocket = connection;
        connection.Send(Opcode.Text, _endpoint.WriteOpen(this));
        Handler.OnOpen(this);
    }

    /// <summary>The messages of one read have been handled. A WebSocket that only probes has brought none.</summary>
    internal void OnBatchEnd(WebSocketConnection connection)
    {
        if (_webSocket == connection)
            Handler.OnBatchEnd(this);
    }

    /// <summary>A WebSocket of this session, or one that was to become it, has ended.</summary>
    internal void OnWebSocketClosed(WebSocketConnection connection, DisconnectReason cause)
    {
        lock (_lock)
        {
            if (_probe == connection)
                (_probe, _isProbed, _upgradeBy) = (null, false, Never);
        }

        if (_webSocket == connection)
            End(cause, s_close, CloseCode.NormalClosure);
    }

    /// <summary>Handles a message of the WebSocket. Incomplete while the handler pushes back.</summary>
    internal ValueTask OnWebSocketMessageAsync(
        WebSocketConnection connection, Opcode type, ReadOnlyMemory<byte> payload)
    {
        if (_webSocket != connection)
            return OnProbeMessageAsync(connection, type, payload);
        if (type == Opcode.Binary)
            return OnPacketAsync(new EnginePacket(EnginePacketType.Message, true, payload));
        if (EnginePacket.TryReadText(payload, out var packet))
            return OnPacketAsync(packet);
        Fail(DisconnectReason.ParseError);
        return default;
    }

    private static EngineFormat FormatOf(bool isBase64) =>
        isBase64 ? EngineFormat.WebSocketBase64 : EngineFormat.WebSocket;

    private ValueTask OnPacketAsync(EnginePacket packet)
    {
        if (!IsOpen)
            return default;
        switch (packet.Type)
        {
            case EnginePacketType.Message:
                return HandleAsync(packet);
            case EnginePacketType.Pong:
                OnPong();
                return default;
            case EnginePacketType.Close:
                End(DisconnectReason.TransportClose, s_noop, CloseCode.NormalClosure);
                return default;
            case EnginePacketType.Ping:
                // In version 4 only the server asks.
                Fail(DisconnectReason.TransportError);
                return default;
            default:
                return default;
        }
    }

    // A pong behind a message that is still being handled has not been read yet, and is not missed.
    private ValueTask HandleAsync(EnginePacket packet)
    {
        _isHandling = true;
        var pending = Handler.OnMessageAsync(
            this, packet.IsBinary ? Opcode.Binary : Opcode.Text, packet.Payload);
        if (!pending.IsCompletedSuccessfully)
            return AwaitAsync(pending);
        _isHandling = false;
        return default;

        async ValueTask AwaitAsync(ValueTask unfinished)
        {
            try
            {
                await unfinished.ConfigureAwait(false);
            }
            finally
            {
                EndHoldingBack();
            }
        }
    }

    private SendResult SendPacket(byte[] packet) =>
        Post(packet, false, static (bytes, format) => EngineFrames.Encode(format, bytes));

    // Under the lock.
    private SendResult Queue<T>(
        T message, bool isVolatile, Func<T, EngineFormat, ReadOnlyMemory<byte>> encode, bool isCompressible)
    {
        if (_phase != Phase.Open || (isVolatile && !IsReady))
            return SendResult.Dropped;
        if (!_queue.TryAdd(encode(message, EngineFormat.Polling), isCompressible))
            return SendResult.Dropped;
        FlushPoll();
        return _queue.IsAboveHighWater ? SendResult.Backpressure : SendResult.Sent;
    }

    /// <summary>The one exit. The first reason counts.</summary>
    /// <param name="reason">What the application is told.</param>
    /// <param name="farewell">The packet that a client over polling gets at the end.</param>
    /// <param name="code">The close code that a client over a WebSocket gets.</param>
    /// <param name="lingers">What waits for a client over polling is kept for its next poll.</param>
    private void End(DisconnectReason reason, byte[] farewell, CloseCode code, bool lingers = false)
    {
        WebSocketConnection? probe;
        lock (_lock)
        {
            if (_phase != Phase.Open)
                return;
            // What was sent before the end goes out by itself: clients look at a payload's end first.
            if (lingers && !_queue.IsEmpty)
                CompletePoll();
            lingers &= _webSocket is null && _poll is null;
            _phase = lingers ? Phase.Closing : Phase.Closed;
            (probe, _probe) = (_probe, null);
            if (!lingers)
            {
                _queue.Add(farewell);
                CompletePoll();
                _queue.Clear();
            }

            ScheduleEnd();
        }

        // Also of a session that lingers: it is no use to start a WebSocket for what is over.
        probe?.Close(CloseCode.NormalClosure, "", reason);
        _webSocket?.Close(code, code == CloseCode.NormalClosure ? "" : reason.ToString(), reason);
        if (!lingers)
            _endpoint.Remove(this);
        try
        {
            Handler.OnClose(this, reason);
        }
        catch (Exception e)
        {
            Log.SessionFailed(Context.Logger, e, Handshake.Address);
            Context.Metrics.Failed("handler");
        }
    }
}
