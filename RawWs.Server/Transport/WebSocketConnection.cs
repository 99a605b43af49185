using System.Diagnostics.CodeAnalysis;
using System.Net;
using System.Text;
using RawWs.Protocol;
using RawWs.Protocol.Http;
using RawWs.Protocol.WebSockets;
using RawWs.Server.Diagnostics;
using RawWs.Server.Sessions;

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
    private readonly int _slot;

    private readonly Lock _lock = new();
    private ClosingHandshake _closing;
    private DisconnectReason? _cause;
    private Phase _phase;
    private bool _waitsForRoom;
    private bool _waitsForHandler;
    // What is thrown while this is set is the application's, even where it looks like a fault of the transport.
    private bool _isInHandler;
    private CancellationTokenSource? _buffered;
    private Task<int>? _readable;
    private long _lastActivity;
    private long _deadline;

    internal WebSocketConnection(ServerContext context, ByteTransport transport, WebSocketHandler handler, int slot)
    {
        _context = context;
        _transport = transport;
        _handler = handler;
        _slot = slot;
        _reader = new MessageReader(Role.Server, handler.Limits ?? context.MessageLimits);
        _outbox = new Outbox(
            transport, this, context.Options.MaxOutboxBytes, context.Options.OutboxHighWaterBytes);
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

    /// <summary>The peer's address, or <c>null</c> if the carrier of the bytes does not know it.</summary>
    public EndPoint? RemoteEndPoint => _transport.RemoteEndPoint;

    /// <summary>Whether the bytes are encrypted on their way.</summary>
    public bool IsSecure => _transport.IsSecure;

    /// <summary>Whatever the application keeps beside this connection.</summary>
    public object? State { get; set; }

    /// <summary>Bytes that wait for the peer to read.</summary>
    public int PendingBytes => _outbox.PendingBytes;

    internal ServerContext Context => _context;

    /// <summary>Queues one message; the payload is copied.</summary>
    /// <param name="type"><see cref="Opcode.Text"/> or <see cref="Opcode.Binary"/>.</param>
    /// <param name="payload">For a text message, UTF-8: the caller vouches for it.</param>
    /// <exception cref="ArgumentOutOfRangeException">The type is not one of a message.</exception>
    public SendResult Send(Opcode type, ReadOnlySpan<byte> payload)
    {
        if (type is not (Opcode.Text or Opcode.Binary))
            throw new ArgumentOutOfRangeException(nameof(type), type, "A message is Text or Binary.");
        return Count(_outbox.Post(type, payload));
    }

    /// <summary>Queues a message that may go to other connections too.</summary>
    public SendResult Send(PreparedMessage message)
    {
        ArgumentNullException.ThrowIfNull(message);
        return Count(_outbox.PostFrames(message.Frame));
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
    internal SendResult SendFrames(ReadOnlyMemory<byte> frames, bool isVolatile = false)
    {
        // The event layer counts what is dropped here.
        if (isVolatile && _outbox.IsAboveHighWater)
            return SendResult.Dropped;
        var result = _outbox.PostFrames(frames);
        return result == SendResult.Dropped ? result : Count(result);
    }

    /// <param name="request">The handshake.</param>
    /// <param name="early">What came in behind it.</param>
    /// <param name="readable">An empty receive that is under way already, if one is.</param>
    internal async Task RunAsync(RequestHead request, ReadOnlyMemory<byte> early, Task<int>? readable)
    {
        _readable = readable;
        _context.Metrics.WebSocketOpened();
        try
        {
            // RFC 6455 §4.1 lets a client send right behind its handshake only after the answer, yet many don't wait.
            _reader.Append(early.Span);
            Open(request);
            await ReceiveAsync().ConfigureAwait(false);
        }
        catch (Exception e) when (!_isInHandler && TransportFaults.Includes(e))
        {
            lock (_lock)
                _cause ??= DisconnectReason.TransportError;
        }
        catch (Exception e)
        {
            Log.ConnectionFailed(_context.Logger, e, RemoteEndPoint);
            _context.Metrics.Failed("handler");
            Close(CloseCode.InternalError, "", DisconnectReason.TransportError);
        }

        try
        {
            OnClosed();
        }
        finally
        {
            await FinishAsync().ConfigureAwait(false);
        }
    }

    void ITimedConnection.OnTick(long now)
    {
        _handler.OnTick(this, now);
        if (now - Volatile.Read(ref _lastActivity) >= IdleAfter && _buffered is not null)
        {
            lock (_lock)
                _buffered?.Cancel();
        }

        // A handler that blocks its thread holds back what it has posted by no more than this.
        if (_outbox.PendingBytes > 0)
            _outbox.FlushDeferred();
        if (now < Volatile.Read(ref _deadline))
            return;
        lock (_lock)
        {
            switch (_phase)
            {
                case Phase.Open when now - _lastActivity < _context.PingInterval:
                case Phase.AwaitingPong when _lastActivity >= _deadline - _context.PingTimeout:
                    _phase = Phase.Open;
                    _deadline = _lastActivity + _context.PingInterval;
                    return;
                case Phase.AwaitingPong when _waitsForHandler || Volatile.Read(ref _isInHandler):
                    // The pong may have come: it is not read before the handler is done.
                    Enter(Phase.Open, _context.PingInterval);
                    return;
                case Phase.Open:
                    Enter(Phase.AwaitingPong, _context.PingTimeout);
                    break;
                case Phase.Closing or Phase.Lingering when _outbox.PendingBytes == 0:
                    // All is said: end without a reset, which could overtake the close frame.
                    Enter(Phase.Ending, _context.LingerTimeout);
                    _transport.ShutdownReceive();
                    return;
                default:
                    if (_phase == Phase.AwaitingPong)
                        _cause ??= DisconnectReason.PingTimeout;
                    Enter(Phase.Ending, _context.LingerTimeout);
                    CloseTransport();
                    return;
            }
        }

        _outbox.Post(Opcode.Ping, default);
    }

    void ITimedConnection.Stop() =>
        Close(CloseCode.GoingAway, "server shutting down", DisconnectReason.ServerShuttingDown);

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

    private void Open(RequestHead request)
    {
        var batch = FlushBatch.Open();
        try
        {
            _isInHandler = true;
            _handler.OnOpen(this, request);
            _isInHandler = false;
        }
        finally
        {
            batch?.Close();
        }
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

    private void OnEndOfStream()
    {
        lock (_lock)
        {
            _cause ??= DisconnectReason.TransportClose;
            // A peer that has ended its side gets what waits for it, and no long wait for an answer.
            if (_phase != Phase.Ending)
                Enter(Phase.Lingering, _context.LingerTimeout);
        }
    }

    private void OnClosed()
    {
        CloseStatus status;
        lock (_lock)
        {
            var (code, reason) = _closing.Outcome;
            status = new CloseStatus(code, reason, _cause ?? DisconnectReason.TransportClose);
            if (_phase is Phase.Open or Phase.AwaitingPong)
                Enter(Phase.Closing, _context.CloseTimeout);
        }

        try
        {
            _handler.OnClose(this, status);
        }
        catch (Exception e)
        {
            Log.ConnectionFailed(_context.Logger, e, RemoteEndPoint);
            _context.Metrics.Failed("handler");
        }

        Log.WebSocketClosed(_context.Logger, RemoteEndPoint, (int)status.Code, status.Cause);
    }

    /// <summary>Writes out what waits, the close frame last, and ends the connection so that the peer gets it all.</summary>
    private async Task FinishAsync()
    {
        try
        {
            await _outbox.CompleteAsync().ConfigureAwait(false);
            _transport.ShutdownSend();
            lock (_lock)
            {
                if (_phase != Phase.Ending)
                    Enter(Phase.Lingering, _context.LingerTimeout);
            }

            await Linger.DrainAsync(_transport, _context.Options.MaxLingerBytes, _readable).ConfigureAwait(false);
        }
        catch (Exception e) when (TransportFaults.Includes(e))
        {
            // The peer has gone, or did not end its side in time.
        }
        finally
        {
            _transport.Close();
            _reader.Dispose();
            EndBuffering();
            _context.Connections.Remove(_slot);
            _context.Metrics.WebSocketClosed();
        }
    }

    // Nothing but the end of its handler wakes a receive loop that waits for one: the handler is told of the end here.
    private void CloseTransport()
    {
        _transport.Close();
        if (Volatile.Read(ref _waitsForHandler))
            ThreadPool.UnsafeQueueUserWorkItem(
                static connection => connection._handler.OnAborted(connection, connection._cause.GetValueOrDefault()),
                this,
                preferLocal: false);
    }

    // Under the lock.
    private void Enter(Phase phase, long timeout)
    {
        _phase = phase;
        Volatile.Write(ref _deadline, _context.Now + timeout);
    }

    private SendResult Count(SendResult result)
    {
        if (result == SendResult.Dropped)
            _context.Metrics.MessageDropped();
        else
            _context.Metrics.MessageSent();
        return result;
    }
}
