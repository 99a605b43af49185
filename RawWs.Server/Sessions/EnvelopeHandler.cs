using RawWs.Protocol.Http;
using RawWs.Protocol.WebSockets;
using RawWs.Server.Events;
using RawWs.Server.Transport;

namespace RawWs.Server.Sessions;

/// <summary>One WebSocket connection on the event path: hands what happens on it to its session.</summary>
internal sealed class EnvelopeHandler(EventHub hub, string namespaceName) : WebSocketHandler
{
    private EnvelopeSession? _session;

    public override void OnOpen(WebSocketConnection connection, RequestHead request) =>
        Volatile.Write(ref _session, new EnvelopeSession(
            hub,
            connection,
            Handshake.From(request, connection.RemoteEndPoint, connection.IsSecure, hub.Time),
            namespaceName));

    public override ValueTask OnMessageAsync(
        WebSocketConnection connection, Opcode type, ReadOnlyMemory<byte> payload) =>
        _session!.ReceiveAsync(type, payload);

    public override void OnClose(WebSocketConnection connection, CloseStatus status) =>
        _session?.Close(status.Cause);

    internal override void OnAborted(WebSocketConnection connection, DisconnectReason cause) =>
        _session?.Close(cause);

    internal override void OnTick(WebSocketConnection connection, long now) =>
        Volatile.Read(ref _session)?.OnTick(now);
}
