using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using System.Net;
using System.Text;
using RawWs.Protocol;
using RawWs.Protocol.WebSockets;
using RawWs.Protocol.WebSockets.Deflate;
using RawWs.Server.Diagnostics;
using RawWs.Server.Sessions;
using RawWs.Server.Transport.Limits;

namespace RawWs.Server.Transport;

/// <summary>One WebSocket connection, from the handshake to the closed TCP connection.</summary>
/// <remarks>Every member may be called from any thread.</remarks>
[SuppressMessage("Reliability", "CA1001", Justification = "RunAsync disposes of the reader when the connection ends.")]
public sealed partial class WebSocketConnection : ITimedConnection
{
    // After so many milliseconds of silence a connection is idle: it gives back its receive buffer.
    private const long IdleAfter = 1000;

    private readonly ServerContext _context;
    private readonly ByteTransport _transport;
    private readonly WebSocketHandler _handler;
    private readonly MessageReader _reader;
    private readonly Outbox _outbox;
    private readonly ConnectionDeflate? _deflate;
    private readonly int _slot;

    private readonly Lock _lock = new();
    private ClosingHandshake _closing;
    private DisconnectReason? _cause;
    private Phase _phase;
    private bool _waitsForRoom;
    private bool _waitsForHandler;
    private bool _isTransportClosed;
    // What is thrown while this is set is the application's, even where it looks like a fault of the transport.
    private bool _isInHandler;
    private CancellationTokenSource? _buffered;
    private Task<int>? _readable;
    private long _lastActivity;
    private long _deadline;

    internal WebSocketConnection(
        ServerContext context,
        ByteTransport transport,
        WebSocketHandler handler,
        int slot,
        ConnectionDeflate? deflate = null)
    {
        _context = context;
        _transport = transport;
        _handler = handler;
        _slot = slot;
        _deflate = deflate;
        _reader = new MessageReader(
            Role.Server, handler.Limits ?? context.MessageLimits, inflater: deflate?.CreateInflater());
        _outbox = new Outbox(
            transport, this, context.Options.MaxOutboxBytes, context.Options.OutboxHighWaterBytes, deflate?.Own);
        _lastActivity = context.Now;
        _deadline = handler.HasHeartbeat ? long.MaxValue : _lastActivity + context.PingInterval;
    }

    private enum Phase
    {
        Open,
        AwaitingPong,
        Closing,
        Lingering,
        Ending,
    }

    /// <summary>
    /// The client's address: the peer's, or what a trusted proxy says it is, then with port 0; <c>null</c> if the
    /// carrier of the bytes does not know it.
    /// </summary>
    public EndPoint? RemoteEndPoint { get; internal init; }

    /// <summary>Whether the bytes are encrypted on their way from the client.</summary>
    public bool IsSecure { get; internal init; }

    /// <summary>Whatever the application keeps beside this connection.</summary>
    public object? State { get; set; }

    /// <summary>Bytes that wait for the peer to read.</summary>
    public int PendingBytes => _outbox.PendingBytes;

    internal ServerContext Context => _context;

    /// <summary>What the connection may bring; null for as much as it likes.</summary>
    internal ConnectionLimits? Limits { get; init; }

    /// <summary>Queues one message; the payload is copied.</summary>
    /// <param name="type"><see cref="Opcode.Text"/> or <see cref="Opcode.Binary"/>.</param>
    /// <param name="payload">For a text message, UTF-8: the caller vouches for it.</param>
    /// <exception cref="ArgumentOutOfRangeException">The type is not one of a message.</exception>
    public SendResult Send(Opcode type, ReadOnlySpan<byte> payload)
    {
        if (type is not (Opcode.Text or Opcode.Binary))
            throw new ArgumentOutOfRangeException(nameof(type), type, "A message is Text or Binary.");
        return Count(_deflate?.Shared is { } deflater && deflater.Compresses(type, payload.Length)
            ? PostCompressed(deflater, type, payload)
            : _outbox.Post(type, payload));
    }

    /// <summary>Queues a message that may go to other connections too.</summary>
    public SendResult Send(PreparedMessage message)
    {
        ArgumentNullException.ThrowIfNull(message);
        return Count(PostFrames(message.Frame, message.Compressed));
    }

