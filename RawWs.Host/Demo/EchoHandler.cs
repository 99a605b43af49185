using RawWs.Protocol.WebSockets;
using RawWs.Server.Transport;

namespace RawWs.Host.Demo;

/// <summary>Sends every message back as it came.</summary>
internal sealed class EchoHandler : WebSocketHandler
{
    public override ValueTask OnMessageAsync(
        WebSocketConnection connection, Opcode type, ReadOnlyMemory<byte> payload)
    {
        // A peer that does not read what comes back is not read either, so nothing is ever dropped here.
        connection.Send(type, payload.Span);
        return default;
    }
}
