using System.Buffers;
using System.Buffers.Binary;
using System.Text;
using System.Text.Unicode;

namespace RawWs.Protocol.WebSockets;

/// <summary>The payload of a close frame: nothing, or a code and a reason (RFC 6455 §5.5.1).</summary>
/// <param name="code">The code; <see cref="CloseCode.NoStatusReceived"/> for an empty payload.</param>
/// <param name="reason">The reason, at most 123 bytes in UTF-8.</param>
public readonly struct ClosePayload(CloseCode code, string reason = "")
{
    /// <summary>The longest payload in bytes.</summary>
    public const int MaxSize = FrameHeader.MaxControlPayload;

    /// <summary>The longest reason in UTF-8 bytes.</summary>
    public const int MaxReasonBytes = MaxSize - CodeSize;

    private const int CodeSize = 2;

    /// <summary>The code; <see cref="CloseCode.NoStatusReceived"/> if the payload is empty
    /// (§7.1.5).</summary>
    public CloseCode Code { get; } = code;

    /// <summary>The reason, often empty; for people, not for programs (§7.1.6).</summary>
    public string Reason => reason ?? "";

    /// <summary>Reads and checks a whole, unmasked payload.</summary>
    /// <returns><see cref="ProtocolError.None"/>, or the rule that is broken.</returns>
    public static ProtocolError TryRead(ReadOnlySpan<byte> payload, out ClosePayload close)
    {
        close = new ClosePayload(CloseCode.NoStatusReceived);
        ProtocolError error = Check(payload, isWhole: true);
        if (error == ProtocolError.None && !payload.IsEmpty)
        {
            var code = (CloseCode)BinaryPrimitives.ReadUInt16BigEndian(payload);
            close = new ClosePayload(code, Encoding.UTF8.GetString(payload[CodeSize..]));
        }

        return error;
    }

    /// <summary>Whether a code may be in a close frame: 1000–1003, 1007–1014, 3000–4999 (§7.4).</summary>
    public static bool IsValidOnWire(ushort code) =>
        code is (>= 1000 and <= 1003) or (>= 1007 and <= 1014) or (>= 3000 and <= 4999);

    /// <summary>Writes a payload with a code; a reason over 123 bytes is cut between two
    /// characters.</summary>
    /// <param name="destination">At least as long as the result; 125 bytes always suffice.</param>
    /// <param name="code">A code that is valid on the wire.</param>
    /// <param name="reason">Any text; a lone surrogate becomes U+FFFD.</param>
    /// <returns>How many bytes were written, 2 to 125.</returns>
    /// <exception cref="ArgumentException">The code must not be on the wire, or the destination is too
    /// short.</exception>
    public static int Write(Span<byte> destination, CloseCode code, ReadOnlySpan<char> reason)
    {
        if (!IsValidOnWire((ushort)code))
        {
            throw new ArgumentException($"Close code {(ushort)code} must not be on the wire.", nameof(code));
        }

        Span<byte> field = destination.Length > MaxSize ? destination[..MaxSize] : destination;
        OperationStatus status = OperationStatus.DestinationTooSmall;
        int written = 0;
        if (field.Length >= CodeSize)
        {
            BinaryPrimitives.WriteUInt16BigEndian(field, (ushort)code);
            status = Utf8.FromUtf16(reason, field[CodeSize..], out _, out written);
        }

        return status == OperationStatus.DestinationTooSmall && destination.Length < MaxSize
            ? throw new ArgumentException("The close payload does not fit.", nameof(destination))
            : CodeSize + written;
    }

    // Also for a payload of which only a part has come.
    internal static ProtocolError Check(ReadOnlySpan<byte> payload, bool isWhole)
    {
        if (payload.Length < CodeSize)
        {
            // RFC 6455 §5.5.1: "If there is a body, the first two bytes of the body MUST be a 2-byte unsigned
            // integer".
            return isWhole && payload.Length == 1 ? ProtocolError.ClosePayloadTooShort : ProtocolError.None;
        }

        if (!IsValidOnWire(BinaryPrimitives.ReadUInt16BigEndian(payload)))
        {
            return ProtocolError.InvalidCloseCode;
        }

        // RFC 6455 §5.5.1: the reason is "UTF-8-encoded data".
        var utf8 = default(Utf8Stream);
        return utf8.TryAppend(payload[CodeSize..]) && (!isWhole || utf8.IsComplete)
            ? ProtocolError.None
            : ProtocolError.InvalidUtf8;
    }
}
