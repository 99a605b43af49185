namespace RawWs.Protocol.WebSockets;

/// <summary>The state of the closing handshake at one end of a connection (RFC 6455 §7).</summary>
/// <remarks>A mutable struct, not safe for use by several threads at a time. The default value is the state
/// before any close frame.</remarks>
public struct ClosingHandshake
{
    private CloseCode? _code;
    private string? _reason;

    /// <summary>Whether our close frame has been sent; nothing may be sent after it (§5.5.1).</summary>
    public bool IsCloseSent { get; private set; }

    /// <summary>Whether the peer's close frame has been received; nothing after it counts (§5.5.1).</summary>
    public bool IsCloseReceived { get; private set; }

    /// <summary>Whether both close frames have passed: the server now closes the TCP connection
    /// (§7.1.1).</summary>
    public readonly bool IsComplete => IsCloseSent && IsCloseReceived;

    /// <summary>The first close frame of either side; <see cref="CloseCode.AbnormalClosure"/> if there is
    /// none.</summary>
    public readonly (CloseCode Code, string Reason) Outcome =>
        (_code ?? CloseCode.AbnormalClosure, _reason ?? "");

    /// <summary>Starts the handshake from our side.</summary>
    /// <param name="code">A code valid on the wire, or <see cref="CloseCode.NoStatusReceived"/> for a close
    /// frame without one.</param>
    /// <param name="reason">The reason; empty if there is no code.</param>
    /// <returns>True if the caller must write the close frame now; false if one has been sent
    /// already.</returns>
    /// <exception cref="ArgumentException">The code must not be on the wire, or a reason is given without
    /// one.</exception>
    public bool TrySendClose(CloseCode code, string reason)
    {
        FrameWriter.CheckClose(code, reason);
        if (IsCloseSent)
        {
            return false;
        }

        IsCloseSent = true;
        Settle(code, reason);
        return true;
    }

    /// <summary>Takes note of the peer's close frame.</summary>
    /// <param name="payload">What the close frame carried.</param>
    /// <param name="reply">The code to answer with, the peer's own; <see cref="CloseCode.NoStatusReceived"/>
    /// stands for an empty close frame.</param>
    /// <returns>True if the caller must write the reply now; false if our close frame has been sent
    /// already.</returns>
    public bool TryReceiveClose(ClosePayload payload, out CloseCode reply)
    {
        IsCloseReceived = true;
        Settle(payload.Code, payload.Reason);
        reply = payload.Code;
        if (IsCloseSent)
        {
            return false;
        }

        // RFC 6455 §5.5.1: "the endpoint typically echos the status code it received".
        IsCloseSent = true;
        return true;
    }

    private void Settle(CloseCode code, string reason)
    {
        if (_code is null)
        {
            (_code, _reason) = (code, reason);
        }
    }
}
