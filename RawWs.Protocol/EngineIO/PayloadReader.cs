using RawWs.Protocol.WebSockets;

namespace RawWs.Protocol.EngineIO;

/// <summary>Takes the packets of a polling payload one by one; the byte 0x1e is between them.</summary>
/// <remarks>Linear and without allocation. Base64 is decoded in place, so the body is no longer a payload afterwards.</remarks>
public struct PayloadReader
{
    /// <summary>What is between two packets.</summary>
    public const byte Separator = 0x1e;

    private Memory<byte> _rest;
    private bool _isEnded;

    /// <summary>A reader of one body.</summary>
    public PayloadReader(Memory<byte> body)
    {
        _rest = body;
        // One check for all: 0x1e is a character of its own, so a cut at it never splits another.
        IsMalformed = _isEnded = !Utf8Validator.IsValid(body.Span);
    }

    /// <summary>The payload breaks a rule; what came before that has been returned.</summary>
    public bool IsMalformed { get; private set; }

    /// <summary>Takes the next packet; it refers to the body.</summary>
    /// <returns>False at the end, or where the payload is malformed.</returns>
    public bool TryRead(out EnginePacket packet)
    {
        packet = default;
        if (_isEnded)
            return false;
        var end = _rest.Span.IndexOf(Separator);
        var item = end < 0 ? _rest : _rest[..end];
        _isEnded = end < 0;
        _rest = end < 0 ? default : _rest[(end + 1)..];
        if (EnginePacket.TryReadInPlace(item, out packet))
            return true;
        IsMalformed = _isEnded = true;
        return false;
    }
}
