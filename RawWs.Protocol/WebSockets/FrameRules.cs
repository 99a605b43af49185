namespace RawWs.Protocol.WebSockets;

/// <summary>The rules that a received frame's header must keep (RFC 6455 §5), as one pure check.</summary>
public static class FrameRules
{
    /// <summary>Checks a header before anything is done with its payload.</summary>
    /// <param name="header">The header as received.</param>
    /// <param name="role">The receiver's own role: a server wants masked frames, a client unmasked
    /// ones.</param>
    /// <param name="isMessageOpen">Whether a fragmented message waits for its continuation.</param>
    /// <param name="allowedReservedBits">The bits (0x40 = RSV1) that a negotiated extension defines for the
    /// first frame of a message; elsewhere no bit is allowed.</param>
    /// <returns>The first rule that is broken, or <see cref="ProtocolError.None"/>.</returns>
    public static ProtocolError Check(
        in FrameHeader header, Role role, bool isMessageOpen, byte allowedReservedBits = 0)
    {
        // RFC 6455 §5.2: reserved bits "MUST be 0 unless an extension is negotiated that defines meanings for
        // non-zero values". RFC 7692 §6.1: RSV1 is set on the first fragment only, and never on a control
        // frame.
        if (header.ReservedBits != 0 && (header.ReservedBits & ~allowedReservedBits) != 0)
        {
            return ProtocolError.ReservedBits;
        }

        if (header.ReservedBits != 0 && header.Opcode is not (Opcode.Text or Opcode.Binary))
        {
            return ProtocolError.ReservedBits;
        }

        // §5.2: "If an unknown opcode is received, the receiving endpoint MUST _Fail the WebSocket
        // Connection_."
        if (header.Opcode is > Opcode.Binary and < Opcode.Close or > Opcode.Pong)
        {
            return ProtocolError.ReservedOpcode;
        }

        // §5.1: "The server MUST close the connection upon receiving a frame that is not masked."
        if (role == Role.Server && !header.IsMasked)
        {
            return ProtocolError.UnmaskedFrame;
        }

        // §5.1: "A client MUST close a connection if it detects a masked frame."
        if (role == Role.Client && header.IsMasked)
        {
            return ProtocolError.MaskedFrame;
        }

        // §5.2: "the most significant bit MUST be 0"
        if (header.PayloadLength < 0)
        {
            return ProtocolError.LengthOutOfRange;
        }

        // §5.2: "in all cases, the minimal number of bytes MUST be used to encode the length"
        if (!header.IsLengthMinimal)
        {
            return ProtocolError.LengthNotMinimal;
        }

        return header.IsControl ? CheckControl(header) : CheckData(header, isMessageOpen);
    }

    // §5.5: "All control frames MUST have a payload length of 125 bytes or less and MUST NOT be fragmented."
    private static ProtocolError CheckControl(in FrameHeader header) =>
        !header.Fin ? ProtocolError.FragmentedControlFrame
        : header.PayloadLength > FrameHeader.MaxControlPayload ? ProtocolError.ControlFrameTooLong
        : ProtocolError.None;

    // §5.4: a fragmented message is one first frame with an opcode, then continuation frames; "the fragments
    // of one message MUST NOT be interleaved between the fragments of another message".
    private static ProtocolError CheckData(in FrameHeader header, bool isMessageOpen) =>
        isMessageOpen == (header.Opcode == Opcode.Continuation) ? ProtocolError.None
        : isMessageOpen ? ProtocolError.UnfinishedMessage
        : ProtocolError.UnexpectedContinuation;
}
