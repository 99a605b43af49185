using System.Text;
using System.Text.Unicode;
using BenchmarkDotNet.Attributes;
using RawWs.Protocol.WebSockets;

namespace RawWs.Bench.Micro;

/// <summary>The validator of whole text, and the incremental one in one part and in two, against the framework's
/// validator of whole text.</summary>
[MemoryDiagnoser]
public class Utf8Benchmarks
{
    private byte[] _text = [];

    [Params(24, 64, 1024, 16 * 1024, 1024 * 1024)]
    public int Size { get; set; }

    [Params("ASCII", "Latin", "CJK", "Emoji")]
    public string Script { get; set; } = "";

    [GlobalSetup]
    public void Setup()
    {
        string unit = Script switch
        {
            "ASCII" => "the quick brown fox ",
            "Latin" => "größere Übung, naïve café ",
            "CJK" => "日本語の文字列を検証する",
            _ => "🙂🎉🚀👍",
        };
        byte[] units = Encoding.UTF8.GetBytes(
            string.Concat(Enumerable.Repeat(unit, 1 + (Size / unit.Length))));
        int length = Size;
        while ((units[length] & 0xC0) == 0x80)
        {
            length--;
        }

        _text = units[..length];
    }

    [Benchmark(Baseline = true)]
    public bool Framework() => Utf8.IsValid(_text);

    [Benchmark]
    public bool Whole() => Utf8Validator.IsValid(_text);

    [Benchmark]
    public bool InOnePart()
    {
        var utf8 = default(Utf8Stream);
        return utf8.TryAppend(_text) && utf8.IsComplete;
    }

    [Benchmark]
    public bool InTwoParts()
    {
        var utf8 = default(Utf8Stream);
        int half = (_text.Length / 2) + 1;
        return utf8.TryAppend(_text.AsSpan(0, half)) && utf8.TryAppend(_text.AsSpan(half)) && utf8.IsComplete;
    }
}
