using System.Buffers;

namespace RawWs.Protocol.WebSockets;

/// <summary>A pooled buffer that collects one message and grows with the bytes that have come, not with those
/// announced.</summary>
internal struct MessageBuffer(ArrayPool<byte> pool)
{
    private const int MinSize = 256;
    private const int MaxSizeBeforeBytes = 64 * 1024;

    private readonly ArrayPool<byte> _pool = pool;
    private byte[]? _bytes;

    public int Length { get; private set; }

    public readonly ReadOnlyMemory<byte> Memory => new(_bytes, 0, Length);

    public readonly Span<byte> From(int start) => _bytes.AsSpan(start, Length - start);

    /// <summary>Free space for the rest of a frame: at least one byte, at most what the frame still
    /// lacks.</summary>
    public Memory<byte> GetFree(int missing)
    {
        EnsureFree(1, missing);
        return _bytes.AsMemory(Length, Math.Min(missing, _bytes!.Length - Length));
    }

    public void Advance(int count) => Length += count;

    /// <param name="part">Received bytes of a frame.</param>
    /// <param name="missing">What the frame lacks, the part included.</param>
    public void Append(ReadOnlySpan<byte> part, int missing)
    {
        if (part.IsEmpty)
        {
            return;
        }

        EnsureFree(part.Length, missing);
        part.CopyTo(_bytes.AsSpan(Length));
        Length += part.Length;
    }

    public void Return()
    {
        Length = 0;
        if (_bytes is { } bytes)
        {
            _bytes = null;
            _pool.Return(bytes);
        }
    }

    private void EnsureFree(int count, int missing)
    {
        int capacity = _bytes is null ? 0 : _bytes.Length;
        if (capacity - Length >= count)
        {
            return;
        }

        // A frame known to be large gets four times what has come, or 64 KiB; tiny fragments only double.
        long size = Math.Max(MinSize, Math.Max((long)Length + count, 2L * Length));
        long announced = (long)Length + missing;
        size = Math.Max(size, Math.Min(announced, Math.Max(4L * (Length + count), MaxSizeBeforeBytes)));
        byte[] larger = _pool.Rent((int)Math.Min(size, Array.MaxLength));
        From(0).CopyTo(larger);
        byte[]? old = _bytes;
        _bytes = larger;
        if (old is not null)
        {
            _pool.Return(old);
        }
    }
}
