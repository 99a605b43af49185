using System.Buffers;
using RawWs.Protocol;
using RawWs.Protocol.WebSockets.Deflate;

namespace RawWs.Tests.Protocol.WebSockets.Deflate;

public sealed class DeflaterTests
{
    [Test]
    public void RFC_7692_7_2_3_1_Hello_is_compressed_as_in_the_example()
    {
        using var deflater = new Deflater(15, 6);
        Assert.That(Hex(deflater, "Hello"u8, keepWindow: true), Is.EqualTo("F248CDC9C90700"));
    }

    [Test]
    public void RFC_7692_7_2_3_2_the_second_Hello_refers_to_the_first()
    {
        using var deflater = new Deflater(15, 6);
        Hex(deflater, "Hello"u8, keepWindow: true);
        Assert.That(Hex(deflater, "Hello"u8, keepWindow: true), Is.EqualTo("F200110000"));
    }

    [Test]
    public void Without_takeover_each_message_is_compressed_alike()
    {
        using var deflater = new Deflater(15, 6);
        for (int i = 0; i < 3; i++)
        {
            Assert.That(Hex(deflater, "Hello"u8, keepWindow: false), Is.EqualTo("F248CDC9C90700"));
        }
    }

    [Test]
    public void The_framework_reads_each_message_alone(
        [Values(1, 2, 100, 5000, 70_000)] int length,
        [Values(9, 12, 15)] int windowBits,
        [Values(1, 6, 9)] int level)
    {
        using var deflater = new Deflater(windowBits, level);
        for (int seed = 0; seed < 3; seed++)
        {
            byte[] text = DeflateCases.Json(length, seed);
            byte[] noise = DeflateCases.Noise(length, seed);
            Assert.That(DeflateCases.Decompress(Deflate(deflater, text, false)), Is.EqualTo(text));
            Assert.That(DeflateCases.Decompress(Deflate(deflater, noise, false)), Is.EqualTo(noise));
        }
    }

    [Test]
    public void Nothing_gets_larger_than_the_bound(
        [Values(9, 10, 15)] int windowBits, [Values] bool keepWindow, [Values(1, 2, 6, 9)] int level)
    {
        using var deflater = new Deflater(windowBits, level);
        for (int length = 1; length < 150_000; length = (length * 5 / 2) + 1)
        {
            // Bytes from 144 on take 9 bits in the fixed code.
            byte[] worst = [.. DeflateCases.Noise(length).Select(b => (byte)(144 + (b % 112)))];
            Assert.That(() => Deflate(deflater, worst, keepWindow), Throws.Nothing);
            Assert.That(() => Deflate(deflater, DeflateCases.Noise(length), keepWindow), Throws.Nothing);
        }
    }

    [TestCase(9, 240, true)]
    [TestCase(9, 600, false)]
    [TestCase(12, 3800, true)]
    [TestCase(12, 4200, false)]
    [TestCase(15, 32_000, true)]
    [TestCase(15, 33_000, false)]
    public void Nothing_outside_the_window_is_referred_to(int windowBits, int distance, bool isReferredTo)
    {
        using var deflater = new Deflater(windowBits, 9);
        byte[] phrase = DeflateCases.Noise(200);
        byte[] payload = [.. phrase, .. DeflateCases.Noise(distance - phrase.Length, 2), .. phrase];
        byte[] compressed = Deflate(deflater, payload, keepWindow: true);
        Assert.That(compressed, isReferredTo
            ? Has.Length.LessThan(payload.Length - 100)
            : Has.Length.GreaterThanOrEqualTo(payload.Length));

        // An inflater of that size, from which every byte is taken at once, has nothing else to copy from.
        using var inflater = new Inflater(windowBits);
        var output = new PieceBuffer(ArrayPool<byte>.Shared);
        foreach (byte b in compressed)
        {
            Assert.That(inflater.Inflate([b], ref output, payload.Length), Is.EqualTo(ProtocolError.None));
        }

        Assert.That(inflater.Finish(), Is.EqualTo(ProtocolError.None));
        Assert.That(output.Join().ToArray(), Is.EqualTo(payload));
    }

    private static byte[] Deflate(Deflater deflater, ReadOnlySpan<byte> payload, bool keepWindow)
    {
        byte[] destination = new byte[Deflater.MaxSize(payload.Length)];
        return destination[..deflater.Deflate(payload, destination, keepWindow)];
    }

    private static string Hex(Deflater deflater, ReadOnlySpan<byte> payload, bool keepWindow) =>
        Convert.ToHexString(Deflate(deflater, payload, keepWindow));
}
