using RawWs.Protocol.WebSockets;
using RawWs.Server.Engine;
using RawWs.Server.Events;

namespace RawWs.Server.Sessions;

/// <summary>The sessions of Engine.IO that speak Socket.IO: hands what happens on them to the dialect.</summary>
internal sealed class SocketIoHandler(EventHub hub) : EngineHandler
{
    public override void OnOpen(EngineSession session) => session.State = new SocketIoSession(hub, session);

    public override ValueTask OnMessageAsync(EngineSession session, Opcode type, ReadOnlyMemory<byte> payload) =>
        Of(session)!.ReceiveAsync(type, payload);

    public override void OnClose(EngineSession session, DisconnectReason reason) => Of(session)?.OnClosed(reason);

    internal override void OnBatchEnd(EngineSession session) => Of(session)?.OnBatchEnd();

    internal override void OnTick(EngineSession session, long now) => Of(session)?.OnTick(now);

    private static SocketIoSession? Of(EngineSession session) => (SocketIoSession?)session.State;
}
