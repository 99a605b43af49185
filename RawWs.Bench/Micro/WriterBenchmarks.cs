using System.Net.WebSockets;
using BenchmarkDotNet.Attributes;
using RawWs.Protocol.WebSockets;

namespace RawWs.Bench.Micro;

/// <summary>Framing a text message: the server's frame and the client's masked one, against the framework's
/// send into a stream that drops everything.</summary>
[MemoryDiagnoser]
public class WriterBenchmarks : IDisposable
{
    private const int Count = 100;

    private byte[] _payload = [];
    private byte[] _frame = [];
    private WebSocket _framework = null!;

    [Params(16, 64, 1024, 16 * 1024, 1024 * 1024)]
    public int Size { get; set; }

    [GlobalSetup]
    public void Setup()
    {
        _payload = new byte[Size];
        _payload.AsSpan().Fill((byte)'a');
        _frame = new byte[FrameWriter.FrameSize(Size, Role.Client)];
        _framework = WebSocket.CreateFromStream(
            new NullStream(), new WebSocketCreationOptions { IsServer = true });
    }

    [GlobalCleanup]
    public void Dispose()
    {
        _framework.Dispose();
        GC.SuppressFinalize(this);
    }

    [Benchmark(Baseline = true, OperationsPerInvoke = Count)]
    public async Task Framework()
    {
        for (int i = 0; i < Count; i++)
        {
            await _framework.SendAsync(
                _payload.AsMemory(), WebSocketMessageType.Text, true, CancellationToken.None);
        }
    }

    [Benchmark(OperationsPerInvoke = Count)]
    public int Server()
    {
        int sum = 0;
        for (int i = 0; i < Count; i++)
        {
            sum += FrameWriter.Write(_frame, Opcode.Text, _payload);
        }

        return sum;
    }

    [Benchmark(OperationsPerInvoke = Count)]
    public int Client()
    {
        int sum = 0;
        for (int i = 0; i < Count; i++)
        {
            sum += FrameWriter.WriteMasked(_frame, Opcode.Text, _payload, 0x3D21FA37);
        }

        return sum;
    }
}
