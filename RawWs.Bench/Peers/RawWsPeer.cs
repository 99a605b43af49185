using RawWs.Protocol.Http;
using RawWs.Protocol.WebSockets;
using RawWs.Server;
using RawWs.Server.Transport;

namespace RawWs.Bench.Peers;

/// <summary>
/// Our server: <c>/echo</c>, <c>/block</c> and <c>/fan</c> without events, envelopes on <c>/ws</c>, Socket.IO on <c>/socket.io</c>.
/// </summary>
internal static class RawWsPeer
{
    /// <returns>The port.</returns>
    public static async Task<int> StartAsync()
    {
        var options = new ServerOptions
        {
            Port = 0,
            Backlog = ServeVerb.Backlog,
            MaxMessageBytes = ServeVerb.MaxMessageBytes,
            // As much as the others let wait: a burst to many is measured, not cut off.
            MaxOutboxBytes = 4 * ServeVerb.MaxMessageBytes,
        };
        options.Engine.MaxPayloadBytes = ServeVerb.MaxMessageBytes;
        options.Events.MaxEmitBytes = ServeVerb.MaxMessageBytes;

        var server = new RawWsServer(options);
        server.MapWebSocket("/echo", new EchoHandler());
        server.MapWebSocket(ServeVerb.BlockingPath, new BlockingHandler());
        server.MapWebSocket("/fan", new FanHandler());
        server.OnConnection(socket =>
        {
            socket.Emit("auth", socket.Handshake.Auth);
            socket.On("message", context => socket.Emit("message-back", context.Arguments));
            socket.On("publish", context => server.Emit("news", context.Arguments));
        });
        await server.StartAsync();
        return server.LocalEndPoint!.Port;
    }

    private sealed class EchoHandler : WebSocketHandler
    {
        public override ValueTask OnMessageAsync(
            WebSocketConnection connection, Opcode type, ReadOnlyMemory<byte> payload)
        {
            connection.Send(type, payload.Span);
            return default;
        }
    }

    private sealed class BlockingHandler : WebSocketHandler
    {
        public override ValueTask OnMessageAsync(
            WebSocketConnection connection, Opcode type, ReadOnlyMemory<byte> payload)
        {
            ServeVerb.Block();
            connection.Send(type, payload.Span);
            return default;
        }
    }

    private sealed class FanHandler : WebSocketHandler
    {
        // Also the order of the messages, which is the same for every receiver.
        private readonly Lock _lock = new();
        private readonly HashSet<WebSocketConnection> _connections = [];

        public override void OnOpen(WebSocketConnection connection, RequestHead request)
        {
            lock (_lock)
                _connections.Add(connection);
        }

        public override ValueTask OnMessageAsync(
            WebSocketConnection connection, Opcode type, ReadOnlyMemory<byte> payload)
        {
            var message = new PreparedMessage(type, payload.Span);
            lock (_lock)
            {
                foreach (var receiver in _connections)
                {
                    if (receiver.Send(message) == SendResult.Dropped)
                        receiver.Close(CloseCode.TryAgainLater, "reads too slowly");
                }
            }

            return default;
        }

        public override void OnClose(WebSocketConnection connection, CloseStatus status)
        {
            lock (_lock)
                _connections.Remove(connection);
        }
    }
}
