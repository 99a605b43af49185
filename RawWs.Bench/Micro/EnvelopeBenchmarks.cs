using System.Buffers;
using System.Text;
using System.Text.Json;
using BenchmarkDotNet.Attributes;
using RawWs.Protocol.Envelope;

namespace RawWs.Bench.Micro;

/// <summary>One event in and one event out, beside what the framework's document and serializer take for it.</summary>
[MemoryDiagnoser]
public class EnvelopeBenchmarks
{
    private readonly ArrayBufferWriter<byte> _output = new(64 * 1024);
    private readonly byte[] _malformed = """{"event":"chat","data":{"from":"ann" "text":"hi"}}"""u8.ToArray();
    private byte[] _message = [];
    private byte[] _values = [];
    private Chat _data = new("", "");

    [Params(16, 4096)]
    public int TextLength { get; set; }

    [GlobalSetup]
    public void Setup()
    {
        _data = new Chat("ann", new string('x', TextLength));
        _values = JsonSerializer.SerializeToUtf8Bytes(_data);
        EnvelopeWriter.WriteEvent(_output, "chat"u8, _values, 1, 12);
        _message = _output.WrittenSpan.ToArray();
    }

    [Benchmark]
    public int Decode()
    {
        EnvelopeReader.TryRead(_message, EnvelopeLimits.Default, out EnvelopePacket packet);
        return packet.Name.Length + packet.Values.Length;
    }

    [Benchmark]
    public EnvelopeError DecodeMalformed() => EnvelopeReader.TryRead(_malformed, EnvelopeLimits.Default, out _);

    [Benchmark]
    public int DecodeWithJsonDocument()
    {
        using var document = JsonDocument.Parse(Encoding.UTF8.GetString(_message));
        string? name = document.RootElement.GetProperty("event").GetString();
        return name!.Length + document.RootElement.GetProperty("data").GetRawText().Length;
    }

    [Benchmark]
    public int Encode()
    {
        _output.ResetWrittenCount();
        EnvelopeWriter.WriteEvent(_output, "chat"u8, _values, 1, 12);
        return _output.WrittenCount;
    }

    [Benchmark]
    public int EncodeWithValue()
    {
        _output.ResetWrittenCount();
        EnvelopeWriter.WriteEvent(_output, "chat"u8, JsonSerializer.SerializeToUtf8Bytes(_data), 1, 12);
        return _output.WrittenCount;
    }

    [Benchmark]
    public int EncodeWithJsonSerializer() =>
        Encoding.UTF8.GetBytes(JsonSerializer.Serialize(new { @event = "chat", data = _data, id = 12 })).Length;

    public sealed record Chat(string From, string Text);
}
