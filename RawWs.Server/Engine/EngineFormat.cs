namespace RawWs.Server.Engine;

/// <summary>How packets are put into bytes for the transport that takes them.</summary>
internal enum EngineFormat
{
    /// <summary>Whole WebSocket frames; a binary message is a binary frame.</summary>
    WebSocket,

    /// <summary>Whole WebSocket frames of text; a binary message is <c>b</c> and base64.</summary>
    WebSocketBase64,

    /// <summary>Packets of a polling payload, 0x1e between them.</summary>
    Polling,
}
