using RawWs.Server.Transport;
using RawWs.Tests.Support;

namespace RawWs.Tests.Contracts;

/// <summary>The contract of transports, over TCP on event loops.</summary>
[Platform("Linux")]
public class LoopTransportContractTests : TransportContract
{
    private LoopPair? _pair;

    [TearDown]
    public void StopLoops() => _pair?.Dispose();

    protected override bool TakesAtOnce => true;

    internal override async Task<(ByteTransport Server, ByteTransport Peer)> ConnectAsync()
    {
        _pair = await LoopPair.ConnectAsync(loops: 2);
        return (_pair.Server, _pair.Peer);
    }
}
