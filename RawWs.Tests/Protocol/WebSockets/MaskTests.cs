using RawWs.Protocol.WebSockets;

namespace RawWs.Tests.Protocol.WebSockets;

public sealed class MaskTests
{
    private const int Guard = 80;

    [Test]
    public void Rfc_example_is_unmasked()
    {
        byte[] data = [0x7f, 0x9f, 0x4d, 0x51, 0x58];
        Mask.Apply(data, 0x3D21FA37, 0);
        Assert.That(data, Is.EqualTo("Hello"u8.ToArray()));
    }

    [Test]
    public void Every_length_offset_and_alignment_matches_the_formula_of_the_rfc()
    {
        byte[] key = [0x37, 0xfa, 0x21, 0x3d];
        byte[] original = new byte[(2 * Guard) + 200 + 64];
        new Random(1).NextBytes(original);
        byte[] actual = new byte[original.Length];
        byte[] expected = new byte[original.Length];
        for (int length = 0; length <= 200; length++)
        {
            for (int offset = 0; offset < 4; offset++)
            {
                for (int alignment = 0; alignment < 64; alignment++)
                {
                    original.CopyTo(actual, 0);
                    original.CopyTo(expected, 0);
                    int start = Guard + alignment;
                    for (int i = 0; i < length; i++)
                    {
                        expected[start + i] ^= key[(offset + i) % 4];
                    }

                    Mask.Apply(actual.AsSpan(start, length), 0x3D21FA37, offset);
                    if (!actual.AsSpan().SequenceEqual(expected))
                    {
                        Assert.Fail($"length {length}, offset {offset}, alignment {alignment}");
                    }
                }
            }
        }
    }

    [Test]
    public void Any_cut_of_a_payload_gives_the_same_bytes(
        [Values(255, 256, 257, 1023, 4096, 70001)] int length)
    {
        var random = new Random(length);
        byte[] original = new byte[length];
        random.NextBytes(original);
        byte[] whole = (byte[])original.Clone();
        Mask.Apply(whole, 0xA1B2C3D4, 0);
        for (int round = 0; round < 20; round++)
        {
            byte[] cut = (byte[])original.Clone();
            for (int position = 0; position < length;)
            {
                int count = Math.Min(random.Next(1, 1 + (length / (1 + random.Next(8)))), length - position);
                Mask.Apply(cut.AsSpan(position, count), 0xA1B2C3D4, position);
                position += count;
            }

            Assert.That(cut.AsSpan().SequenceEqual(whole), Is.True);
        }
    }

    [Test]
    public void Applied_twice_the_mask_is_gone()
    {
        byte[] data = [.. Enumerable.Range(0, 1000).Select(i => (byte)i)];
        byte[] copy = (byte[])data.Clone();
        Mask.Apply(copy, 0xDEADBEEF, 3);
        Assert.That(copy, Is.Not.EqualTo(data));
        Mask.Apply(copy, 0xDEADBEEF, 3);
        Assert.That(copy, Is.EqualTo(data));
    }
}
