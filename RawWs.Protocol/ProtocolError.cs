using RawWs.Protocol.WebSockets;

namespace RawWs.Protocol;

/// <summary>Every way in which a peer can break a rule of the WebSocket protocol or exceed a limit.</summary>
public enum ProtocolError : byte
{
    /// <summary>No rule is broken.</summary>
    None,

    /// <summary>A reserved bit is set that no negotiated extension defines (RFC 6455 §5.2).</summary>
    ReservedBits,

    /// <summary>An opcode of 3–7 or 11–15 (§5.2).</summary>
    ReservedOpcode,

    /// <summary>A client's frame without a mask (§5.1).</summary>
    UnmaskedFrame,

    /// <summary>A server's frame with a mask (§5.1).</summary>
    MaskedFrame,

    /// <summary>A control frame with FIN clear (§5.5).</summary>
    FragmentedControlFrame,

    /// <summary>A control frame with more than 125 bytes of payload (§5.5).</summary>
    ControlFrameTooLong,

    /// <summary>A payload length in more bytes than it needs (§5.2).</summary>
    LengthNotMinimal,

    /// <summary>A 64-bit payload length with its top bit set (§5.2).</summary>
    LengthOutOfRange,

    /// <summary>A continuation frame while no message is open (§5.4).</summary>
    UnexpectedContinuation,

    /// <summary>A new text or binary frame while a fragmented message is open (§5.4).</summary>
    UnfinishedMessage,

    /// <summary>Text or a close reason that is not UTF-8 (§8.1).</summary>
    InvalidUtf8,

    /// <summary>A close frame with a payload of one byte (§5.5.1).</summary>
    ClosePayloadTooShort,

    /// <summary>A close code that must not be on the wire (§7.4).</summary>
    InvalidCloseCode,

    /// <summary>A message over the limit on its size (§10.4).</summary>
    MessageTooBig,

    /// <summary>A message over the limit on its number of fragments (§10.4).</summary>
    TooManyFragments,

    /// <summary>Compressed data that is corrupt, or ends inside a block (RFC 7692 §7.2.2).</summary>
    InvalidDeflate,
}

/// <summary>What the peer is told about each <see cref="ProtocolError"/>.</summary>
public static class ProtocolErrors
{
    /// <summary>The close code that answers the error (RFC 6455 §7.4.1).</summary>
    /// <exception cref="ArgumentOutOfRangeException"><see cref="ProtocolError.None"/> has no close code.</exception>
    public static CloseCode CloseCode(this ProtocolError error) => Row(error).Code;

    /// <summary>The close reason: ASCII, at most 123 bytes.</summary>
    /// <exception cref="ArgumentOutOfRangeException"><see cref="ProtocolError.None"/> has no reason.</exception>
    public static string CloseReason(this ProtocolError error) => Row(error).Reason;

    private static (CloseCode Code, string Reason) Row(ProtocolError error) => error switch
    {
        ProtocolError.ReservedBits => (WebSockets.CloseCode.ProtocolError, "reserved bit set"),
        ProtocolError.ReservedOpcode => (WebSockets.CloseCode.ProtocolError, "reserved opcode"),
        ProtocolError.UnmaskedFrame => (WebSockets.CloseCode.ProtocolError, "unmasked frame from a client"),
        ProtocolError.MaskedFrame => (WebSockets.CloseCode.ProtocolError, "masked frame from a server"),
        ProtocolError.FragmentedControlFrame => (WebSockets.CloseCode.ProtocolError, "fragmented control frame"),
        ProtocolError.ControlFrameTooLong => (WebSockets.CloseCode.ProtocolError, "control frame over 125 bytes"),
        ProtocolError.LengthNotMinimal => (WebSockets.CloseCode.ProtocolError, "payload length not minimal"),
        ProtocolError.LengthOutOfRange => (WebSockets.CloseCode.ProtocolError, "payload length out of range"),
        ProtocolError.UnexpectedContinuation => (WebSockets.CloseCode.ProtocolError, "nothing to continue"),
        ProtocolError.UnfinishedMessage => (WebSockets.CloseCode.ProtocolError, "new message inside a fragmented one"),
        ProtocolError.InvalidUtf8 => (WebSockets.CloseCode.InvalidPayloadData, "invalid UTF-8"),
        ProtocolError.ClosePayloadTooShort => (WebSockets.CloseCode.ProtocolError, "close payload of one byte"),
        ProtocolError.InvalidCloseCode => (WebSockets.CloseCode.ProtocolError, "invalid close code"),
        ProtocolError.MessageTooBig => (WebSockets.CloseCode.MessageTooBig, "message over the size limit"),
        ProtocolError.TooManyFragments => (WebSockets.CloseCode.PolicyViolation, "too many fragments"),
        ProtocolError.InvalidDeflate => (WebSockets.CloseCode.InvalidPayloadData, "invalid compressed data"),
        _ => throw new ArgumentOutOfRangeException(nameof(error), error, "No rule is broken."),
    };
}
