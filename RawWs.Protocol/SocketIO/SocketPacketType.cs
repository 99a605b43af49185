namespace RawWs.Protocol.SocketIO;

/// <summary>The kinds of Socket.IO packets; on the wire the digit of their value.</summary>
public enum SocketPacketType : byte
{
    /// <summary>A client asks to join a namespace, and the server agrees.</summary>
    Connect,

    /// <summary>One side leaves a namespace.</summary>
    Disconnect,

    /// <summary>An event.</summary>
    Event,

    /// <summary>The answer to an event.</summary>
    Ack,

    /// <summary>The server refuses a client.</summary>
    ConnectError,

    /// <summary>An event whose bytes follow in messages of their own.</summary>
    BinaryEvent,

    /// <summary>An answer whose bytes follow in messages of their own.</summary>
    BinaryAck,
}
