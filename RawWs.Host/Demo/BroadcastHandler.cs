using System.Collections.Concurrent;
using RawWs.Protocol.Http;
using RawWs.Protocol.WebSockets;
using RawWs.Server.Transport;

namespace RawWs.Host.Demo;

/// <summary>Sends every message to every connection of its path, the sender's included.</summary>
internal sealed class BroadcastHandler : WebSocketHandler
{
    private readonly ConcurrentDictionary<WebSocketConnection, bool> _connections = [];

    // One message at a time goes out, so that every receiver sees the same order.
    private readonly Lock _order = new();

    public override void OnOpen(WebSocketConnection connection, RequestHead request) =>
        _connections.TryAdd(connection, true);

    public override ValueTask OnMessageAsync(
        WebSocketConnection connection, Opcode type, ReadOnlyMemory<byte> payload)
    {
        var message = new PreparedMessage(type, payload.Span);
        lock (_order)
        {
            foreach (var (receiver, _) in _connections)
                if (receiver.Send(message) == SendResult.Dropped)
                    receiver.Close(CloseCode.TryAgainLater, "reads too slowly");
        }

        return default;
    }

    public override void OnClose(WebSocketConnection connection, CloseStatus status) =>
        _connections.TryRemove(connection, out _);
}
