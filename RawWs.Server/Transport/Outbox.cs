using System.Buffers;
using RawWs.Protocol.WebSockets;
using RawWs.Protocol.WebSockets.Deflate;
using RawWs.Server.Transport.Loops;

namespace RawWs.Server.Transport;

/// <summary>
/// The frames that wait for one peer: bounded in bytes, written by one drainer that sends what has gathered in one go.
/// </summary>
/// <remarks>
/// Every member may be called from any thread. Frames are sent in the order in which they were posted. An outbox with
/// nothing to send holds no buffer and no task.
/// </remarks>
/// <param name="transport">Where they go.</param>
/// <param name="owner">Is told what became of them.</param>
/// <param name="maxBytes">The bound.</param>
/// <param name="highWaterBytes">Above this a post answers that it was too much for now.</param>
/// <param name="window">
/// What compresses messages with context takeover, and so in the order in which they go out; null without.
/// </param>
internal sealed class Outbox(
    ByteTransport transport,
    WebSocketConnection owner,
    int maxBytes,
    int highWaterBytes,
    MessageDeflater? window = null) : IDeferredFlush
{
    private readonly Lock _lock = new();
    private FrameQueue _queue;
    private bool _isDraining;
    private FlushBatch? _deferredTo;
    private bool _isComplete;
    private bool _owesDrained;
    private long _windowUsed;
    private TaskCompletionSource? _room;
    private TaskCompletionSource? _empty;

    /// <summary>Bytes posted and not yet taken by the transport.</summary>
    public int PendingBytes => _queue.Bytes;

    /// <summary>Whether more waits than the high-water mark.</summary>
    public bool IsAboveHighWater => PendingBytes > highWaterBytes;

    /// <summary>Posts one unfragmented frame.</summary>
    public SendResult Post(Opcode opcode, ReadOnlySpan<byte> payload)
    {
        bool isDirect;
        SendResult result;
        FrameQueue.Piece first;
        lock (_lock)
        {
            var size = FrameWriter.FrameSize(payload.Length, Role.Server);
            if (!Accepts(size))
                return Refuse();
            // So much would not be held back anyway: what is taken at once need not be copied.
            isDirect = size > highWaterBytes && _queue.Bytes == 0 && !_isDraining && window is null && transport.CanTrySend;
            if (isDirect)
            {
                _queue.Count(size);
                _isDraining = _owesDrained = true;
                (result, first) = (SendResult.Backpressure, default);
            }
            else
            {
                Append(opcode, payload);
                result = Schedule(FlushBatch.OfThread, out first);
            }
        }

        if (isDirect)
            SendDirect(opcode, payload);
        else
            Drain(first);
        return result;
    }

    /// <summary>Posts one whole frame that the caller will write to again; it is never compressed.</summary>
    public SendResult PostCopy(ReadOnlySpan<byte> frame)
    {
        SendResult result;
        FrameQueue.Piece first;
        lock (_lock)
        {
            if (!Accepts(frame.Length))
                return Refuse();
            frame.CopyTo(_queue.Reserve(frame.Length));
            result = Schedule(FlushBatch.OfThread, out first);
        }

        Drain(first);
        return result;
    }

    /// <summary>Posts whole frames that nobody will write to again.</summary>
    /// <param name="frames">The frames.</param>
    /// <param name="isCompressible">They are worth compressing, if this outbox does that.</param>
    public SendResult PostFrames(ReadOnlyMemory<byte> frames, bool isCompressible = true)
    {
        var batch = FlushBatch.OfThread;
        SendResult result;
        FrameQueue.Piece first;
        lock (_lock)
        {
            if (!Accepts(frames.Length))
                return Refuse();
            if (window is not null && isCompressible)
                AppendEach(frames.Span);
            else
                _queue.Append(frames, batch?.Run);
            result = Schedule(batch, out first);
        }

        Drain(first);
        return result;
    }

    /// <summary>
    /// Appends the close frame, whatever waits before it; nothing is accepted after it. The caller flushes, outside of
    /// its own locks.
    /// </summary>
    public void AppendClose(CloseCode code, string reason)
    {
        lock (_lock)
        {
            if (_isComplete)
                return;
            Span<byte> frame = stackalloc byte[2 + 125];
            var length = FrameWriter.WriteClose(frame, code, reason);
            frame[..length].CopyTo(_queue.Reserve(length));
            _isComplete = true;
        }
    }

    /// <summary>Accepts nothing more.</summary>
    /// <returns>Completes when everything has been taken by the transport, or the transport has failed.</returns>
    public Task CompleteAsync()
    {
        lock (_lock)
        {
            _isComplete = true;
            if (_queue.Bytes == 0)
                return Task.CompletedTask;
            _empty ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            return _empty.Task;
        }
    }

    /// <summary>Gives back the window if no message was compressed since a moment: the next one begins a new one.</summary>
    public void ReleaseWindow(long since)
    {
        // Whoever compresses right now is not silent, and must not hold up the timer.
        if (window is not { HoldsDeflater: true } || Volatile.Read(ref _windowUsed) > since || !_lock.TryEnter())
            return;
        try
        {
            if (_windowUsed <= since)
                window.Release();
        }
        finally
        {
            _lock.Exit();
        }
    }

    /// <summary>Frees the window of an outbox that accepts nothing more.</summary>
    public void EndWindow()
    {
        lock (_lock)
            window?.Release();
    }

    /// <summary>Completes when the peer has taken enough, or the transport has failed.</summary>
    public Task WaitForRoomAsync()
    {
        lock (_lock)
        {
            if (_queue.Bytes <= highWaterBytes / 2)
                return Task.CompletedTask;
            _room ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            return _room.Task;
        }
    }

    /// <summary>Flushes what a <see cref="FlushBatch"/> has held back.</summary>
    public void FlushDeferred(SendRing? ring)
    {
        FrameQueue.Piece first;
        lock (_lock)
        {
            _deferredTo = null;
            if (_isDraining || _queue.Bytes == 0)
                return;
            first = Take();
        }

        // Others may wait for the ring, and must not for the application.
        if (ring is null || !ring.TryAdd(this, transport, first))
            Drain(first, mayTell: ring is null);
    }

    /// <summary>Called by the ring that was left a piece, with how much of it the system has taken at once.</summary>
    public void OnSent(FrameQueue.Piece piece, int bytes) => _ = DrainAsync(piece, bytes, mayTell: false);

    /// <summary>Starts to send what waits, or leaves that to the open batch of this thread.</summary>
    public void Flush()
    {
        FrameQueue.Piece first;
        lock (_lock)
            Schedule(FlushBatch.OfThread, out first);
        Drain(first);
    }

    // A message fits as long as the peer is read, whatever its size; otherwise it must fit below the bound.
    private bool Accepts(int size) =>
        !_isComplete && (_queue.Bytes <= highWaterBytes || size <= maxBytes - _queue.Bytes);

    private void AppendEach(ReadOnlySpan<byte> frames)
    {
        while (FrameHeader.TryRead(frames, out var header))
        {
            frames = frames[header.Size..];
            Append(header.Opcode, frames[..(int)header.PayloadLength]);
            frames = frames[(int)header.PayloadLength..];
        }
    }

    private void Append(Opcode opcode, ReadOnlySpan<byte> payload)
    {
        if (window is null || !window.Compresses(opcode, payload.Length))
        {
            FrameWriter.Write(_queue.Reserve(FrameWriter.FrameSize(payload.Length, Role.Server)), opcode, payload);
            return;
        }

        _windowUsed = owner.Context.Now;
        // Apart, so that what waits takes no more memory than it counts.
        var frame = ArrayPool<byte>.Shared.Rent(MessageDeflater.MaxFrameSize(payload.Length));
        var size = 0;
        try
        {
            size = window.Write(frame, opcode, payload);
            frame.AsSpan(0, size).CopyTo(_queue.Reserve(size));
        }
        finally
        {
            // Without memory for a window nothing has been written, and nothing may refer to it.
            if (size == 0)
                window.Release();
            ArrayPool<byte>.Shared.Return(frame);
        }
    }

    // This thread is the drainer, and the frame is counted.
    private void SendDirect(Opcode opcode, ReadOnlySpan<byte> payload)
    {
        try
        {
            Span<byte> header = stackalloc byte[FrameHeader.MaxSize];
            header = header[..FrameWriter.WriteHeader(header, opcode, payload.Length)];
            var sent = transport.TrySend(header, payload);
            if (sent == header.Length + payload.Length)
            {
                Drain(OnTaken(sent, mayTell: true));
                return;
            }

            var rest = Rest(header, payload, sent);
            owner.OnBytesSent(sent);
            lock (_lock)
                _queue.OnSent(sent);
            Drain(rest);
        }
        catch (Exception e)
        {
            Fail(e);
        }
    }

    private static FrameQueue.Piece Rest(ReadOnlySpan<byte> header, ReadOnlySpan<byte> payload, int sent)
    {
        var rest = FrameQueue.Piece.Rent(header.Length + payload.Length - sent);
        if (sent < header.Length)
            header[sent..].CopyTo(rest.Append(header.Length - sent));
        payload = payload[Math.Max(sent - header.Length, 0)..];
        payload.CopyTo(rest.Append(payload.Length));
        return rest;
    }

    private SendResult Refuse()
    {
        _owesDrained = !_isComplete;
        return SendResult.Dropped;
    }

    // Under the lock.
    /// <param name="batch">The open batch of this thread, if there is one.</param>
    /// <param name="first">What to send at once, if anything: outside of the lock, by <see cref="Drain"/>.</param>
    private SendResult Schedule(FlushBatch? batch, out FrameQueue.Piece first)
    {
        first = default;
        var isAbove = _queue.Bytes > highWaterBytes;
        _owesDrained |= isAbove;
        if (!_isDraining && _queue.Bytes > 0)
        {
            // Much is sent at once even inside a batch: the peer can begin to read. What another thread has
            // deferred does not wait for that thread.
            if (isAbove || batch is null)
                first = Take();
            else if (_deferredTo != batch)
                (_deferredTo = batch).Defer(this);
        }

        return isAbove ? SendResult.Backpressure : SendResult.Sent;
    }

    private void Drain(FrameQueue.Piece first, bool mayTell = true)
    {
        if (first.Length > 0)
            _ = DrainAsync(first, sent: 0, mayTell);
    }

    /// <param name="piece">What is sent first.</param>
    /// <param name="sent">How much of it has been.</param>
    /// <param name="mayTell">Whether the application may be told of room on the thread that calls this.</param>
    private async Task DrainAsync(FrameQueue.Piece piece, int sent, bool mayTell)
    {
        try
        {
            while (piece.Length > 0)
            {
                try
                {
                    if (sent < piece.Length)
                    {
                        var sending = transport.SendAsync(piece.Memory[sent..]);
                        mayTell |= !sending.IsCompleted;
                        await sending.ConfigureAwait(false);
                    }
                }
                finally
                {
                    piece.Return();
                }

                sent = 0;
                piece = OnTaken(piece.Length, mayTell);
            }
        }
        catch (Exception e)
        {
            Fail(e);
        }
    }

    private void Fail(Exception fault)
    {
        Discard();
        owner.OnSendFailed(fault);
    }

    // Under the lock.
    private FrameQueue.Piece Take()
    {
        var piece = _queue.Take();
        _isDraining = piece.Length > 0;
        return piece;
    }

    /// <returns>What to send next, if anything.</returns>
    private FrameQueue.Piece OnTaken(int bytes, bool mayTell)
    {
        FrameQueue.Piece next = default;
        owner.OnBytesSent(bytes);
        TaskCompletionSource? room = null;
        TaskCompletionSource? empty = null;
        var drained = false;
        lock (_lock)
        {
            _queue.OnSent(bytes);
            if (_queue.Bytes <= highWaterBytes / 2)
            {
                (room, _room) = (_room, null);
                drained = _owesDrained && !_isComplete;
                _owesDrained = false;
            }

            if (_queue.Bytes == 0)
                (empty, _empty) = (_empty, null);
            if (!drained)
                next = Take();
        }

        room?.TrySetResult();
        empty?.TrySetResult();
        if (!drained)
            return next;
        if (mayTell && !TickThread.IsCurrent)
            return TellDrained();
        // The timer, which has flushed what a busy handler left, or a ring, which has the others to tell: the application may
        // not hold it up.
        ThreadPool.UnsafeQueueUserWorkItem(static outbox => outbox.Drain(outbox.TellDrained()), this, preferLocal: false);
        return default;
    }

    // What is posted meanwhile is this drainer's: nothing is sent, or told, from inside the callback.
    private FrameQueue.Piece TellDrained()
    {
        owner.OnDrained();
        lock (_lock)
            return Take();
    }

    private void Discard()
    {
        TaskCompletionSource? room;
        TaskCompletionSource? empty;
        lock (_lock)
        {
            _isComplete = true;
            _isDraining = false;
            _queue.Clear();
            (room, _room) = (_room, null);
            (empty, _empty) = (_empty, null);
        }

        room?.TrySetResult();
        empty?.TrySetResult();
    }
}
