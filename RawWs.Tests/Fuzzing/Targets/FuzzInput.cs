using System.Diagnostics.CodeAnalysis;

namespace RawWs.Tests.Fuzzing.Targets;

/// <summary>An input of a fuzzer: one byte that chooses limits and the like, three that choose how the rest is
/// cut, and what the peer sends.</summary>
internal sealed class FuzzInput
{
    private const int CutBytes = 3;
    private const int HeaderBytes = 1 + CutBytes;

    private readonly byte[] _cuts;

    private FuzzInput(byte options, byte[] cuts, byte[] wire) => (Options, _cuts, Wire) = (options, cuts, wire);

    public byte Options { get; }

    public byte[] Wire { get; }

    public static bool TryRead(byte[] input, [NotNullWhen(true)] out FuzzInput? fuzz)
    {
        fuzz = input.Length < HeaderBytes ? null
            : new FuzzInput(input[0], input[1..HeaderBytes], input[HeaderBytes..]);
        return fuzz is not null;
    }

    /// <summary>The same choices for what the target makes of the rest.</summary>
    public FuzzInput With(byte[] wire) => new(Options, _cuts, wire);

    /// <summary>Demands one outcome of the whole at once, of the chosen cuts, and of one byte after the
    /// other.</summary>
    public string Agree(Func<IEnumerable<int>, string> read)
    {
        string whole = read([Wire.Length]);
        MustEqual(read(Chosen()), whole, "cut as chosen");
        MustEqual(read(Enumerable.Repeat(1, Wire.Length)), whole, "byte by byte");
        return whole;
    }

    public static void Must([DoesNotReturnIf(false)] bool holds, string rule)
    {
        if (!holds)
            throw new BrokenRuleException(rule);
    }

    public static void MustEqual(string actual, string expected, string rule)
    {
        if (actual != expected)
            throw new BrokenRuleException($"{rule}:\n{actual}\ninstead of\n{expected}");
    }

    // Small chunks to the byte, and larger ones up to 4 KiB; an input of zeros cuts nothing.
    private IEnumerable<int> Chosen()
    {
        for (int position = 0, i = 0; position < Wire.Length; i++)
        {
            int size = _cuts[i % CutBytes] switch
            {
                0 => Wire.Length,
                < 0x80 and var small => small,
                var large => (large - 0x7F) * 32,
            };
            size = Math.Min(size, Wire.Length - position);
            position += size;
            yield return size;
        }
    }
}
