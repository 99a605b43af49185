using System.Net;
using System.Net.Sockets;
using RawWs.Server.Transport;

namespace RawWs.Tests.Contracts;

/// <summary>The contract of transports, over TCP.</summary>
public class SocketTransportContractTests : TransportContract
{
    internal override async Task<(ByteTransport Server, ByteTransport Peer)> ConnectAsync()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var peer = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        await peer.ConnectAsync(listener.LocalEndpoint);
        return (new SocketTransport(await listener.AcceptSocketAsync()), new SocketTransport(peer));
    }
}
