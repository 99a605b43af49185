using System.Net;
using RawWs.Protocol.WebSockets;

namespace RawWs.Server.Transport;

/// <summary>One WebSocket connection, from the handshake to the closed TCP connection.</summary>
/// <remarks>Every member may be called from any thread.</remarks>
public sealed class WebSocketConnection
{
    /// <summary>The peer's address.</summary>
    public EndPoint? RemoteEndPoint { get; }

    /// <summary>Whatever the application keeps beside this connection.</summary>
    public object? State { get; set; }

    /// <summary>Bytes that wait in the outbox.</summary>
    public int PendingBytes { get; }

    /// <summary>Queues one message.</summary>
    public SendResult Send(Opcode type, ReadOnlySpan<byte> payload) => SendResult.Dropped;

    /// <summary>Starts the closing handshake; without effect if it has begun.</summary>
    public void Close(CloseCode code = CloseCode.NormalClosure, string reason = "")
    {
    }

    /// <summary>Queues whole frames, already encoded and never written to again: the same array may go to many.</summary>
    internal SendResult SendFrames(ReadOnlyMemory<byte> frames, bool isVolatile = false) => SendResult.Dropped;
}
