namespace RawWs.Protocol.Envelope;

/// <summary>One decoded envelope.</summary>
/// <remarks>
/// Its memory is a slice of the message wherever that is possible, and valid as long as the message is. Only a text
/// with JSON escapes is decoded into an array of its own.
/// </remarks>
public readonly struct EnvelopePacket
{
    /// <summary>The largest number of an acknowledgement, 2^53−1: the largest integer that JavaScript keeps exact.</summary>
    public const long MaxId = (1L << 53) - 1;

    /// <summary>What the envelope is.</summary>
    public EnvelopeKind Kind { get; init; }

    /// <summary>The event name in UTF-8, without escapes; empty if this is no event.</summary>
    public ReadOnlyMemory<byte> Name { get; init; }

    /// <summary>
    /// Of an event: the number under which it wants an acknowledgement, or null if it wants none.
    /// Of an acknowledgement: the number that it answers.
    /// </summary>
    public long? Id { get; init; }

    /// <summary>
    /// The JSON values as they stood on the wire, separated by commas and perhaps whitespace: the value of
    /// <c>data</c>, or the inside of the array <c>args</c>.
    /// </summary>
    public ReadOnlyMemory<byte> Values { get; init; }

    /// <summary>The number of JSON values in <see cref="Values"/>.</summary>
    public int Count { get; init; }

    /// <summary>Of a refusal: its code in UTF-8, without escapes.</summary>
    public ReadOnlyMemory<byte> ErrorCode { get; init; }

    /// <summary>Of a refusal: its message in UTF-8, without escapes.</summary>
    public ReadOnlyMemory<byte> ErrorMessage { get; init; }
}
