using RawWs.Protocol;
using RawWs.Protocol.WebSockets;

namespace RawWs.Server.Transport;

// The receive loop: from the transport through the reader to the handler.
public sealed partial class WebSocketConnection
{
    private async Task ReceiveAsync()
    {
        while (true)
        {
            while (StopsWhileHandling(out var pending))
            {
                Volatile.Write(ref _waitsForHandler, true);
                await pending.ConfigureAwait(false);
                Volatile.Write(ref _lastActivity, _context.Now);
                Volatile.Write(ref _waitsForHandler, false);
                _isInHandler = false;
                await WaitForRoomAsync().ConfigureAwait(false);
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
            OnActivity();
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
        while (_reader.TryRead(out var message))
        {
            pending = HandleAsync(message);
            if (!pending.IsCompletedSuccessfully)
                return true;
            _isInHandler = false;
            if (_outbox.IsAboveHighWater)
                return true;
        }

        pending = default;
        return false;
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

    private async ValueTask WaitForRoomAsync()
    {
        if (!_outbox.IsAboveHighWater)
            return;
        Volatile.Write(ref _waitsForRoom, true);
        await _outbox.WaitForRoomAsync().ConfigureAwait(false);
        Volatile.Write(ref _waitsForRoom, false);
    }
}
