using System.Buffers;
using RawWs.Protocol.WebSockets;
using RawWs.Protocol.WebSockets.Deflate;

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
internal sealed partial class Outbox(
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
            isDirect = size > highWaterBytes && _queue.Bytes == 0 && !_isDraining && window is null;
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
}
