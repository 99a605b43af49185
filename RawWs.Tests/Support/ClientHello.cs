using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;

namespace RawWs.Tests.Support;

/// <summary>The first bytes of a TLS client, as a real one sends them.</summary>
internal static class ClientHello
{
    public static async Task<byte[]> RecordAsync(SslProtocols protocols = SslProtocols.Tls12 | SslProtocols.Tls13)
    {
        using var listener = new TcpListener(IPAddress.Loopback, 0);
        listener.Start();
        using var client = new TcpClient();
        await client.ConnectAsync((IPEndPoint)listener.LocalEndpoint);
        using var server = await listener.AcceptSocketAsync();
        await using var tls = new SslStream(client.GetStream());
        var options = SecureEndPoint.ClientOptions("localhost", protocols);
        options.ApplicationProtocols = [SslApplicationProtocol.Http11];
        var handshake = tls.AuthenticateAsClientAsync(options);
        var bytes = new byte[4096];
        var count = 0;
        do
            count += await server.ReceiveAsync(bytes.AsMemory(count), SocketFlags.None);
        while (count < 5 || count < 5 + (bytes[3] << 8) + bytes[4]);
        server.Close();
        Assert.That(async () => await handshake, Throws.InstanceOf<Exception>());
        return bytes[..count];
    }
}
