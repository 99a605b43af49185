namespace RawWs.Protocol.WebSockets.Deflate;

/// <summary>Decompresses raw deflate message by message, each in parts that may end anywhere.</summary>
/// <remarks>A block with BFINAL ends a deflate stream (RFC 1951 §3.2.3); what follows is a new one, with an
/// empty window.</remarks>
internal sealed class Inflater(int windowBits) : IDisposable
{
    // How much more than the input the output is expected to be, which only sizes its buffer.
    private const int ExpectedRatio = 4;

    private readonly Zlib.Handle _stream = Zlib.Handle.ToInflate(windowBits);
    private bool _isAtStart = true;

    /// <summary>Inflates the next part of a message.</summary>
    /// <returns><see cref="ProtocolError.MessageTooBig"/> before the output is longer than the limit, or
    /// <see cref="ProtocolError.InvalidDeflate"/>. What was inflated before is in the output.</returns>
    public ProtocolError Inflate(ReadOnlySpan<byte> part, ref PieceBuffer output, long limit)
    {
        Span<byte> probe = stackalloc byte[1];
        bool hasMore = false;
        while (!part.IsEmpty || hasMore)
        {
            // At the limit a single byte tells whether there is more.
            bool isAtLimit = output.Length == limit;
            Span<byte> free = isAtLimit ? probe : output.GetFree(Expected(part.Length), limit);
            Zlib.Result result = _stream.Run(Zlib.Flush.Sync, part, free, out int consumed, out int produced);
            if (isAtLimit && produced != 0)
            {
                return ProtocolError.MessageTooBig;
            }

            output.Advance(produced);
            part = part[consumed..];
            hasMore = produced == free.Length && result == Zlib.Result.Ok;
            _isAtStart = result == Zlib.Result.StreamEnd;
            if (result == Zlib.Result.StreamEnd)
            {
                _stream.Reset();
            }
            else if (result == Zlib.Result.DataError)
            {
                return ProtocolError.InvalidDeflate;
            }
        }

        return ProtocolError.None;
    }

    /// <summary>Ends a message.</summary>
    /// <returns><see cref="ProtocolError.InvalidDeflate"/> if it ends inside a block.</returns>
    public ProtocolError Finish()
    {
        // A payload without a byte, and one whose last byte ends a stream, lack the empty block that should
        // end them (RFC 7692 §7.2.1), but nothing is missing.
        if (_isAtStart)
        {
            return ProtocolError.None;
        }

        // RFC 7692 §7.2.2: "Append 4 octets of 0x00 0x00 0xff 0xff to the tail end". They end a block, so
        // zlib must stop right behind them: it takes the fifth only where the message ended inside a block.
        ReadOnlySpan<byte> tail = [0x00, 0x00, 0xFF, 0xFF, 0x00];
        Span<byte> probe = stackalloc byte[1];
        Zlib.Result result = _stream.Run(Zlib.Flush.Block, tail, probe, out int consumed, out int produced);
        _isAtStart = true;
        return result == Zlib.Result.Ok && consumed == tail.Length - 1 && produced == 0
            ? ProtocolError.None
            : ProtocolError.InvalidDeflate;
    }

    /// <summary>Forgets the window and what is unfinished, so that the next message may be
    /// anyone's.</summary>
    public void Reset()
    {
        _stream.Reset();
        _isAtStart = true;
    }

    public void Dispose() => _stream.Dispose();

    private static int Expected(int input) => (int)Math.Min((long)input * ExpectedRatio, int.MaxValue);
}
