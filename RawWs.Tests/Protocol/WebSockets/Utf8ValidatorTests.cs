using System.Text;
using System.Text.Unicode;
using RawWs.Protocol.WebSockets;

namespace RawWs.Tests.Protocol.WebSockets;

/// <summary>Each width of vector that this machine has, against the framework's validator.</summary>
public sealed class Utf8ValidatorTests
{
    private const int Longest = 200;

    private static readonly (string Name, Func<int, bool> CanCheck, Validator IsValid)[] Validators =
    [
        ("chosen width", _ => true, Utf8Validator.IsValid),
        ("128 bits", Utf8Validator.CanCheck<ByteBlock128>, Utf8Validator.IsValid<ByteBlock128>),
        ("256 bits", Utf8Validator.CanCheck<ByteBlock256>, Utf8Validator.IsValid<ByteBlock256>),
        ("512 bits", Utf8Validator.CanCheck<ByteBlock512>, Utf8Validator.IsValid<ByteBlock512>),
    ];

    // What is around a sequence: nothing that a block skips, and characters of each length.
    private static readonly byte[][] Fillers =
    [
        [.. Enumerable.Repeat((byte)'a', Longest)],
        Filler("é"),
        Filler("日"),
        Filler("🙂"),
        Filler("plain text then 日本語 then é🙂"),
    ];

    private delegate bool Validator(ReadOnlySpan<byte> text);

    [Test]
    public void Every_sequence_of_one_or_two_bytes_is_judged_alike()
    {
        foreach (int offset in (int[])[0, 1, 7, 8, 15, 16, 31, 32, 33, 62, 63, 64, 65])
        {
            for (int value = 0; value < 1 << 16; value++)
            {
                CheckInFillers([(byte)(value >> 8), (byte)value], offset, fillers: 3);
            }
        }
    }

    [Test]
    public void Boundary_sequences_of_three_and_four_bytes_are_judged_alike_at_every_offset()
    {
        byte[][] sequences = [.. BoundarySequences()];
        for (int offset = 0; offset <= 130; offset++)
        {
            foreach (byte[] sequence in sequences)
            {
                CheckInFillers(sequence, offset, Fillers.Length);
            }
        }
    }

    [Test]
    public void A_text_may_end_anywhere_and_what_is_around_it_does_not_count()
    {
        const int guard = 80;
        byte[] memory = new byte[guard + Longest + guard];
        foreach (byte[] filler in Fillers)
        {
            for (int length = 0; length <= Longest; length++)
            {
                for (int start = 0; start < 12 && start <= length; start++)
                {
                    Span<byte> text = memory.AsSpan(guard, length - start);
                    foreach (byte around in (byte[])[0x41, 0x80, 0xF0])
                    {
                        memory.AsSpan().Fill(around);
                        filler.AsSpan(start, length - start).CopyTo(text);
                        Check(text, $"{start}..{length} in {around:x2}");
                    }
                }
            }
        }
    }

    [Test]
    public void A_long_text_may_begin_at_any_address()
    {
        const int alignments = 64;
        const int length = 330;
        byte[] memory = new byte[alignments + length + alignments];
        byte[][] sequences =
        [
            [0xC3, 0xA9], [0xC3, 0x28], [0x80], [0xE2, 0x82], [0xED, 0xA0, 0x80], [0xF0, 0x9F, 0x98, 0x80], [0xFF],
        ];
        for (int alignment = 3; alignment < 3 + alignments; alignment++)
        {
            Span<byte> text = memory.AsSpan(alignment, length);
            memory.AsSpan().Fill(0xF0);
            foreach (byte[] sequence in sequences)
            {
                for (int offset = 0; offset <= length - sequence.Length; offset++)
                {
                    text.Fill((byte)'a');
                    sequence.CopyTo(text[offset..]);
                    Check(text, $"{offset}, at {alignment}");
                }
            }
        }
    }

