namespace RawWs.Protocol.SocketIO;

/// <summary>How large the parts of a packet may be. The size of each message is the transport's business.</summary>
public sealed record SocketPacketLimits
{
    /// <summary>The limits when nothing is said.</summary>
    public static SocketPacketLimits Default { get; } = new();

    /// <summary>How deep JSON may nest; default 128. Real data stays under 100.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Not from 1 to 65,536.</exception>
    public int MaxDepth { get; init => field = Check(value, 65_536); } = 128;

    /// <summary>Binary messages of one packet; default 10, as in the official server.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Not from 1 to 65,536.</exception>
    public int MaxAttachments { get; init => field = Check(value, 65_536); } = 10;

    /// <summary>The longest event name in bytes; default 256. Names are looked up, logged and measured.</summary>
    /// <exception cref="ArgumentOutOfRangeException">Not from 1 to 65,536.</exception>
    public int MaxNameBytes { get; init => field = Check(value, 65_536); } = 256;

    /// <summary>
    /// Bytes of a packet and its attachments together; default 10 MB. A packet that waits for the last of its
    /// attachments holds the memory of all others.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">Not positive.</exception>
    public int MaxPacketBytes { get; init => field = Check(value, int.MaxValue); } = 10_000_000;

    private static int Check(int value, int max)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(value, 1);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(value, max);
        return value;
    }
}
