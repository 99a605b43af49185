using System.Buffers;
using RawWs.Protocol.WebSockets;

namespace RawWs.Server.Transport;

/// <summary>
/// The frames that wait for one peer: bounded in bytes, written by one drainer that sends what has gathered in one go.
/// </summary>
/// <remarks>
/// Every member may be called from any thread. Frames are sent in the order in which they were posted. An outbox with
/// nothing to send holds no buffer and no task.
/// </remarks>
internal sealed class Outbox(ByteTransport transport, WebSocketConnection owner, int maxBytes, int highWaterBytes)
    : IDeferredFlush
{
    private const int ChunkBytes = 4096;
    private const int LargeChunkBytes = 64 * 1024;

    // Frames of at least this size are sent from the array they are in; smaller ones are cheaper to copy together.
    private const int ShareBytes = 8 * 1024;

    private readonly Lock _lock = new();
    private Queue<Segment>? _full;
    private Segment _tail;
    private int _pending;
    private bool _isDraining;
    private FlushBatch? _deferredTo;
    private bool _isComplete;
    private bool _owesDrained;
    private bool _endsShared;
    private TaskCompletionSource? _room;
    private TaskCompletionSource? _empty;

    /// <summary>Bytes posted and not yet taken by the transport.</summary>
    public int PendingBytes => Volatile.Read(ref _pending);

    /// <summary>Whether more waits than the high-water mark.</summary>
    public bool IsAboveHighWater => PendingBytes > highWaterBytes;

    /// <summary>Posts one unfragmented frame.</summary>
    public SendResult Post(Opcode opcode, ReadOnlySpan<byte> payload)
    {
        SendResult result;
        Segment first;
        lock (_lock)
        {
            var size = FrameWriter.FrameSize(payload.Length, Role.Server);
            if (!Accepts(size))
                return Refuse();
            FrameWriter.Write(Reserve(size), opcode, payload);
            result = Schedule(out first);
        }

        Drain(first);
        return result;
    }

    /// <summary>Posts whole frames that nobody will write to again.</summary>
    public SendResult PostFrames(ReadOnlyMemory<byte> frames)
    {
        SendResult result;
        Segment first;
        lock (_lock)
        {
            if (!Accepts(frames.Length))
                return Refuse();
            if (_pending == 0)
                // Most often nothing follows before it is sent: a broadcast then costs no buffer per receiver.
                ShareAlone(frames);
            else if (frames.Length >= ShareBytes)
                Share(frames);
            else
                frames.Span.CopyTo(Reserve(frames.Length));
            result = Schedule(out first);
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
            frame[..length].CopyTo(Reserve(length));
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
            if (_pending == 0)
                return Task.CompletedTask;
            _empty ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            return _empty.Task;
        }
    }

    /// <summary>Completes when the peer has taken enough, or the transport has failed.</summary>
    public Task WaitForRoomAsync()
    {
        lock (_lock)
        {
            if (_pending <= highWaterBytes / 2)
                return Task.CompletedTask;
            _room ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            return _room.Task;
        }
    }

    /// <summary>Flushes what a <see cref="FlushBatch"/> has held back.</summary>
    public void FlushDeferred()
    {
        Segment first;
        lock (_lock)
        {
            _deferredTo = null;
            if (_isDraining || _pending == 0)
                return;
            first = BeginDraining();
        }

        Drain(first);
    }

    /// <summary>Starts to send what waits, or leaves that to the open batch of this thread.</summary>
    public void Flush()
    {
        Segment first;
        lock (_lock)
            Schedule(out first);
        Drain(first);
    }

    // A message fits as long as the peer is read, whatever its size; otherwise it must fit below the bound.
    private bool Accepts(int size) =>
        !_isComplete && (_pending <= highWaterBytes || size <= maxBytes - _pending);

    private SendResult Refuse()
    {
        _owesDrained = !_isComplete;
        return SendResult.Dropped;
    }

    private Span<byte> Reserve(int size)
    {
        if (_tail.Room < size)
        {
            // A small frame that did not stay alone is sent together with what follows it.
            ReadOnlyMemory<byte> before = default;
            if (_tail.IsShared && _tail.Length < ShareBytes)
            {
                before = _tail.Bytes;
            }
            else
            {
                _endsShared |= _tail.IsShared;
                SealTail();
            }

            // Behind a shared frame little may follow before the next: a large chunk would stay almost empty.
            var chunk = _pending < ChunkBytes || _endsShared ? ChunkBytes : LargeChunkBytes;
            _endsShared = false;
            _tail = Segment.Rent(Math.Max(before.Length + size, chunk));
            before.Span.CopyTo(_tail.Append(before.Length));
        }

        _pending += size;
        return _tail.Append(size);
    }

    private void ShareAlone(ReadOnlyMemory<byte> frames)
    {
        _tail = Segment.Shared(frames);
        _pending = frames.Length;
    }

    private void Share(ReadOnlyMemory<byte> frames)
    {
        SealTail();
        (_full ??= new Queue<Segment>()).Enqueue(Segment.Shared(frames));
        _endsShared = true;
        _pending += frames.Length;
    }

    private void SealTail()
    {
        if (_tail.Length > 0)
            (_full ??= new Queue<Segment>()).Enqueue(_tail);
        _tail = default;
    }

    // Under the lock.
    /// <param name="first">What to send at once, if anything: outside of the lock, by <see cref="Drain"/>.</param>
    private SendResult Schedule(out Segment first)
    {
        first = default;
        var isAbove = _pending > highWaterBytes;
        _owesDrained |= isAbove;
        if (!_isDraining && _pending > 0)
        {
            // Much is sent at once even inside a batch: the peer can begin to read. What another thread has
            // deferred does not wait for that thread.
            var batch = FlushBatch.OfThread;
            if (isAbove || batch is null)
                first = BeginDraining();
            else if (_deferredTo != batch)
                (_deferredTo = batch).Defer(this);
        }

        return isAbove ? SendResult.Backpressure : SendResult.Sent;
    }

    // Under the lock.
    private Segment BeginDraining()
    {
        _isDraining = true;
        return Take();
    }

    private void Drain(Segment first)
    {
        if (first.Length > 0)
            _ = DrainAsync(first);
    }

    private async Task DrainAsync(Segment segment)
    {
        try
        {
            while (segment.Length > 0)
            {
                try
                {
                    await transport.SendAsync(segment.Bytes).ConfigureAwait(false);
                }
                finally
                {
                    segment.Return();
                }

                segment = OnTaken(segment.Length);
            }
        }
        catch (Exception e)
        {
            Discard();
            owner.OnSendFailed(e);
        }
    }

    // Under the lock.
    private Segment Take()
    {
        if (_full is not null && _full.TryDequeue(out var segment))
            return segment;
        segment = _tail;
        _tail = default;
        if (segment.Length == 0)
        {
            _full = null;
            _isDraining = false;
        }

        return segment;
    }

    /// <returns>What to send next, if anything.</returns>
    private Segment OnTaken(int bytes)
    {
        Segment next = default;
        owner.OnBytesSent(bytes);
        TaskCompletionSource? room = null;
        TaskCompletionSource? empty = null;
        var drained = false;
        lock (_lock)
        {
            _pending -= bytes;
            if (_pending <= highWaterBytes / 2)
            {
                (room, _room) = (_room, null);
                drained = _owesDrained && !_isComplete;
                _owesDrained = false;
            }

            if (_pending == 0)
                (empty, _empty) = (_empty, null);
            if (!drained)
                next = Take();
        }

        room?.TrySetResult();
        empty?.TrySetResult();
        if (!drained)
            return next;
        // What is posted meanwhile is this drainer's: nothing is sent, or told, from inside the callback.
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
            while (_full is not null && _full.TryDequeue(out var segment))
                segment.Return();
            _tail.Return();
            _tail = default;
            _pending = 0;
            (room, _room) = (_room, null);
            (empty, _empty) = (_empty, null);
        }

        room?.TrySetResult();
        empty?.TrySetResult();
    }

    /// <summary>Bytes to send: a pooled array that is being filled, or shared memory of a caller.</summary>
    private struct Segment
    {
        private byte[]? _pooled;
        private ReadOnlyMemory<byte> _shared;

        public int Length { get; private set; }

        public readonly bool IsShared => _pooled is null && Length > 0;

        public readonly int Room => _pooled is null ? 0 : _pooled.Length - Length;

        public readonly ReadOnlyMemory<byte> Bytes => _pooled is null ? _shared : _pooled.AsMemory(0, Length);

        public static Segment Rent(int size) => new() { _pooled = ArrayPool<byte>.Shared.Rent(size) };

        public static Segment Shared(ReadOnlyMemory<byte> bytes) => new() { _shared = bytes, Length = bytes.Length };

        public Span<byte> Append(int size)
        {
            var span = _pooled.AsSpan(Length, size);
            Length += size;
            return span;
        }

        public readonly void Return()
        {
            if (_pooled is not null)
                ArrayPool<byte>.Shared.Return(_pooled);
        }
    }
}
