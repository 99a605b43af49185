namespace RawWs.Server.Events;

/// <summary>A way to put an event into bytes; the bytes of one message are made once for each.</summary>
internal enum WireFormat
{
    /// <summary>A JSON event envelope in one WebSocket text frame.</summary>
    Envelope,

    /// <summary>A Socket.IO packet in WebSocket frames.</summary>
    SocketIo,

    /// <summary>A Socket.IO packet in WebSocket text frames, bytes as base64.</summary>
    SocketIoBase64,

    /// <summary>A Socket.IO packet in a polling payload.</summary>
    SocketIoPolling,
}
