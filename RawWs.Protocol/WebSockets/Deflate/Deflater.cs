namespace RawWs.Protocol.WebSockets.Deflate;

/// <summary>Compresses one message after the other into raw deflate.</summary>
internal sealed class Deflater(int windowBits, int level) : IDisposable
{
    private const int TailSize = 4;

    private readonly Zlib.Handle _stream = Zlib.Handle.ToDeflate(windowBits, level);

    public int WindowBits { get; } = windowBits;

    /// <summary>Space in which any payload of this size can be compressed.</summary>
    // RFC 1951 §3.2.6: where even the fixed code is the best, a byte takes at most 9 bits. The rest is for
    // the headers of blocks and the flush at the end.
    public static int MaxSize(int length) => checked(length + (length / 8) + 64);

    /// <summary>Compresses a message that is not empty.</summary>
    /// <param name="payload">The message.</param>
    /// <param name="destination">At least <see cref="MaxSize"/>.</param>
    /// <param name="keepWindow">Whether the next message may refer to this one.</param>
    /// <returns>The compressed size, which may be larger than the message.</returns>
    public int Deflate(ReadOnlySpan<byte> payload, Span<byte> destination, bool keepWindow)
    {
        // A full flush writes what a sync flush does, and forgets the window.
        Zlib.Flush flush = keepWindow ? Zlib.Flush.Sync : Zlib.Flush.Full;
        Zlib.Result result = _stream.Run(flush, payload, destination, out int consumed, out int produced);
        if (result != Zlib.Result.Ok || consumed != payload.Length || produced == destination.Length)
        {
            throw new InvalidOperationException("zlib did not compress a message at once.");
        }

        // RFC 7692 §7.2.1: "Remove 4 octets (that are 0x00 0x00 0xff 0xff) from the tail end."
        return produced - TailSize;
    }

    public void Dispose() => _stream.Dispose();
}
