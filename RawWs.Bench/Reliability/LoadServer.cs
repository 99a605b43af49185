using RawWs.Protocol.WebSockets;
using RawWs.Server;
using RawWs.Server.Transport;

namespace RawWs.Bench.Reliability;

/// <summary>The server under load, in the process that measures: <c>/echo</c>, a room on <c>/ws</c>, and Socket.IO's echo.</summary>
internal static class LoadServer
{
    public const string Room = "room";

    public static async Task<RawWsServer> StartAsync(Action<ServerOptions>? set = null)
    {
        var options = new ServerOptions { Port = 0 };
        set?.Invoke(options);
        var server = new RawWsServer(options);
        server.MapWebSocket("/echo", new EchoHandler());
        server.OnConnection(socket =>
        {
            socket.Emit("auth", "welcome");
            socket.On("join", () => socket.Join(Room));
            socket.On("message", context => socket.Emit("message-back", context.Arguments));
        });
        await server.StartAsync();
        return server;
    }

    private sealed class EchoHandler : WebSocketHandler
    {
        public override ValueTask OnMessageAsync(WebSocketConnection connection, Opcode type, ReadOnlyMemory<byte> payload)
        {
            connection.Send(type, payload.Span);
            return default;
        }
    }
}
