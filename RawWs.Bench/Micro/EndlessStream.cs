namespace RawWs.Bench.Micro;

/// <summary>The same bytes over and over; what is written is dropped.</summary>
internal sealed class EndlessStream(byte[] bytes) : NullStream
{
    private int _position;

    public override int Read(Span<byte> buffer)
    {
        int count = Math.Min(buffer.Length, bytes.Length - _position);
        bytes.AsSpan(_position, count).CopyTo(buffer);
        _position = _position + count == bytes.Length ? 0 : _position + count;
        return count;
    }

    public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) =>
        new(Read(buffer.Span));
}
