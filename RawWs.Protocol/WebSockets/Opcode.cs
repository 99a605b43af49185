namespace RawWs.Protocol.WebSockets;

/// <summary>The kind of a frame, the low four bits of its first byte (RFC 6455 §5.2, §11.8).</summary>
public enum Opcode : byte
{
    /// <summary>A further fragment of the message that is open.</summary>
    Continuation = 0x0,

    /// <summary>A text message, or its first fragment; the payload is UTF-8.</summary>
    Text = 0x1,

    /// <summary>A binary message, or its first fragment.</summary>
    Binary = 0x2,

    /// <summary>The closing handshake (§5.5.1).</summary>
    Close = 0x8,

    /// <summary>A request for a pong (§5.5.2).</summary>
    Ping = 0x9,

    /// <summary>The answer to a ping, or an unsolicited sign of life (§5.5.3).</summary>
    Pong = 0xA,
}
