using RawWs.Server.Events;

namespace RawWs.Server;

/// <summary>A WebSocket server with an event layer.</summary>
public sealed partial class RawWsServer
{
    internal RawWsServer(EventHub hub) => Hub = hub;
}
