using BenchmarkDotNet.Attributes;
using RawWs.Protocol.WebSockets;

namespace RawWs.Bench.Micro;

/// <summary>Masking in place, against a copy of as many bytes and against the loop of RFC 6455
/// §5.3.</summary>
[MemoryDiagnoser]
public class MaskBenchmarks
{
    // A payload begins 8 bytes into a frame of medium size.
    private const int HeaderSize = 8;

    private byte[] _data = [];
    private byte[] _copy = [];

    [Params(16, 64, 1024, 16 * 1024, 1024 * 1024)]
    public int Size { get; set; }

    [GlobalSetup]
    public void Setup()
    {
        _data = new byte[HeaderSize + Size];
        _copy = new byte[HeaderSize + Size];
        new Random(1).NextBytes(_data);
    }

    [Benchmark(Baseline = true)]
    public void CopyTo() => _data.AsSpan(HeaderSize).CopyTo(_copy.AsSpan(HeaderSize));

    [Benchmark]
    public void Apply() => Mask.Apply(_data.AsSpan(HeaderSize), 0x3D21FA37, 0);

    [Benchmark]
    public void ApplyInsideAPayload() => Mask.Apply(_data.AsSpan(HeaderSize), 0x3D21FA37, 3);

    [Benchmark]
    public void Loop()
    {
        ReadOnlySpan<byte> key = [0x37, 0xFA, 0x21, 0x3D];
        Span<byte> data = _data.AsSpan(HeaderSize);
        for (int i = 0; i < data.Length; i++)
        {
            data[i] ^= key[i & 3];
        }
    }
}
