using RawWs.Protocol.WebSockets;
using RawWs.Server.Engine;

namespace RawWs.Host.Conformance;

/// <summary>Sends every Engine.IO message back as it came.</summary>
internal sealed class EngineEchoHandler : EngineHandler
{
    public override ValueTask OnMessageAsync(EngineSession session, Opcode type, ReadOnlyMemory<byte> payload)
    {
        session.Send(type, payload.Span);
        return default;
    }
}
