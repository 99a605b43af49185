using System.IO.Compression;
using System.Text;
using BenchmarkDotNet.Attributes;
using RawWs.Protocol.WebSockets;
using RawWs.Protocol.WebSockets.Deflate;

namespace RawWs.Bench.Micro;

/// <summary>What compression costs a message, and what a message that inflates to a thousand times its size costs.</summary>
[MemoryDiagnoser]
public class DeflateBenchmarks : IDisposable
{
    private static readonly DeflateParameters s_agreed = new(true, true, 15, 15);

    private readonly DeflatePool _pool = new(new DeflateOptions());
    private MessageDeflater _deflater = null!;
    private byte[] _text = [];
    private byte[] _frame = [];
    private byte[] _bomb = [];
    private byte[] _output = [];

    /// <summary>Bytes of a text message.</summary>
    [Params(256, 4096, 65536)]
    public int Size { get; set; }

    [GlobalSetup]
    public void SetUp()
    {
        _deflater = new MessageDeflater(_pool, s_agreed, Role.Server);
        var text = new StringBuilder();
        for (var i = 0; text.Length < Size; i++)
            text.Append($$"""{"symbol":"S{{i % 40}}","price":{{100 + (i * 7 % 50)}}.25,"volume":{{i * 31 % 1000}}},""");
        _text = Encoding.ASCII.GetBytes(text.ToString(0, Size));
        _output = new byte[MessageDeflater.MaxFrameSize(Size)];
        using var client = new MessageDeflater(_pool, s_agreed, Role.Client);
        var frame = new byte[MessageDeflater.MaxFrameSize(Size)];
        _frame = frame[..client.Write(frame, Opcode.Text, _text, 0x12345678)];

        using var memory = new MemoryStream();
        using (var deflate = new DeflateStream(memory, CompressionLevel.Optimal, leaveOpen: true))
            deflate.Write(new byte[1 << 30]);
        var compressed = memory.ToArray();
        _bomb = new byte[FrameHeader.MaxSize + compressed.Length];
        var header = new FrameHeader(Opcode.Binary, compressed.Length, true, FrameHeader.Rsv1, 0);
        compressed.CopyTo(_bomb, header.Write(_bomb));
    }

    [GlobalCleanup]
    public void Dispose()
    {
        _deflater.Dispose();
        _pool.Dispose();
        GC.SuppressFinalize(this);
    }

    [Benchmark]
    public int Compress() => _deflater.Write(_output, Opcode.Text, _text);

    [Benchmark]
    public int Inflate() => Read(_frame).Payload.Length;

    /// <summary>A gigabyte in a megabyte: refused once the limit of a megabyte is reached.</summary>
    [Benchmark]
    public int Bomb() => Read(_bomb).Payload.Length;

    private ReceivedMessage Read(byte[] bytes)
    {
        using var reader = new MessageReader(
            Role.Server, new MessageLimits(), inflater: new MessageInflater(_pool, s_agreed, Role.Server));
        reader.Append(bytes);
        reader.TryRead(out var message);
        return message;
    }
}
