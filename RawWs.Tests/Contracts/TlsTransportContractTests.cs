using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using RawWs.Server.Diagnostics;
using RawWs.Server.Transport;
using RawWs.Server.Transport.Tls;
using RawWs.Tests.Support;

namespace RawWs.Tests.Contracts;

/// <summary>The contract of transports, over TLS: on event loops, and on sockets that the runtime waits for.</summary>
[TestFixture(SslProtocols.Tls12, true)]
[TestFixture(SslProtocols.Tls13, true)]
[TestFixture(SslProtocols.Tls12, false)]
[TestFixture(SslProtocols.Tls13, false)]
public class TlsTransportContractTests(SslProtocols protocol, bool onLoops) : TransportContract
{
    private readonly ServerMetrics _metrics = new();
    private LoopPair? _loops;

    [TearDown]
    public void StopLoops() => _loops?.Dispose();

    [OneTimeTearDown]
    public void StopMetrics() => _metrics.Dispose();

    internal override async Task<(ByteTransport Server, ByteTransport Peer)> ConnectAsync()
    {
        var (server, peer) = await ConnectCarrierAsync();
        var transport = new TlsTransport(
            server,
            new HandshakeGate(maxHandshakes: 10, threads: 1, _metrics, TimeProvider.System),
            stream => stream.AuthenticateAsServerAsync(new SslServerAuthenticationOptions
            {
                ServerCertificate = TestCertificates.Localhost,
                EnabledSslProtocols = protocol,
            }));
        var stream = new SslStream(new NetworkStream(peer));
        await Task.WhenAll(
            transport.AuthenticateAsync(),
            stream.AuthenticateAsClientAsync(SecureEndPoint.ClientOptions("localhost", protocol)));
        return (transport, new Peer(peer, stream));
    }

    private async Task<(ByteTransport, Socket)> ConnectCarrierAsync()
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        var peer = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        await peer.ConnectAsync(listener.LocalEndpoint);
        var server = await listener.AcceptSocketAsync();
        if (!onLoops || !OperatingSystem.IsLinux())
            return (new SocketTransport(server), peer);
        _loops = LoopPair.Create(server);
        return (_loops.Server, peer);
    }

    /// <summary>The framework's end of the connection.</summary>
    private sealed class Peer(Socket socket, SslStream stream) : ByteTransport
    {
        public override EndPoint? RemoteEndPoint => null;

        public override bool IsSecure => true;

        public override bool IsReadable => throw new NotSupportedException();

        public override ValueTask<int> ReceiveAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) =>
            stream.ReadAsync(buffer, cancellationToken);

        public override ValueTask SendAsync(ReadOnlyMemory<byte> buffer) => stream.WriteAsync(buffer);

        public override void ShutdownSend()
        {
            stream.ShutdownAsync().Wait();
            socket.Shutdown(SocketShutdown.Send);
        }

        public override void ShutdownReceive() => throw new NotSupportedException();

        public override void Close() => stream.Dispose();
    }
}
