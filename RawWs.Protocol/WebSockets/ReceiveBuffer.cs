using System.Buffers;
using System.Numerics;

namespace RawWs.Protocol.WebSockets;

/// <summary>The pooled buffer that a connection is received into: unread bytes, then free space.</summary>
internal struct ReceiveBuffer(ArrayPool<byte> pool, int initialSize)
{
    private const int MaxSize = 64 * 1024;

    private readonly ArrayPool<byte> _pool = pool;
    private readonly int _initialSize = (int)BitOperations.RoundUpToPowerOf2((uint)initialSize);
    private int _size = (int)BitOperations.RoundUpToPowerOf2((uint)initialSize);
    private byte[]? _bytes;
    private int _start;
    private int _end;

    public readonly bool IsRented => _bytes is not null;

    public readonly int Capacity => _bytes is null ? 0 : _bytes.Length;

    public readonly int UnreadCount => _end - _start;

    public readonly Span<byte> Unread => _bytes.AsSpan(_start, _end - _start);

    public readonly ReadOnlyMemory<byte> UnreadMemory(int count) => new(_bytes, _start, count);

    public void Consume(int count) => _start += count;

    public void Discard() => _start = _end = 0;

    /// <summary>The free space, never empty.</summary>
    public Memory<byte> GetFree()
    {
        if (_bytes is null)
        {
            _bytes = _pool.Rent(_size);
        }
        else
        {
            MakeRoom(_bytes);
        }

        return _bytes.AsMemory(_end);
    }

    /// <summary>Takes note of received bytes, and of whether the next buffer should be larger or
    /// smaller.</summary>
    public void Advance(int count)
    {
        bool isFull = _end + count == Capacity;
        _end += count;
        if (isFull && _size < MaxSize && _size <= Capacity)
        {
            _size *= 2;
        }
        else if (UnreadCount < _size / 8 && _size > _initialSize)
        {
            _size /= 2;
        }
    }

    public void Return()
    {
        if (_bytes is { } bytes)
        {
            _bytes = null;
            Discard();
            _pool.Return(bytes);
        }
    }

    // Moves are amortised: what is moved is at most what was read before it, or one frame that then fits.
    private void MakeRoom(byte[] bytes)
    {
        int unread = UnreadCount;
        if (unread == 0)
        {
            Discard();
        }

        int free = bytes.Length - _end;
        bool isWorthMoving = unread <= _start && free < bytes.Length / 2;
        if (free != 0 && !isWorthMoving && (unread != 0 || _size <= bytes.Length))
        {
            return;
        }

        if (_size > bytes.Length || unread == bytes.Length)
        {
            MoveTo(_pool.Rent(Math.Max(_size, checked(unread * 2))));
        }
        else
        {
            Buffer.BlockCopy(bytes, _start, bytes, 0, unread);
            (_start, _end) = (0, unread);
        }
    }

    private void MoveTo(byte[] larger)
    {
        byte[] bytes = _bytes!;
        int unread = UnreadCount;
        Buffer.BlockCopy(bytes, _start, larger, 0, unread);
        (_bytes, _start, _end) = (larger, 0, unread);
        _pool.Return(bytes);
    }
}
