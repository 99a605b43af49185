using RawWs.Protocol.Http;
using RawWs.Protocol.WebSockets;
using RawWs.Server.Sessions;

namespace RawWs.Server.Transport;

/// <summary>What an application does with the connections of one raw WebSocket path: messages only, no events.</summary>
/// <remarks>
/// One instance may serve every connection of a path. For one connection the callbacks come one at a time:
/// <see cref="OnOpen"/> first, <see cref="OnClose"/> last and exactly once; only <see cref="OnDrained"/> may run
/// beside the others. An exception costs the connection, which is closed with 1011.
/// </remarks>
public abstract class WebSocketHandler
{
    /// <summary>The handshake is complete; messages may be sent.</summary>
    /// <param name="connection">The connection.</param>
    /// <param name="request">The opening handshake; the connection does not keep it.</param>
    public virtual void OnOpen(WebSocketConnection connection, RequestHead request)
    {
    }

    /// <summary>A whole message has arrived.</summary>
    /// <param name="connection">The connection it came on.</param>
    /// <param name="type"><see cref="Opcode.Text"/> (then it is valid UTF-8) or <see cref="Opcode.Binary"/>.</param>
    /// <param name="payload">Valid until the returned task completes; copy what must live longer.</param>
    /// <returns>
    /// The next message is read when it completes, so an unfinished one pushes back on the peer. Until then nothing is
    /// read, so a peer that vanishes meanwhile is found only afterwards.
    /// </returns>
    public abstract ValueTask OnMessageAsync(
        WebSocketConnection connection, Opcode type, ReadOnlyMemory<byte> payload);

    /// <summary>After <see cref="SendResult.Backpressure"/> or <see cref="SendResult.Dropped"/>: there is room again.</summary>
    public virtual void OnDrained(WebSocketConnection connection)
    {
    }

    /// <summary>The connection is closed, whoever closed it. Nothing can be sent any more.</summary>
    public virtual void OnClose(WebSocketConnection connection, CloseStatus status)
    {
    }

    /// <summary>The limits of messages on this path; null for those of the server.</summary>
    internal virtual MessageLimits? Limits => null;

    /// <summary>The dialect has a heartbeat of its own: the connection sends no pings.</summary>
    internal virtual bool HasHeartbeat => false;

    /// <summary>The messages of one read have been handled; what they caused has not been flushed yet.</summary>
    internal virtual void OnBatchEnd(WebSocketConnection connection)
    {
    }

    /// <summary>Called from the timer at every tick: deadlines of a dialect above the WebSocket.</summary>
    internal virtual void OnTick(WebSocketConnection connection, long now)
    {
    }

    /// <summary>
    /// The transport was closed while the connection waits for <see cref="OnMessageAsync"/>; <see cref="OnClose"/>
    /// follows when that completes. From any thread.
    /// </summary>
    internal virtual void OnAborted(WebSocketConnection connection, DisconnectReason cause)
    {
    }
}