    [Test]
    public void Valid_texts_and_their_mutations_are_judged_alike()
    {
        var random = new Random(20260101);
        for (int round = 0; round < 60_000; round++)
        {
            byte[] text = RandomText(random, random.Next(1, 400));
            Check(text, $"round {round}");
            for (int mutations = random.Next(1, 3); mutations > 0; mutations--)
            {
                text[random.Next(text.Length)] = (byte)random.Next(random.Next(2) == 0 ? 0x80 : 0, 0x100);
            }

            Check(text, $"round {round}, mutated");
            Check(text.AsSpan(0, random.Next(text.Length)), $"round {round}, cut");
        }
    }

    // Around every edge of the grammar of RFC 3629 §4: each kind of lead byte, each edge of a second byte, and a
    // third and a fourth that are missing, continue, or begin something else.
    private static IEnumerable<byte[]> BoundarySequences()
    {
        byte[] leads =
        [
            0x7F, 0x80, 0xC1, 0xC2, 0xDF, 0xE0, 0xE1, 0xEC, 0xED, 0xEE, 0xEF, 0xF0, 0xF1, 0xF3, 0xF4, 0xF5, 0xFF,
        ];
        byte[] seconds = [0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF, 0xC2, 0xE0, 0xF0];
        byte[] others = [0x41, 0x80, 0xBF, 0xE1];
        return from lead in leads
               from second in seconds
               from third in others
               from fourth in others
               select (byte[])[lead, second, third, fourth];
    }

    private static void CheckInFillers(ReadOnlySpan<byte> sequence, int offset, int fillers)
    {
        Span<byte> text = stackalloc byte[Longest];
        foreach (byte[] filler in Fillers.AsSpan(0, fillers))
        {
            filler.CopyTo(text);

            // The character that the sequence would cut in two gives way to ASCII, and so does the one behind it.
            for (int i = offset; i > 0 && (filler[i] & 0xC0) == 0x80; i--)
            {
                text[i - 1] = (byte)'b';
            }

            sequence.CopyTo(text[offset..]);
            int end = offset + sequence.Length;
            Check(text[..end], "at the end");
            for (; (filler[end] & 0xC0) == 0x80; end++)
            {
                text[end] = (byte)'b';
            }

            Check(text, "inside");
        }
    }

    private static void Check(ReadOnlySpan<byte> text, string what)
    {
        bool expected = Utf8.IsValid(text);
        foreach ((string name, Func<int, bool> canCheck, Validator isValid) in Validators)
        {
            if (canCheck(text.Length) && isValid(text) != expected)
            {
                Assert.Fail($"{name}, {what}: {Convert.ToHexString(text)} is valid: {expected}");
            }
        }
    }

    private static byte[] RandomText(Random random, int length)
    {
        var text = new StringBuilder();
        bool isMixed = random.Next(2) == 0;
        int kind = random.Next(5);
        while (text.Length < length)
        {
            kind = isMixed && random.Next(4) == 0 ? random.Next(5) : kind;
            int scalar = kind switch
            {
                0 or 1 => random.Next(0x80),
                2 => random.Next(0x80, 0x800),
                3 => random.Next(2) == 0 ? random.Next(0x800, 0xD800) : random.Next(0xE000, 0x10000),
                _ => random.Next(0x10000, 0x110000),
            };
            text.Append(new Rune(scalar).ToString());
        }

        return Encoding.UTF8.GetBytes(text.ToString());
    }

    // Valid as a whole: a character that does not fit is replaced.
    private static byte[] Filler(string unit)
    {
        byte[] filler = Encoding.UTF8.GetBytes(string.Concat(Enumerable.Repeat(unit, Longest)));
        int end = Longest;
        while ((filler[end] & 0xC0) == 0x80)
        {
            end--;
        }

        filler.AsSpan(end).Fill((byte)'a');
        return filler[..Longest];
    }
}
