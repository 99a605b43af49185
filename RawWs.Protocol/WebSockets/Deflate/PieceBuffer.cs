using System.Buffers;

namespace RawWs.Protocol.WebSockets.Deflate;

/// <summary>Collects one inflated message in pooled pieces: what is held is at most <see cref="MaxPiece"/> more than
/// has been inflated.</summary>
/// <remarks>The first piece grows to that size, and others follow it, so that a large message is not moved while it
/// grows. It is copied into one buffer at its end, when its size is known and within its limit.</remarks>
internal struct PieceBuffer(ArrayPool<byte> pool)
{
    /// <summary>The size of the largest piece.</summary>
    public const int MaxPiece = 64 * 1024;

    private const int MinPiece = 256;

    private readonly ArrayPool<byte> _pool = pool;
    private List<byte[]>? _full;
    private byte[]? _last;
    private int _lastCount;

    public int Length { get; private set; }

    /// <summary>Free space: at least one byte, and none beyond the limit.</summary>
    /// <param name="expected">About how many bytes there will be.</param>
    /// <param name="limit">The largest length of the whole message, more than there is now.</param>
    public Span<byte> GetFree(int expected, long limit)
    {
        if (_last is null || _lastCount == _last.Length)
        {
            Grow(expected);
        }

        return _last.AsSpan(_lastCount, (int)Math.Min(_last!.Length - _lastCount, limit - Length));
    }

    public void Advance(int count)
    {
        _lastCount += count;
        Length += count;
    }

    /// <summary>The bytes from a position to the end of their piece.</summary>
    public readonly Span<byte> From(int position)
    {
        int start = Length - _lastCount;
        if (position >= start)
        {
            return _last.AsSpan(position - start, Length - position);
        }

        // What is asked for was inflated just now.
        for (int i = _full!.Count - 1; ; i--)
        {
            start -= _full[i].Length;
            if (position >= start)
            {
                return _full[i].AsSpan(position - start);
            }
        }
    }

    /// <summary>The whole message in one place. Nothing can be added behind it.</summary>
    public ReadOnlyMemory<byte> Join()
    {
        if (_full is not null)
        {
            byte[] whole = _pool.Rent(Length);
            int length = Length;
            int at = 0;
            while (at < length)
            {
                Span<byte> piece = From(at);
                piece.CopyTo(whole.AsSpan(at));
                at += piece.Length;
            }

            Return();
            (_last, _lastCount, Length) = (whole, length, length);
        }

        return new ReadOnlyMemory<byte>(_last, 0, Length);
    }

    public void Return()
    {
        if (_last is not null)
        {
            _pool.Return(_last);
        }

        if (_full is not null)
        {
            foreach (byte[] piece in _full)
            {
                _pool.Return(piece);
            }
        }

        (_full, _last, _lastCount, Length) = (null, null, 0, 0);
    }

    private void Grow(int expected)
    {
        int size = Math.Clamp(Math.Max(expected, Length) + _lastCount, MinPiece, MaxPiece);
        byte[]? former = _last;
        if (former is null || former.Length >= MaxPiece)
        {
            if (former is not null)
            {
                (_full ??= []).Add(former);
            }

            (_last, _lastCount) = (_pool.Rent(size), 0);
            return;
        }

        _last = _pool.Rent(size);
        former.CopyTo(_last, 0);
        _pool.Return(former);
    }
}
