using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Logging.Abstractions;
using RawWs.Server;
using RawWs.Server.Diagnostics;
using RawWs.Server.Transport;
using RawWs.Server.Transport.Loops;

namespace RawWs.Tests.Support;

/// <summary>Two ends of a TCP connection on event loops.</summary>
internal sealed class LoopPair : IDisposable
{
    private readonly ServerMetrics _metrics = new();

    private LoopPair(Socket server, Socket? peer, int loops)
    {
        Loops = EventLoops.TryStart(new ServerContext(
            new ServerOptions { EventLoops = loops }, NullLogger.Instance, _metrics, TimeProvider.System))!;
        Server = Start(server);
        Peer = peer is null ? null! : Start(peer);
    }

    public EventLoops Loops { get; }

    public ByteTransport Server { get; }

    public ByteTransport Peer { get; }

    /// <summary>One end on an event loop; the other is the test's.</summary>
    public static LoopPair Create(Socket server) => new(server, peer: null, loops: 1);

    public static async Task<LoopPair> ConnectAsync(int loops)
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var peer = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        await peer.ConnectAsync(listener.LocalEndpoint);
        return new LoopPair(await listener.AcceptSocketAsync(), peer, loops);
    }

    public void Dispose()
    {
        Server.Close();
        Peer?.Close();
        Loops.Dispose();
        _metrics.Dispose();
    }

    private LoopTransport Start(Socket socket)
    {
        var transport = new LoopTransport(socket, Loops.Next());
        transport.Start();
        return transport;
    }
}
