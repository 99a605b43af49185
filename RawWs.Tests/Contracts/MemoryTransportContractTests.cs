using RawWs.Server.Transport;
using RawWs.Tests.Support;

namespace RawWs.Tests.Contracts;

/// <summary>The contract of transports, in memory.</summary>
public class MemoryTransportContractTests : TransportContract
{
    protected override bool TakesAtOnce => true;

    internal override Task<(ByteTransport Server, ByteTransport Peer)> ConnectAsync()
    {
        var (server, peer) = MemoryTransport.CreatePair();
        server.TakesAtOnce = true;
        return Task.FromResult<(ByteTransport, ByteTransport)>((server, peer));
    }
}
