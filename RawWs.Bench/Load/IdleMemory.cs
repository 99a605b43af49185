using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using RawWs.Protocol.WebSockets;
using RawWs.Server;
using RawWs.Server.Transport;

namespace RawWs.Bench.Load;

/// <summary>
/// What one idle WebSocket connection costs the server: the growth of the managed heap, after a full collection, over
/// many connections whose clients are in a process of their own.
/// </summary>
internal static class IdleMemory
{
    public const string ClientCommand = "idle-client";

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    public static async Task<int> RunAsync(int count)
    {
        var options = new ServerOptions { Port = 0, EventPath = null };
        await using var server = new RawWsServer(options);
        server.MapWebSocket("/echo", new EchoHandler());
        await server.StartAsync();

        // The first connections pay for what all share: compiled code, pools, the table of connections.
        await MeasureAsync(server, Math.Min(count, 100));
        var (before, connected, talked) = await MeasureAsync(server, count);
        Report("after the handshake", before, connected, count);
        Report("two seconds after an echo", before, talked, count);
        return 0;
    }

    /// <summary>The client process: connects, waits for a line on its input, echoes once on each, waits again.</summary>
    public static async Task<int> ConnectAsync(int port, int count)
    {
        var sockets = new List<Socket>();
        var handshake = Encoding.ASCII.GetBytes(
            "GET /echo HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n");
        var message = new byte[FrameWriter.FrameSize(64, Role.Client)];
        FrameWriter.WriteMasked(message, Opcode.Binary, new byte[64], 0x12345678);
        var buffer = new byte[4096];
        for (var i = 0; i < count; i++)
        {
            var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
            await socket.ConnectAsync(IPAddress.Loopback, port);
            await socket.SendAsync(handshake);
            await socket.ReceiveAsync(buffer);
            sockets.Add(socket);
        }

        Console.WriteLine("connected");
        Console.ReadLine();
        foreach (var socket in sockets)
        {
            await socket.SendAsync(message);
            await socket.ReceiveAsync(buffer);
        }

        Console.WriteLine("talked");
        Console.ReadLine();
        foreach (var socket in sockets)
            socket.Dispose();
        return 0;
    }

    private static async Task<(long Before, long Connected, long Talked)> MeasureAsync(RawWsServer server, int count)
    {
        var before = ManagedBytes();
        using var client = StartClient(server.LocalEndPoint!.Port, count);
        await ExpectAsync(client, "connected");
        var connected = ManagedBytes();
        await client.StandardInput.WriteLineAsync();
        await ExpectAsync(client, "talked");
        // A connection that has just received keeps its buffer until it has been quiet for a while.
        await Task.Delay(TimeSpan.FromSeconds(2));
        var talked = ManagedBytes();
        await client.StandardInput.WriteLineAsync();
        await client.WaitForExitAsync(new CancellationTokenSource(Patience).Token);
        while (server.ConnectionCount > 0)
            await Task.Delay(10);
        return (before, connected, talked);
    }

    private static Process StartClient(int port, int count)
    {
        var assembly = typeof(IdleMemory).Assembly.Location;
        return Process.Start(new ProcessStartInfo("dotnet", [assembly, ClientCommand, Text(port), Text(count)])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
        })!;
    }

    private static async Task ExpectAsync(Process client, string line)
    {
        using var patience = new CancellationTokenSource(Patience);
        if (await client.StandardOutput.ReadLineAsync(patience.Token) != line)
            throw new InvalidOperationException("the client process failed");
    }

    private static long ManagedBytes()
    {
        GC.Collect(GC.MaxGeneration, GCCollectionMode.Forced, blocking: true, compacting: true);
        GC.WaitForPendingFinalizers();
        GC.Collect(GC.MaxGeneration, GCCollectionMode.Forced, blocking: true, compacting: true);
        return GC.GetTotalMemory(forceFullCollection: true);
    }

    private static void Report(string when, long before, long after, int count) =>
        Console.WriteLine(
            $"{count} idle connections {when}: {(after - before) / count} bytes of managed memory each");

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);

    private sealed class EchoHandler : WebSocketHandler
    {
        public override ValueTask OnMessageAsync(
            WebSocketConnection connection, Opcode type, ReadOnlyMemory<byte> payload)
        {
            connection.Send(type, payload.Span);
            return default;
        }
    }
}