    /// <summary>Starts the closing handshake; without effect if it has begun.</summary>
    /// <remarks>What was sent before is written first. The connection is aborted if the peer does not answer in time.</remarks>
    /// <param name="code">A code that may be on the wire (RFC 6455 §7.4).</param>
    /// <param name="reason">At most 123 bytes in UTF-8.</param>
    /// <exception cref="ArgumentException">The code may not be on the wire, or the reason is too long.</exception>
    public void Close(CloseCode code = CloseCode.NormalClosure, string reason = "")
    {
        ArgumentNullException.ThrowIfNull(reason);
        if (!ClosePayload.IsValidOnWire((ushort)code))
            throw new ArgumentException($"A close frame cannot carry the code {(int)code}.", nameof(code));
        if (Encoding.UTF8.GetByteCount(reason) > ClosePayload.MaxReasonBytes)
            throw new ArgumentException(
                $"A close reason has at most {ClosePayload.MaxReasonBytes} bytes.", nameof(reason));
        Close(code, reason, DisconnectReason.ForcedServerClose);
    }

    /// <summary>Drops the connection without a closing handshake.</summary>
    public void Abort()
    {
        lock (_lock)
            _cause ??= DisconnectReason.ForcedServerClose;
        CloseTransport();
    }

    internal void Close(CloseCode code, string reason, DisconnectReason cause)
    {
        lock (_lock)
        {
            _cause ??= cause;
            if (!_closing.TrySendClose(code, reason))
                return;
            Enter(Phase.Closing, _context.CloseTimeout);
            // In one step with the state: whoever sees that it is sent may complete the outbox.
            _outbox.AppendClose(code, reason);
        }

        _outbox.Flush();
    }

    /// <summary>Queues whole frames, already encoded and never written to again: the same array may go to many.</summary>
    /// <param name="frames">The frames, uncompressed.</param>
    /// <param name="isVolatile">They are dropped when more than the high-water mark waits.</param>
    /// <param name="compressed">
    /// What keeps them compressed for others that they go to; null if there are none.
    /// </param>
    internal SendResult SendFrames(
        ReadOnlyMemory<byte> frames, bool isVolatile = false, CompressedFrames? compressed = null)
    {
        // The event layer counts what is dropped here.
        if (isVolatile && _outbox.IsAboveHighWater)
            return SendResult.Dropped;
        var result = PostFrames(frames, compressed);
        return result == SendResult.Dropped ? result : Count(result);
    }

    internal void OnDrained()
    {
        try
        {
            _handler.OnDrained(this);
        }
        catch (Exception e)
        {
            Log.ConnectionFailed(_context.Logger, e, RemoteEndPoint);
        }
    }

    internal void OnBytesSent(int count)
    {
        _context.Metrics.BytesSent(count);
        // While we don't read, a peer that takes what is sent is alive; else only what it sends proves that.
        if (Volatile.Read(ref _waitsForRoom))
            Volatile.Write(ref _lastActivity, _context.Now);
    }

    internal void OnSendFailed(Exception fault)
    {
        if (!TransportFaults.Includes(fault))
            Log.ConnectionFailed(_context.Logger, fault, RemoteEndPoint);
        lock (_lock)
            _cause ??= DisconnectReason.TransportError;
        CloseTransport();
    }

    private void OnCloseReceived(ReadOnlySpan<byte> bytes)
    {
        // The reader has checked the payload.
        _ = ClosePayload.TryRead(bytes, out var payload);
        lock (_lock)
        {
            _cause ??= DisconnectReason.TransportClose;
            if (!_closing.TryReceiveClose(payload, out var reply))
                return;
            // RFC 6455 §5.5.1: the answer echoes the status code; with the reason, a browser shows its page both.
            _outbox.AppendClose(reply, payload.Reason);
            // Even if what waits before it does not go out.
            if (_phase < Phase.Closing)
                Enter(Phase.Closing, _context.CloseTimeout);
        }

        _outbox.Flush();
    }

    private void Fail(ProtocolError error)
    {
        _context.Metrics.Failed("protocol");
        Log.ProtocolFailed(_context.Logger, RemoteEndPoint, error);
        // RFC 6455 §7.1.7: the close frame tells the peer why.
        Close(error.CloseCode(), error.CloseReason(), DisconnectReason.TransportError);
    }

    private SendResult PostCompressed(MessageDeflater deflater, Opcode type, ReadOnlySpan<byte> payload)
    {
        var buffer = ArrayPool<byte>.Shared.Rent(MessageDeflater.MaxFrameSize(payload.Length));
        try
        {
            return _outbox.PostCopy(buffer.AsSpan(0, deflater.Write(buffer, type, payload)));
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    private SendResult PostFrames(ReadOnlyMemory<byte> frames, CompressedFrames? compressed) =>
        _outbox.PostFrames(
            _deflate?.Shared is { } deflater ? CompressedFrames.Get(compressed, frames, deflater) : frames,
            isCompressible: compressed != CompressedFrames.Never);

    private SendResult Count(SendResult result)
    {
        if (result == SendResult.Dropped)
            _context.Metrics.MessageDropped();
        else
            _context.Metrics.MessageSent();
        return result;
    }
}
