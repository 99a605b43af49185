namespace RawWs.Protocol.EngineIO;

/// <summary>One packet of Engine.IO version 4.</summary>
/// <param name="Type">Its kind.</param>
/// <param name="IsBinary">A message of bytes; anything else is UTF-8 text.</param>
/// <param name="Payload">What follows the type, decoded.</param>
public readonly record struct EnginePacket(EnginePacketType Type, bool IsBinary, ReadOnlyMemory<byte> Payload)
{
    private const byte Base64Mark = (byte)'b';

    /// <summary>
    /// Reads one text packet: a type digit and its data, or <c>b</c> and the base64 of a binary message.
    /// </summary>
    /// <param name="text">Valid UTF-8; the packet refers to it.</param>
    /// <param name="packet">The packet, or the default.</param>
    /// <returns>False if it is empty, of no known type, or if the base64 is malformed.</returns>
    public static bool TryReadText(ReadOnlyMemory<byte> text, out EnginePacket packet)
    {
        packet = default;
        if (text.IsEmpty)
            return false;
        var first = text.Span[0];
        if (first == Base64Mark)
        {
            var bytes = text[1..].ToArray();
            if (!StrictBase64.TryDecodeInPlace(bytes, out var length))
                return false;
            packet = new EnginePacket(EnginePacketType.Message, true, bytes.AsMemory(0, length));
            return true;
        }

        if (first is < (byte)'0' or > (byte)'6')
            return false;
        packet = new EnginePacket((EnginePacketType)(first - '0'), false, text[1..]);
        return true;
    }

    /// <summary>Reads one packet of a polling payload; base64 is decoded in place.</summary>
    internal static bool TryReadInPlace(Memory<byte> text, out EnginePacket packet)
    {
        if (text.IsEmpty || text.Span[0] != Base64Mark)
            return TryReadText(text, out packet);
        var isBase64 = StrictBase64.TryDecodeInPlace(text.Span[1..], out var length);
        packet = isBase64 ? new EnginePacket(EnginePacketType.Message, true, text.Slice(1, length)) : default;
        return isBase64;
    }
}
