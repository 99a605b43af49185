using RawWs.Protocol;
using RawWs.Protocol.WebSockets;
using RawWs.Server.Sessions;

namespace RawWs.Server.Transport;

// The receive loop: from the transport through the reader to the handler.
public sealed partial class WebSocketConnection
{
    // One method down to the end: each that waits for another is a hundred bytes of every connection.
    private async Task ReceiveToEndAsync()
    {
        try
        {
            while (true)
            {
                while (StopsWhileHandling(out var pending))
                {
                    BeginWaitForHandler();
                    await pending.ConfigureAwait(false);
                    Volatile.Write(ref _lastActivity, _context.Now);
                    Volatile.Write(ref _waitsForHandler, false);
                    _isInHandler = false;
                    await WaitForRoomAsync().ConfigureAwait(false);
                    if (MustHoldBack)
                        await HoldBackAsync().ConfigureAwait(false);
                }

                if (_reader.Error != ProtocolError.None)
                {
                    Fail(_reader.Error);
                    return;
                }

                if (_closing.IsCloseReceived)
                    return;

                int count;
                try
                {
                    if (_buffered is null)
                    {
                        // An idle connection waits without a receive buffer.
                        _reader.ReleaseBuffer();
                        if (_readable is null)
                            await _transport.ReceiveAsync(Memory<byte>.Empty).ConfigureAwait(false);
                        else
                            await TakeReadableAsync().ConfigureAwait(false);
                    }

                    count = await _transport.ReceiveAsync(_reader.GetMemory(), _buffered?.Token ?? default)
                        .ConfigureAwait(false);
                }
                catch (OperationCanceledException) when (_buffered is { IsCancellationRequested: true })
                {
                    EndBuffering();
                    continue;
                }

                if (count == 0)
                {
                    OnEndOfStream();
                    return;
                }

                _reader.Advance(count);
                _context.Metrics.BytesReceived(count);
                Limits?.OnBytes(count);
                DisconnectAboveRate();
                OnActivity();
            }
        }
        catch (Exception e)
        {
            OnFault(e);
        }
        finally
        {
            await EndAsync().ConfigureAwait(false);
        }
    }

    // What the HTTP connection began to wait for.
    private async Task TakeReadableAsync()
    {
        await _readable!.ConfigureAwait(false);
        _readable = null;
    }

    private void OnActivity()
    {
        var now = _context.Now;
        // What comes in quick succession is worth a buffer that stays; a lone message is not.
        if (!_transport.WaitsWithoutBuffer && _buffered is null && now - _lastActivity < IdleAfter)
        {
            lock (_lock)
                _buffered = new CancellationTokenSource();
        }

        Volatile.Write(ref _lastActivity, now);
    }

    private void EndBuffering()
    {
        lock (_lock)
        {
            _buffered?.Dispose();
            _buffered = null;
        }
    }

    /// <summary>Handles the messages that are buffered, and flushes what was sent meanwhile in one go.</summary>
    /// <returns>True if it stopped early: wait for the handler and for room in the outbox, then call again.</returns>
    private bool StopsWhileHandling(out ValueTask pending)
    {
        var batch = FlushBatch.Open();
        try
        {
            var stops = HandleBuffered(out pending);
            _handler.OnBatchEnd(this);
            return stops;
        }
        finally
        {
            batch?.Close();
        }
    }

    private bool HandleBuffered(out ValueTask pending)
    {
        while (true)
        {
            pending = default;
            // Before it is taken: what is held back stays where it is.
            if (MustHoldBack)
                return true;
            var isWhole = _reader.TryRead(out var message);
            // What came in may be a thousandth of what it holds now.
            if (Limits is not null && _reader.TakeInflatedBytes() is > 0 and var inflated)
            {
                Limits.OnBytes(inflated);
                DisconnectAboveRate();
            }

            if (!isWhole)
                return false;
            Limits?.OnMessage();
            DisconnectAboveRate();
            pending = HandleAsync(message);
            if (!pending.IsCompletedSuccessfully)
                return true;
            _isInHandler = false;
            if (_outbox.IsAboveHighWater)
                return true;
        }
    }

    private ValueTask HandleAsync(ReceivedMessage message)
    {
        switch (message.Opcode)
        {
            case Opcode.Ping:
                // RFC 6455 §5.5.3: the pong carries the ping's payload.
                _outbox.Post(Opcode.Pong, message.Payload.Span);
                return default;
            case Opcode.Pong:
                return default;
            case Opcode.Close:
                OnCloseReceived(message.Payload.Span);
                return default;
            default:
                // RFC 6455 §1.4: what still comes after our close frame is discarded.
                if (_closing.IsCloseSent)
                    return default;
                _context.Metrics.MessageReceived();
                _isInHandler = true;
                return _handler.OnMessageAsync(this, message.Opcode, message.Payload);
        }
    }

    private bool IsEnding => _cause is not null || _closing.IsCloseSent || _phase >= Phase.Closing;

    // Once the end has begun, nothing but the peer's close frame is of interest, and that must not wait.
    private bool MustHoldBack =>
        Limits is { MustWait: true } && !IsEnding && _reader.Error == ProtocolError.None;

    private async ValueTask HoldBackAsync()
    {
        // A pong may wait unread, as behind a handler.
        Volatile.Write(ref _waitsForHandler, true);
        await Limits!.HoldBackAsync(() => IsEnding).ConfigureAwait(false);
        Volatile.Write(ref _lastActivity, _context.Now);
        Volatile.Write(ref _waitsForHandler, false);
    }

    private void DisconnectAboveRate()
    {
        if (Limits is not null && !IsEnding && Limits.MustDisconnect())
            Close(CloseCode.PolicyViolation, "rate limit exceeded", DisconnectReason.ForcedServerClose);
    }

    private async ValueTask WaitForRoomAsync()
    {
        if (!_outbox.IsAboveHighWater)
            return;
        Volatile.Write(ref _waitsForRoom, true);
        await _outbox.WaitForRoomAsync().ConfigureAwait(false);
        Volatile.Write(ref _waitsForRoom, false);
    }
}
