using RawWs.Protocol.Http;
using RawWs.Protocol.WebSockets;
using RawWs.Server.Sessions;
using RawWs.Server.Transport;

namespace RawWs.Server.Engine;

/// <summary>One WebSocket of a session: that which it opened with, or one that probes an upgrade.</summary>
internal sealed class EngineConnection(EngineEndpoint endpoint, EngineSession session, bool isUpgrade, bool isBase64)
    : WebSocketHandler
{
    internal override MessageLimits Limits => endpoint.MessageLimits;

    internal override bool HasHeartbeat => true;

    public override void OnOpen(WebSocketConnection connection, RequestHead request)
    {
        var isWanted = isUpgrade ? session.TryBeginProbe(connection, isBase64) : endpoint.TryAdd(session);
        if (!isWanted)
            connection.Close(CloseCode.PolicyViolation, "no session to carry", DisconnectReason.TransportError);
        else if (!isUpgrade)
            session.Open(connection, isBase64);
    }

    public override ValueTask OnMessageAsync(
        WebSocketConnection connection, Opcode type, ReadOnlyMemory<byte> payload) =>
        session.OnWebSocketMessageAsync(connection, type, payload);

    internal override void OnBatchEnd(WebSocketConnection connection) => session.OnBatchEnd(connection);

    public override void OnClose(WebSocketConnection connection, CloseStatus status) =>
        session.OnWebSocketClosed(connection, status.Cause);

    internal override void OnAborted(WebSocketConnection connection, DisconnectReason cause) =>
        session.OnWebSocketClosed(connection, cause);
}
