namespace RawWs.Protocol.WebSockets.Deflate;

/// <summary>What this end wants of permessage-deflate: memory, time and compression against each
/// other.</summary>
public sealed record DeflateOptions
{
    /// <summary>Whether the server forgets each message that it has compressed; true. A server that does not
    /// compresses alike messages better, but keeps up to 292 KiB per connection, and cannot compress a
    /// broadcast once for all.</summary>
    public bool ServerNoContextTakeover { get; init; } = true;

    /// <summary>Whether the client shall forget each message that it has compressed; true. If it does not,
    /// the server must keep its window, 13 to 35 KiB per connection.</summary>
    public bool ClientNoContextTakeover { get; init; } = true;

    /// <summary>The size of the server's window as a power of two, 9 to 15; 15. A deflater takes from 134 to
    /// 292 KiB.</summary>
    /// <exception cref="ArgumentOutOfRangeException"/>
    public int ServerMaxWindowBits { get; init => field = WindowBits.Checked(value); } = WindowBits.Max;

    /// <summary>The size of the client's window as a power of two, 9 to 15; 15. A server can ask for less
    /// only if the client knows the parameter.</summary>
    /// <exception cref="ArgumentOutOfRangeException"/>
    public int ClientMaxWindowBits { get; init => field = WindowBits.Checked(value); } = WindowBits.Max;

    /// <summary>How hard to compress, 1 (fast) to 9 (small); 2. Large text gets about a tenth smaller with 6,
    /// zlib's own default, and takes five times as long.</summary>
    /// <exception cref="ArgumentOutOfRangeException"/>
    public int Level
    {
        get;
        init
        {
            ArgumentOutOfRangeException.ThrowIfLessThan(value, 1);
            ArgumentOutOfRangeException.ThrowIfGreaterThan(value, 9);
            field = value;
        }
    } = 2;

    /// <summary>Messages of fewer bytes are sent as they are; 64. Small ones gain little for their
    /// time.</summary>
    public int MinMessageBytes { get; init; } = 64;

    /// <summary>How many deflaters of each window size and how many inflaters are kept for the next message;
    /// the number of processors. More than work at a time are of no use.</summary>
    /// <exception cref="ArgumentOutOfRangeException"/>
    public int MaxPooled
    {
        get;
        init
        {
            ArgumentOutOfRangeException.ThrowIfNegative(value);
            field = value;
        }
    } = Environment.ProcessorCount;
}
