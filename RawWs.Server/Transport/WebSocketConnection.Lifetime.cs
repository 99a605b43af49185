using RawWs.Protocol.Http;
using RawWs.Protocol.WebSockets;
using RawWs.Server.Diagnostics;
using RawWs.Server.Sessions;

namespace RawWs.Server.Transport;

// From the accepted handshake to the closed transport: what begins, what is due, and the one way to end.
public sealed partial class WebSocketConnection
{
    /// <param name="request">The handshake.</param>
    /// <param name="early">What came in behind it.</param>
    /// <param name="readable">An empty receive that is under way already, if one is.</param>
    internal Task RunAsync(RequestHead request, ReadOnlyMemory<byte> early, Task<int>? readable)
    {
        _readable = readable;
        _context.Metrics.WebSocketOpened();
        try
        {
            // RFC 6455 §4.1 lets a client send right behind its handshake only after the answer, yet many don't wait.
            _reader.Append(early.Span);
            Open(request);
        }
        catch (Exception e)
        {
            OnFault(e);
            return EndAsync();
        }

        // What waits from here on does not hold the handshake: that is a third of an idle connection.
        return ReceiveToEndAsync();
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

    void ITimedConnection.OnTick(long now)
    {
        _handler.OnTick(this, now);
        _outbox.ReleaseWindow(now - _context.DeflateContextTimeout);
        if (now - Volatile.Read(ref _lastActivity) >= IdleAfter && _buffered is not null)
        {
            lock (_lock)
                _buffered?.Cancel();
        }

        // A handler that blocks its thread holds back what it has posted by no more than this.
        if (_outbox.PendingBytes > 0)
            _outbox.FlushDeferred(ring: null);
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

    private void OnFault(Exception fault)
    {
        if (!_isInHandler && TransportFaults.Includes(fault))
        {
            lock (_lock)
                _cause ??= DisconnectReason.TransportError;
            return;
        }

        Log.ConnectionFailed(_context.Logger, fault, RemoteEndPoint);
        _context.Metrics.Failed("handler");
        Close(CloseCode.InternalError, "", DisconnectReason.TransportError);
    }

    private async Task EndAsync()
    {
        try
        {
            OnClosed();
        }
        finally
        {
            await FinishAsync().ConfigureAwait(false);
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
            lock (_lock)
            {
                if (_phase != Phase.Ending)
                    Enter(Phase.Lingering, _context.LingerTimeout);
            }

            _transport.ShutdownSend();
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
            _outbox.EndWindow();
            _deflate?.Dispose();
            EndBuffering();
            Limits?.Leave();
            _context.Connections.Remove(_slot);
            _context.Metrics.WebSocketClosed();
        }
    }

    private void CloseTransport()
    {
        _transport.Close();
        lock (_lock)
        {
            _isTransportClosed = true;
            if (_waitsForHandler)
                TellHandler();
        }
    }

    private void BeginWaitForHandler()
    {
        lock (_lock)
        {
            _waitsForHandler = true;
            // What the messages before have sent may have failed on its way out.
            if (_isTransportClosed)
                TellHandler();
        }
    }

    // Nothing but the end of its handler wakes a receive loop that waits for one: the handler is told of the end here.
    private void TellHandler() => ThreadPool.UnsafeQueueUserWorkItem(
        static connection => connection._handler.OnAborted(connection, connection._cause.GetValueOrDefault()),
        this,
        preferLocal: false);

    // Under the lock.
    private void Enter(Phase phase, long timeout)
    {
        _phase = phase;
        Volatile.Write(ref _deadline, _context.Now + timeout);
    }
}
