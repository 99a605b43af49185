namespace RawWs.Protocol.WebSockets;

/// <summary>Writes frames into memory that the caller owns.</summary>
public static class FrameWriter
{
    /// <summary>The size of a close frame's longest form in bytes.</summary>
    public const int MaxCloseFrameSize = 2 + 4 + ClosePayload.MaxSize;

    /// <summary>The size in bytes of a frame with this payload, header included.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The length is negative.</exception>
    /// <exception cref="OverflowException">The frame is larger than 2 GiB.</exception>
    public static int FrameSize(int payloadLength, Role role)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(payloadLength);
        int header = payloadLength < 126 ? 2 : payloadLength <= ushort.MaxValue ? 4 : 10;
        return checked(payloadLength + header + (role == Role.Client ? sizeof(uint) : 0));
    }

    /// <summary>Writes a server's frame.</summary>
    /// <returns>The size of the frame.</returns>
    /// <exception cref="ArgumentException">The frame does not fit, or breaks a rule for control
    /// frames.</exception>
    public static int Write(
        Span<byte> destination, Opcode opcode, ReadOnlySpan<byte> payload, bool fin = true)
    {
        int size = WriteHeader(destination, opcode, payload.Length, fin);
        CopyPayload(payload, destination[size..]);
        return size + payload.Length;
    }

    /// <summary>Writes a client's frame.</summary>
    /// <param name="destination">Where the frame goes; must not overlap the payload.</param>
    /// <param name="opcode">The kind of the frame.</param>
    /// <param name="payload">The payload, unmasked; it is left as it is.</param>
    /// <param name="maskingKey">The key, new and unpredictable for each frame (§5.3): its four bytes, read as
    /// a little-endian number.</param>
    /// <param name="fin">Whether this is the last frame of its message.</param>
    /// <returns>The size of the frame.</returns>
    /// <exception cref="ArgumentException">The frame does not fit, or breaks a rule for control
    /// frames.</exception>
    public static int WriteMasked(
        Span<byte> destination, Opcode opcode, ReadOnlySpan<byte> payload, uint maskingKey, bool fin = true)
    {
        CheckControl(opcode, payload.Length, fin);
        int size = new FrameHeader(opcode, payload.Length, fin, 0, maskingKey).Write(destination);
        Span<byte> masked = destination[size..];
        CopyPayload(payload, masked);
        Mask.Apply(masked[..payload.Length], maskingKey, 0);
        return size + payload.Length;
    }

    /// <summary>Writes the header of a server's frame; the payload follows it on the wire.</summary>
    /// <returns>The size of the header.</returns>
    /// <exception cref="ArgumentException">The header does not fit, or breaks a rule for control
    /// frames.</exception>
    public static int WriteHeader(Span<byte> destination, Opcode opcode, long payloadLength, bool fin = true)
    {
        CheckControl(opcode, payloadLength, fin);
        return new FrameHeader(opcode, payloadLength, fin).Write(destination);
    }

    /// <summary>Writes a close frame; a reason over 123 bytes is cut between two characters.</summary>
    /// <param name="destination">Where the frame goes; <see cref="MaxCloseFrameSize"/> bytes always
    /// suffice.</param>
    /// <param name="code">A code valid on the wire, or <see cref="CloseCode.NoStatusReceived"/> for an empty
    /// frame.</param>
    /// <param name="reason">The reason; empty if there is no code.</param>
    /// <param name="maskingKey">A client's key as in <see cref="WriteMasked"/>; null for a server.</param>
    /// <returns>The size of the frame.</returns>
    /// <exception cref="ArgumentException">The frame does not fit, the code must not be on the wire, or a
    /// reason is given without a code.</exception>
    public static int WriteClose(
        Span<byte> destination, CloseCode code, string reason = "", uint? maskingKey = null)
    {
        CheckClose(code, reason);
        Span<byte> payload = stackalloc byte[ClosePayload.MaxSize];
        int length = code == CloseCode.NoStatusReceived ? 0 : ClosePayload.Write(payload, code, reason);
        return maskingKey is uint key
            ? WriteMasked(destination, Opcode.Close, payload[..length], key)
            : Write(destination, Opcode.Close, payload[..length]);
    }

    internal static void CheckClose(CloseCode code, string reason)
    {
        ArgumentNullException.ThrowIfNull(reason);
        bool isValid = code == CloseCode.NoStatusReceived
            ? reason.Length == 0
            : ClosePayload.IsValidOnWire((ushort)code);
        if (!isValid)
        {
            throw new ArgumentException(
                $"A close frame cannot carry code {(ushort)code} and reason '{reason}'.", nameof(code));
        }
    }

    // RFC 6455 §5.5: "All control frames MUST have a payload length of 125 bytes or less and MUST NOT be
    // fragmented."
    private static void CheckControl(Opcode opcode, long payloadLength, bool fin)
    {
        if (opcode >= Opcode.Close && (!fin || payloadLength > FrameHeader.MaxControlPayload))
        {
            throw new ArgumentException("A control frame is whole, of at most 125 bytes.", nameof(opcode));
        }
    }

    private static void CopyPayload(ReadOnlySpan<byte> payload, Span<byte> destination)
    {
        if (!payload.TryCopyTo(destination))
        {
            throw new ArgumentException("The frame does not fit.", nameof(destination));
        }
    }
}
