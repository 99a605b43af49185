using System.Net.WebSockets;
using BenchmarkDotNet.Attributes;
using RawWs.Protocol.WebSockets;

namespace RawWs.Bench.Micro;

/// <summary>A server's whole work on the bytes of an echo: a masked text message is read, and written again as a
/// server's frame.</summary>
[MemoryDiagnoser]
public class EchoBenchmarks : FramesInMemory
{
    private byte[] _written = [];

    [Params(16, 64, 1024)]
    public int Size { get; set; }

    [GlobalSetup]
    public void Setup()
    {
        Create(Size, Count);
        _written = new byte[Frame.Length];
    }

    [Benchmark(Baseline = true, Description = "Framework", OperationsPerInvoke = Count)]
    public async Task ByFramework()
    {
        for (int i = 0; i < Count; i++)
        {
            ValueWebSocketReceiveResult result;
            int length = 0;
            do
            {
                result = await Framework.ReceiveAsync(Message.AsMemory(length), CancellationToken.None);
                length += result.Count;
            }
            while (!result.EndOfMessage);
            await Framework.SendAsync(
                Message.AsMemory(0, length), WebSocketMessageType.Text, true, CancellationToken.None);
        }
    }

    [Benchmark(OperationsPerInvoke = Count)]
    public int RawWs()
    {
        int sum = 0;
        for (int i = 0; i < Count;)
        {
            while (i < Count && Reader.TryRead(out ReceivedMessage message))
            {
                sum += FrameWriter.Write(_written, message.Opcode, message.Payload.Span);
                i++;
            }

            if (i < Count)
            {
                Receive();
            }
        }

        return sum;
    }
}
