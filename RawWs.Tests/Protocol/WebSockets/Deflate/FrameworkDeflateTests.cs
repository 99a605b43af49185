using System.Net.WebSockets;
using RawWs.Protocol.WebSockets;
using RawWs.Protocol.WebSockets.Deflate;

namespace RawWs.Tests.Protocol.WebSockets.Deflate;

/// <summary>Compressed connections against the framework's own WebSocket, every agreement in both
/// directions.</summary>
public sealed class FrameworkDeflateTests
{
    private static readonly byte[][] Messages =
    [
        DeflateCases.Json(16), DeflateCases.Json(3000, 2), DeflateCases.Json(3000, 2), [],
        DeflateCases.Noise(700), DeflateCases.Json(70_000, 3), DeflateCases.Json(200, 4),
        DeflateCases.Noise(700), DeflateCases.Json(3000, 2),
    ];

    [Test]
    public async Task The_framework_reads_what_we_compress(
        [Values] Role role,
        [Values] bool serverForgets,
        [Values] bool clientForgets,
        [Values(9, 12, 15)] int bits)
    {
        var agreed = new DeflateParameters(serverForgets, clientForgets, bits, 24 - bits);
        using var deflater = new MessageDeflater(DeflateCases.Pool, agreed, role);
        byte[] wire = ReaderCases.Concat(Messages.Select((message, i) =>
        {
            byte[] frame = new byte[MessageDeflater.MaxFrameSize(message.Length)];
            uint? key = role == Role.Client ? (uint)(i * 0x12345678) : null;
            return frame[..deflater.Write(frame, Opcode.Binary, message, key)];
        }));
        Assert.That(wire, Has.Length.LessThan(Messages.Sum(message => message.Length) / 2));
        using WebSocket socket = Framework(new MemoryStream(wire), agreed, isServer: role == Role.Client);
        byte[] buffer = new byte[100_000];
        foreach (byte[] message in Messages)
        {
            ValueWebSocketReceiveResult result;
            int length = 0;
            do
            {
                result = await socket.ReceiveAsync(buffer.AsMemory(length), CancellationToken.None);
                length += result.Count;
            }
            while (!result.EndOfMessage);
            Assert.That(buffer.AsSpan(0, length).SequenceEqual(message), Is.True);
        }
    }

    [Test]
    public async Task We_read_what_the_framework_compresses(
        [Values] Role role,
        [Values] bool serverForgets,
        [Values] bool clientForgets,
        [Values(9, 12, 15)] int bits)
    {
        var agreed = new DeflateParameters(serverForgets, clientForgets, bits, 24 - bits);
        using var memory = new MemoryStream();
        using WebSocket socket = Framework(memory, agreed, isServer: role == Role.Client);
        foreach (byte[] message in Messages)
        {
            // In two fragments, the second possibly empty.
            int half = Math.Min(100, message.Length);
            await socket.SendAsync(
                message.AsMemory(0, half), WebSocketMessageType.Binary, false, CancellationToken.None);
            await socket.SendAsync(
                message.AsMemory(half), WebSocketMessageType.Binary, true, CancellationToken.None);
        }

        byte[] wire = memory.ToArray();
        Assert.That(wire, Has.Length.LessThan(Messages.Sum(message => message.Length) / 2));
        string outcome = ReaderCases.ReadChunks(
            wire, wire.Chunk(1000).Select(chunk => chunk.Length), role, new MessageLimits(),
            () => new MessageInflater(DeflateCases.Pool, agreed, role));
        Assert.That(outcome, Is.EqualTo(DeflateCases.Outcome(Messages)));
    }

    private static WebSocket Framework(Stream stream, DeflateParameters agreed, bool isServer) =>
        WebSocket.CreateFromStream(stream, new WebSocketCreationOptions
        {
            IsServer = isServer,
            DangerousDeflateOptions = new WebSocketDeflateOptions
            {
                ServerContextTakeover = !agreed.ServerNoContextTakeover,
                ClientContextTakeover = !agreed.ClientNoContextTakeover,
                ServerMaxWindowBits = agreed.ServerMaxWindowBits,
                ClientMaxWindowBits = agreed.ClientMaxWindowBits,
            },
        });
}
