using System.Net;
using System.Net.Sockets;

namespace RawWs.Bench.Peers;

/// <summary>What .NET's sockets cost by themselves: bytes come back as they came, without any protocol.</summary>
internal static class TcpPeer
{
    private const int FirstBytes = 512;
    private const int MaxBytes = 256 * 1024;

    /// <returns>The port.</returns>
    public static Task<int> StartAsync()
    {
        var listener = new Socket(SocketType.Stream, ProtocolType.Tcp);
        listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        listener.Listen(ServeVerb.Backlog);
        _ = AcceptAsync(listener);
        return Task.FromResult(((IPEndPoint)listener.LocalEndPoint!).Port);
    }

    private static async Task AcceptAsync(Socket listener)
    {
        while (true)
            _ = EchoAsync(await listener.AcceptAsync());
    }

    private static async Task EchoAsync(Socket accepted)
    {
        using var socket = accepted;
        socket.NoDelay = true;
        var buffer = new byte[FirstBytes];
        try
        {
            while (await socket.ReceiveAsync(buffer) is var count and > 0)
            {
                for (var sent = 0; sent < count;)
                    sent += await socket.SendAsync(buffer.AsMemory(sent..count));
                // More than fits is under way, so the next call takes more.
                if (count == buffer.Length && count < MaxBytes)
                    buffer = new byte[2 * count];
            }
        }
        catch (SocketException)
        {
            // The client is gone.
        }
    }
}
