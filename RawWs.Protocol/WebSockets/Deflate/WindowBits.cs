namespace RawWs.Protocol.WebSockets.Deflate;

/// <summary>The size of a sliding window as a power of two (RFC 7692 §7.1.2).</summary>
internal static class WindowBits
{
    public const int Max = 15;

    // RFC 7692 §7.1.2 allows 8 too, but zlib cannot compress within such a window.
    public const int Min = 9;
    public const int MinOnWire = 8;

    public static int Checked(int bits)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(bits, Min);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(bits, Max);
        return bits;
    }
}
