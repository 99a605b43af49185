using System.Text;
using System.Text.Unicode;
using RawWs.Protocol.WebSockets;
using static RawWs.Tests.Protocol.WebSockets.ReaderCases;

namespace RawWs.Tests.Protocol.WebSockets;

public sealed class Utf8StreamTests
{
    private enum Outcome
    {
        Complete,
        Unfinished,
        Invalid,
    }

    [Test]
    public void Every_sequence_of_one_or_two_bytes_matches_the_grammar_at_every_cut()
    {
        for (int value = 0; value < 1 << 16; value++)
        {
            CheckCuts([(byte)value]);
            CheckCuts([(byte)(value >> 8), (byte)value]);
        }
    }

    [Test]
    public void Every_sequence_of_three_bytes_matches_the_grammar_at_every_cut()
    {
        for (int value = 0; value < 1 << 24; value++)
        {
            CheckCuts([(byte)(value >> 16), (byte)(value >> 8), (byte)value]);
        }
    }

    [Test]
    public void Boundary_sequences_of_four_bytes_match_the_grammar_at_every_cut()
    {
        byte[] edges =
        [
            0x00, 0x7F, 0x80, 0x8F, 0x90, 0x9F, 0xA0, 0xBF, 0xC0, 0xC1,
            0xC2, 0xDF, 0xE0, 0xEC, 0xED, 0xEF, 0xF0, 0xF4, 0xF5, 0xFF,
        ];
        for (int lead = 0xE0; lead <= 0xFF; lead++)
        {
            for (int second = 0; second <= 0xFF; second++)
            {
                foreach (byte third in edges)
                {
                    foreach (byte fourth in edges)
                    {
                        CheckCuts([(byte)lead, (byte)second, third, fourth]);
                    }
                }
            }
        }
    }

    [TestCase("f490", 2)]
    [TestCase("eda0", 2)]
    [TestCase("c0", 1)]
    [TestCase("c1", 1)]
    [TestCase("e080", 2)]
    [TestCase("f08f", 2)]
    [TestCase("f5", 1)]
    [TestCase("ff", 1)]
    [TestCase("80", 1)]
    [TestCase("c3 28", 2)]
    [TestCase("e282 28", 3)]
    [TestCase("f09f98 28", 4)]
    public void The_first_bad_byte_fails_at_once(string hex, int badAt)
    {
        byte[] bytes = Hex(hex);
        foreach (string before in (string[])["", "ascii ascii ascii ascii ascii ascii", "κόσμε"])
        {
            var utf8 = default(Utf8Stream);
            Assert.That(utf8.TryAppend(Encoding.UTF8.GetBytes(before)), Is.True);
            for (int i = 0; i < badAt - 1; i++)
            {
                Assert.That(utf8.TryAppend(bytes.AsSpan(i, 1)), Is.True, $"byte {i}");
            }

            Assert.That(utf8.TryAppend(bytes.AsSpan(badAt - 1, 1)), Is.False);
            var whole = default(Utf8Stream);
            byte[] part = [.. Encoding.UTF8.GetBytes(before), .. bytes[..badAt]];
            Assert.That(whole.TryAppend(part), Is.False, "in one part");
        }
    }

    [Test]
    public void A_truncated_character_stays_incomplete_over_an_empty_part(
        [Values("c3", "e282", "f09f98", "f0")] string hex)
    {
        var utf8 = default(Utf8Stream);
        Assert.That(utf8.TryAppend(Hex(hex)), Is.True);
        Assert.That(utf8.TryAppend([]), Is.True);
        Assert.That(utf8.IsComplete, Is.False);
    }

    [Test]
    public void Long_texts_agree_with_the_framework_wherever_a_byte_is_damaged()
    {
        byte[] text = Encoding.UTF8.GetBytes(
            string.Concat(Enumerable.Repeat("plain ASCII, Grüße, Κόσμε, 日本語の文字, 𝄞🙂 ", 6)));
        foreach (int shift in Enumerable.Range(0, 8))
        {
            for (int i = shift; i < text.Length; i++)
            {
                foreach (byte damage in (byte[])[0x00, 0x80, 0xC2, 0xE2, 0xED, 0xF0, 0xF4, 0xFF])
                {
                    byte[] damaged = text[shift..];
                    damaged[i - shift] = damage;
                    var utf8 = default(Utf8Stream);
                    bool isValid = utf8.TryAppend(damaged) && utf8.IsComplete;
                    Assert.That(
                        isValid, Is.EqualTo(Utf8.IsValid(damaged)), $"{damage:x2} at {i}, from {shift}");
                }
            }
        }
    }

    private static void CheckCuts(ReadOnlySpan<byte> bytes)
    {
        Outcome expected = Reference(bytes);
        for (int cut = 0; cut < bytes.Length; cut++)
        {
            var utf8 = default(Utf8Stream);
            Outcome actual =
                !utf8.TryAppend(bytes[..cut]) || !utf8.TryAppend(bytes[cut..]) ? Outcome.Invalid
                : utf8.IsComplete ? Outcome.Complete : Outcome.Unfinished;
            if (actual != expected)
            {
                Assert.Fail($"{Convert.ToHexString(bytes)} cut at {cut}: {actual}, not {expected}");
            }
        }
    }

    // The grammar of RFC 3629 §4, word for word and slow.
    private static Outcome Reference(ReadOnlySpan<byte> bytes)
    {
        while (!bytes.IsEmpty)
        {
            (int tails, byte low, byte high) = bytes[0] switch
            {
                <= 0x7F => (0, (byte)0, (byte)0),
                >= 0xC2 and <= 0xDF => (1, (byte)0x80, (byte)0xBF),
                0xE0 => (2, (byte)0xA0, (byte)0xBF),
                (>= 0xE1 and <= 0xEC) or 0xEE or 0xEF => (2, (byte)0x80, (byte)0xBF),
                0xED => (2, (byte)0x80, (byte)0x9F),
                0xF0 => (3, (byte)0x90, (byte)0xBF),
                >= 0xF1 and <= 0xF3 => (3, (byte)0x80, (byte)0xBF),
                0xF4 => (3, (byte)0x80, (byte)0x8F),
                _ => (-1, (byte)0, (byte)0),
            };
            if (tails < 0)
            {
                return Outcome.Invalid;
            }

            for (int i = 1; i <= tails; i++, low = 0x80, high = 0xBF)
            {
                if (i == bytes.Length)
                {
                    return Outcome.Unfinished;
                }

                if (bytes[i] < low || bytes[i] > high)
                {
                    return Outcome.Invalid;
                }
            }

            bytes = bytes[(1 + tails)..];
        }

        return Outcome.Complete;
    }
}
