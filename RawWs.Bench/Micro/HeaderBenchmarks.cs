using BenchmarkDotNet.Attributes;
using RawWs.Protocol.WebSockets;

namespace RawWs.Bench.Micro;

/// <summary>One frame header: read, checked, written; 1,000 per operation, as they vary on a
/// connection.</summary>
[MemoryDiagnoser]
public class HeaderBenchmarks
{
    private const int Count = 1000;

    private readonly byte[] _wire = new byte[Count * FrameHeader.MaxSize];
    private FrameHeader[] _headers = [];

    [Params(64, 1024, 100_000)]
    public int PayloadLength { get; set; }

    [GlobalSetup]
    public void Setup()
    {
        _headers = new FrameHeader[Count];
        int position = 0;
        for (int i = 0; i < Count; i++)
        {
            _headers[i] = new FrameHeader(
                (i & 1) == 0 ? Opcode.Text : Opcode.Binary, PayloadLength, true, 0, (uint)i);
            position += _headers[i].Write(_wire.AsSpan(position));
        }
    }

    [Benchmark(OperationsPerInvoke = Count)]
    public long Read()
    {
        ReadOnlySpan<byte> rest = _wire;
        long sum = 0;
        for (int i = 0; i < Count && FrameHeader.TryRead(rest, out FrameHeader header); i++)
        {
            sum += header.PayloadLength;
            rest = rest[header.Size..];
        }

        return sum;
    }

    [Benchmark(OperationsPerInvoke = Count)]
    public int ReadAndCheck()
    {
        ReadOnlySpan<byte> rest = _wire;
        int broken = 0;
        for (int i = 0; i < Count && FrameHeader.TryRead(rest, out FrameHeader header); i++)
        {
            broken += (int)FrameRules.Check(header, Role.Server, isMessageOpen: false);
            rest = rest[header.Size..];
        }

        return broken;
    }

    [Benchmark(OperationsPerInvoke = Count)]
    public int Write()
    {
        Span<byte> rest = _wire;
        foreach (FrameHeader header in _headers)
        {
            rest = rest[header.Write(rest)..];
        }

        return rest.Length;
    }
}
