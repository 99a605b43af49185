namespace RawWs.Protocol.EngineIO;

/// <summary>The kinds of Engine.IO packets; on the wire the digit of their value.</summary>
public enum EnginePacketType : byte
{
    /// <summary>The server's first: the session and its settings.</summary>
    Open,

    /// <summary>The session ends.</summary>
    Close,

    /// <summary>The server asks for a sign of life; with <c>probe</c>, the client tries a WebSocket.</summary>
    Ping,

    /// <summary>The answer to a ping.</summary>
    Pong,

    /// <summary>A message of the layer above.</summary>
    Message,

    /// <summary>The client moves to the WebSocket that it has probed.</summary>
    Upgrade,

    /// <summary>Nothing: it ends a poll.</summary>
    Noop,
}
