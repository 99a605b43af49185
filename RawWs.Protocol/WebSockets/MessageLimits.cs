namespace RawWs.Protocol.WebSockets;

/// <summary>How much a peer may send in one message, and how much memory reading starts with.</summary>
public sealed record MessageLimits
{
    /// <summary>The largest message in bytes, over all its fragments; 1 MiB. More costs memory per
    /// connection, which a peer fills at will; a larger message is answered with 1009 as soon as its header
    /// is there.</summary>
    public long MaxMessageBytes { get; init; } = 1024 * 1024;

    /// <summary>The largest number of frames in one message, empty ones counted; 131,072. It bounds the work
    /// that a message can cause without growing; more are answered with 1008.</summary>
    public int MaxFragments { get; init; } = 131_072;

    /// <summary>The size of a receive buffer in bytes, at least 256; 4096. It is doubled up to 64 KiB while
    /// reads fill it. A smaller one saves memory per active connection, a larger one system calls.</summary>
    public int ReceiveBufferBytes { get; init; } = 4096;
}
