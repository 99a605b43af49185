using System.Net.WebSockets;
using BenchmarkDotNet.Attributes;
using RawWs.Protocol.WebSockets;

namespace RawWs.Bench.Micro;

/// <summary>Receiving masked text messages, from bytes in memory to checked payloads.</summary>
[MemoryDiagnoser]
public class ReaderBenchmarks : FramesInMemory
{
    [Params(16, 64, 1024, 16 * 1024, 1024 * 1024)]
    public int Size { get; set; }

    // As many messages as a core's cache may hold: it is the codec that is measured, and not the memory.
    [GlobalSetup]
    public void Setup() => Create(Size, Math.Clamp(1024 * 1024 / Size, 1, Count));

    [Benchmark(Baseline = true, Description = "Framework", OperationsPerInvoke = Count)]
    public async Task<long> ByFramework()
    {
        long sum = 0;
        for (int i = 0; i < Count; i++)
        {
            ValueWebSocketReceiveResult result;
            do
            {
                result = await Framework.ReceiveAsync(Message.AsMemory(), CancellationToken.None);
                sum += result.Count;
            }
            while (!result.EndOfMessage);
        }

        return sum;
    }

    [Benchmark(OperationsPerInvoke = Count)]
    public long RawWs()
    {
        long sum = 0;
        for (int i = 0; i < Count;)
        {
            while (i < Count && Reader.TryRead(out ReceivedMessage message))
            {
                sum += message.Payload.Length;
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
