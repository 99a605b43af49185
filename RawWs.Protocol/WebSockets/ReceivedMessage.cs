namespace RawWs.Protocol.WebSockets;

/// <summary>A whole message or control frame, unmasked and checked.</summary>
public readonly struct ReceivedMessage
{
    internal ReceivedMessage(Opcode opcode, ReadOnlyMemory<byte> payload)
    {
        Opcode = opcode;
        Payload = payload;
    }

    /// <summary>Text, binary, close, ping or pong; never a continuation.</summary>
    public Opcode Opcode { get; }

    /// <summary>The payload: UTF-8 for text. A part of the reader's buffer, valid until the next call to the
    /// reader.</summary>
    public ReadOnlyMemory<byte> Payload { get; }
}
