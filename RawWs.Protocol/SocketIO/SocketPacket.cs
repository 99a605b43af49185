namespace RawWs.Protocol.SocketIO;

/// <summary>One packet of Socket.IO version 5, its content as the bytes that came in.</summary>
/// <remarks>It refers to the text it was read from and is as short-lived.</remarks>
public readonly record struct SocketPacket
{
    /// <summary>The largest ack id: the largest integer that every JSON library keeps exactly, 2^53 − 1.</summary>
    public const long MaxAckId = (1L << 53) - 1;

    /// <summary>The kind.</summary>
    public SocketPacketType Type { get; init; }

    /// <summary>The namespace in UTF-8, with its slash; <c>/</c> if the packet names none.</summary>
    public ReadOnlyMemory<byte> Namespace { get; init; }

    /// <summary>The id under which an event wants its answer, or which an answer is for; null if there is none.</summary>
    public long? AckId { get; init; }

    /// <summary>Binary messages that follow the packet.</summary>
    public int AttachmentCount { get; init; }

    /// <summary>
    /// The name of an event in UTF-8, JSON's escapes undone; of a name that is a number its text. Empty without payload.
    /// </summary>
    public ReadOnlyMemory<byte> Name { get; init; }

    /// <summary>
    /// The arguments as JSON values with commas between them; of a CONNECT the credentials, an object. Empty for none.
    /// </summary>
    public ReadOnlyMemory<byte> Values { get; init; }

    /// <summary>The number of values.</summary>
    public int Count { get; init; }
}
