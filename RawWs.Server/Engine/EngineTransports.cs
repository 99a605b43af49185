namespace RawWs.Server.Engine;

/// <summary>Ways in which Engine.IO packets travel.</summary>
[Flags]
public enum EngineTransports
{
    /// <summary>None.</summary>
    None = 0,

    /// <summary>HTTP requests: one is held open until there is something to say.</summary>
    Polling = 1,

    /// <summary>A WebSocket, from the start or after an upgrade from polling.</summary>
    WebSocket = 2,
}
