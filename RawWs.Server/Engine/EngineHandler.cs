using RawWs.Protocol.WebSockets;
using RawWs.Server.Sessions;

namespace RawWs.Server.Engine;

/// <summary>What an application does with the sessions of a raw Engine.IO path: messages only, no events.</summary>
/// <remarks>
/// One instance serves every session of a path. For one session the callbacks come one at a time:
/// <see cref="OnOpen"/> first, <see cref="OnClose"/> last and exactly once, and it alone may run beside another. An
/// exception costs the session.
/// </remarks>
public abstract class EngineHandler
{
    /// <summary>The session is open; messages may be sent.</summary>
    public virtual void OnOpen(EngineSession session)
    {
    }

    /// <summary>A message has arrived.</summary>
    /// <param name="session">The session it belongs to.</param>
    /// <param name="type"><see cref="Opcode.Text"/> (then it is valid UTF-8) or <see cref="Opcode.Binary"/>.</param>
    /// <param name="payload">Valid until the returned task completes; copy what must live longer.</param>
    /// <returns>The next message is handled when it completes, so an unfinished one pushes back on the client.</returns>
    public abstract ValueTask OnMessageAsync(EngineSession session, Opcode type, ReadOnlyMemory<byte> payload);

    /// <summary>The session has moved from polling to a WebSocket.</summary>
    public virtual void OnUpgrade(EngineSession session)
    {
    }

    /// <summary>The session is over, whoever ended it. Nothing can be sent any more.</summary>
    public virtual void OnClose(EngineSession session, DisconnectReason reason)
    {
    }

    /// <summary>The messages that came in together have been handled.</summary>
    internal virtual void OnBatchEnd(EngineSession session)
    {
    }

    /// <summary>Called from the timer at every tick while the session is open. It must not block.</summary>
    internal virtual void OnTick(EngineSession session, long now)
    {
    }
}
