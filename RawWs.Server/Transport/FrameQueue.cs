using System.Buffers;

namespace RawWs.Server.Transport;

/// <summary>Frames one behind the other, in pieces of which each is sent in one go.</summary>
/// <remarks>
/// The owner bounds it, by <see cref="Bytes"/> and <see cref="ServerOptions.MaxOutboxBytes"/>; every piece has some. Not safe
/// for use by several threads at a time.
/// </remarks>
internal struct FrameQueue
{
    private const int ChunkBytes = 4096;
    private const int LargeChunkBytes = 64 * 1024;

    // Frames of at least this size are sent from the array they are in; smaller ones are cheaper to copy together.
    private const int ShareBytes = 8 * 1024;

    private Queue<Piece>? _full;
    private Piece _tail;
    private bool _endsShared;
    private int _bytes;

    /// <summary>Bytes that are queued, or were taken and are being sent; this alone may be read from any thread.</summary>
    public readonly int Bytes => Volatile.Read(in _bytes);

    /// <summary>Room for frames that the caller writes at once.</summary>
    public Span<byte> Reserve(int size)
    {
        if (_tail.Room < size)
        {
            // A small frame that did not stay alone is sent together with what follows it.
            ReadOnlyMemory<byte> before = default;
            if (_tail.IsShared && _tail.Length < ShareBytes)
            {
                before = _tail.Memory;
            }
            else
            {
                _endsShared |= _tail.IsShared;
                SealTail();
            }

            // Behind a shared frame little may follow before the next: a large chunk would stay almost empty.
            var chunk = _bytes < ChunkBytes || _endsShared ? ChunkBytes : LargeChunkBytes;
            _endsShared = false;
            _tail = Piece.Rent(Math.Max(before.Length + size, chunk));
            before.Span.CopyTo(_tail.Append(before.Length));
        }

        _bytes += size;
        return _tail.Append(size);
    }

    /// <summary>Appends frames that nobody will write to again.</summary>
    /// <param name="frames">The frames.</param>
    /// <param name="run">Puts frames together that go to many; null if nobody else gets them now.</param>
    public void Append(ReadOnlyMemory<byte> frames, SharedRun? run)
    {
        if (_tail.Length == 0)
        {
            // Most often nothing follows before it is sent: a broadcast then costs no buffer per receiver.
            _tail = Piece.Shared(frames);
        }
        else if (frames.Length >= ShareBytes)
        {
            SealTail();
            (_full ??= new Queue<Piece>()).Enqueue(Piece.Shared(frames));
            _endsShared = true;
        }
        else if (_tail.IsShared && _tail.Length < ShareBytes && run is not null && run.TryJoin(_tail.Memory, frames, out var joined))
        {
            _tail = Piece.Shared(joined);
        }
        else
        {
            frames.Span.CopyTo(Reserve(frames.Length));
            return;
        }

        _bytes += frames.Length;
    }

    /// <summary>Counts bytes that are sent without ever being queued, until <see cref="OnSent"/>.</summary>
    public void Count(int bytes) => _bytes += bytes;

    /// <summary>Takes the first piece: it counts until <see cref="OnSent"/>.</summary>
    /// <returns>An empty piece if nothing is queued.</returns>
    public Piece Take()
    {
        if (_full is not null && _full.TryDequeue(out var piece))
            return piece;
        piece = _tail;
        _tail = default;
        if (piece.Length == 0)
            _full = null;
        return piece;
    }

    public void OnSent(int bytes) => _bytes -= bytes;

    /// <summary>Throws away what is queued, and forgets what was taken.</summary>
    public void Clear()
    {
        while (_full is not null && _full.TryDequeue(out var piece))
            piece.Return();
        _tail.Return();
        this = default;
    }

    private void SealTail()
    {
        if (_tail.Length > 0)
            (_full ??= new Queue<Piece>()).Enqueue(_tail);
        _tail = default;
    }

    /// <summary>Bytes to send: a pooled array that is being filled, or shared memory of a caller.</summary>
    public struct Piece
    {
        private byte[]? _pooled;
        private ReadOnlyMemory<byte> _shared;

        public int Length { get; private set; }

        public readonly bool IsShared => _pooled is null && Length > 0;

        public readonly int Room => _pooled is null ? 0 : _pooled.Length - Length;

        public readonly ReadOnlyMemory<byte> Memory => _pooled is null ? _shared : _pooled.AsMemory(0, Length);

        public static Piece Rent(int size) => new() { _pooled = ArrayPool<byte>.Shared.Rent(size) };

        public static Piece Shared(ReadOnlyMemory<byte> bytes) => new() { _shared = bytes, Length = bytes.Length };

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
