using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Logging.Abstractions;
using RawWs.Server;
using RawWs.Server.Diagnostics;
using RawWs.Server.Transport;
using RawWs.Server.Transport.Loops;

namespace RawWs.Tests.Support;

/// <summary>Two ends of a TCP connection, each on an event loop of its own.</summary>
internal sealed class LoopPair : IDisposable
{
    private readonly ServerMetrics _metrics = new();
    private readonly EventLoops _loops;

    private LoopPair(Socket server, Socket peer)
    {
        _loops = EventLoops.TryStart(new ServerContext(
            new ServerOptions { EventLoops = 2 }, NullLogger.Instance, _metrics, TimeProvider.System))!;
        Server = Start(server);
        Peer = Start(peer);
    }

    public ByteTransport Server { get; }

    public ByteTransport Peer { get; }

    public static async Task<LoopPair> ConnectAsync()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var peer = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        await peer.ConnectAsync(listener.LocalEndpoint);
        return new LoopPair(await listener.AcceptSocketAsync(), peer);
    }

    public void Dispose()
    {
        Server.Close();
        Peer.Close();
        _loops.Dispose();
        _metrics.Dispose();
    }

    private LoopTransport Start(Socket socket)
    {
        var transport = new LoopTransport(socket, _loops.Next());
        transport.Start();
        return transport;
    }
}
