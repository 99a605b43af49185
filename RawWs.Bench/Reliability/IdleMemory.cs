using System.Diagnostics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;
using RawWs.Protocol.WebSockets;
using RawWs.Protocol.WebSockets.Deflate;
using RawWs.Server;
using RawWs.Server.Transport;

namespace RawWs.Bench.Reliability;

/// <summary>
/// What one idle WebSocket connection costs the server: the growth of the managed heap, after a full collection, and of
/// what is resident, over many connections whose clients are in a process of their own.
/// </summary>
internal static class IdleMemory
{
    public const string ClientCommand = "idle-client";

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    /// <param name="arguments">
    /// How many, then nothing, <c>deflate</c> for compression without context takeover, or <c>takeover</c> for one with it.
    /// </param>
    public static async Task<int> RunAsync(ReadOnlyMemory<string> arguments)
    {
        var count = arguments.Length > 0 ? int.Parse(arguments.Span[0], CultureInfo.InvariantCulture) : 2_000;
        var mode = arguments.Length > 1 ? arguments.Span[1] : "plain";
        var options = new ServerOptions
        {
            Port = 0,
            EventPath = null,
            Deflate = mode == "plain" ? null : new DeflateOptions
            {
                ServerNoContextTakeover = mode == "deflate",
                ClientNoContextTakeover = mode == "deflate",
            },
            MaxDeflateContexts = 2 * count,
            DeflateContextTimeout = TimeSpan.FromSeconds(1),
        };
        await using var server = new RawWsServer(options);
        server.MapWebSocket("/echo", new EchoHandler());
        await server.StartAsync();

        // The first connections pay for what all share: compiled code, pools, the table of connections.
        await MeasureAsync(server, Math.Min(count, 100), mode);
        var (before, connected, talked) = await MeasureAsync(server, count, mode);
        Report($"{mode}, after the handshake", before, connected, count);
        Report($"{mode}, two seconds after an echo", before, talked, count);
        return 0;
    }

    /// <summary>The client process: connects, waits for a line on its input, echoes once on each, waits again.</summary>
    public static async Task<int> ConnectAsync(int port, int count, string mode)
    {
        var sockets = new List<Socket>();
        var handshake = Encoding.ASCII.GetBytes(
            "GET /echo HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
            "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n" +
            (mode == "plain" ? "\r\n" : "Sec-WebSocket-Extensions: permessage-deflate\r\n\r\n"));
        var message = Message(isCompressed: mode != "plain");
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

    private static async Task<(Memory Before, Memory Connected, Memory Talked)> MeasureAsync(
        RawWsServer server, int count, string mode)
    {
        var before = Measure();
        using var client = StartClient(server.LocalEndPoint!.Port, count, mode);
        await ExpectAsync(client, "connected");
        var connected = Measure();
        await client.StandardInput.WriteLineAsync();
        await ExpectAsync(client, "talked");
        // A connection that has just received keeps its buffer until it has been quiet for a while.
        await Task.Delay(TimeSpan.FromSeconds(2));
        var talked = Measure();
        await client.StandardInput.WriteLineAsync();
        await client.WaitForExitAsync(new CancellationTokenSource(Patience).Token);
        while (server.ConnectionCount > 0)
            await Task.Delay(10);
        return (before, connected, talked);
    }

    private static byte[] Message(bool isCompressed)
    {
        var payload = new byte[64];
        using var pool = new DeflatePool(new DeflateOptions());
        using var deflater = new MessageDeflater(pool, new DeflateParameters(true, true, 15, 15), Role.Client);
        var frame = new byte[MessageDeflater.MaxFrameSize(payload.Length)];
        var size = isCompressed
            ? deflater.Write(frame, Opcode.Binary, payload, 0x12345678)
            : FrameWriter.WriteMasked(frame, Opcode.Binary, payload, 0x12345678);
        return frame[..size];
    }

    private static Process StartClient(int port, int count, string mode)
    {
        var assembly = typeof(IdleMemory).Assembly.Location;
        return Process.Start(new ProcessStartInfo("dotnet", [assembly, ClientCommand, Text(port), Text(count), mode])
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

    private static Memory Measure()
    {
        GC.Collect(GC.MaxGeneration, GCCollectionMode.Forced, blocking: true, compacting: true);
        GC.WaitForPendingFinalizers();
        GC.Collect(GC.MaxGeneration, GCCollectionMode.Forced, blocking: true, compacting: true);
        return new Memory(GC.GetTotalMemory(forceFullCollection: true), Environment.WorkingSet);
    }

    private static void Report(string when, Memory before, Memory after, int count) =>
        Console.WriteLine(
            $"{count} idle connections, {when}: {(after.Managed - before.Managed) / count} bytes of managed memory each, " +
            $"{(after.Resident - before.Resident) / count} resident");

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);

    private readonly record struct Memory(long Managed, long Resident);

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
