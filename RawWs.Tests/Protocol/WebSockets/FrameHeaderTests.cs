using RawWs.Protocol.WebSockets;
using static RawWs.Tests.Protocol.WebSockets.ReaderCases;

namespace RawWs.Tests.Protocol.WebSockets;

public sealed class FrameHeaderTests
{
    // RFC 6455 §5.7.
    [TestCase("8105", true, Opcode.Text, false, 5, TestName = "Reads_the_header_of_an_unmasked_text_message")]
    [TestCase(
        "818537fa213d", true, Opcode.Text, true, 5, TestName = "Reads_the_header_of_a_masked_text_message")]
    [TestCase("0103", false, Opcode.Text, false, 3, TestName = "Reads_the_header_of_a_first_fragment")]
    [TestCase("8002", true, Opcode.Continuation, false, 2, TestName = "Reads_the_header_of_a_last_fragment")]
    [TestCase("8905", true, Opcode.Ping, false, 5, TestName = "Reads_the_header_of_a_ping")]
    [TestCase("8a8537fa213d", true, Opcode.Pong, true, 5, TestName = "Reads_the_header_of_a_masked_pong")]
    [TestCase("827e0100", true, Opcode.Binary, false, 256, TestName = "Reads_a_16_bit_length")]
    [TestCase("827f0000000000010000", true, Opcode.Binary, false, 65536, TestName = "Reads_a_64_bit_length")]
    public void Rfc_examples(string hex, bool fin, Opcode opcode, bool isMasked, long length)
    {
        byte[] wire = Hex(hex);
        Assert.That(FrameHeader.TryRead(wire, out FrameHeader header), Is.True);
        Assert.That(header.Fin, Is.EqualTo(fin));
        Assert.That(header.Opcode, Is.EqualTo(opcode));
        Assert.That(header.IsMasked, Is.EqualTo(isMasked));
        Assert.That(header.MaskingKey, Is.EqualTo(isMasked ? 0x3D21FA37u : 0u));
        Assert.That(header.PayloadLength, Is.EqualTo(length));
        Assert.That(header.Size, Is.EqualTo(wire.Length));
        Assert.That(header.ReservedBits, Is.Zero);
        Assert.That(header.IsLengthMinimal, Is.True);
        byte[] written = new byte[header.Size];
        Assert.That(header.Write(written), Is.EqualTo(wire.Length));
        Assert.That(written, Is.EqualTo(wire));
    }

    [Test]
    public void An_incomplete_header_is_not_read(
        [Values("8105", "818537fa213d", "82fe010037fa213d", "82ff000000000001000037fa213d")] string hex)
    {
        byte[] wire = Hex(hex);
        for (int length = 0; length < wire.Length; length++)
        {
            Assert.That(FrameHeader.TryRead(wire.AsSpan(0, length), out _), Is.False, $"{length} bytes");
        }
    }

    [TestCase(0, 2)]
    [TestCase(125, 2)]
    [TestCase(126, 4)]
    [TestCase(65535, 4)]
    [TestCase(65536, 10)]
    [TestCase(long.MaxValue, 10)]
    public void A_length_is_written_in_its_shortest_form(long length, int size)
    {
        var plain = new FrameHeader(Opcode.Binary, length);
        var masked = new FrameHeader(Opcode.Binary, length, fin: false, reservedBits: 0x40, maskingKey: 0);
        Assert.That(plain.Size, Is.EqualTo(size));
        Assert.That(masked.Size, Is.EqualTo(size + 4));
        foreach (FrameHeader header in (FrameHeader[])[plain, masked])
        {
            byte[] wire = new byte[header.Size];
            header.Write(wire);
            Assert.That(FrameHeader.TryRead(wire, out FrameHeader read), Is.True);
            Assert.That(read, Is.EqualTo(header));
            Assert.That(read.IsLengthMinimal, Is.True);
        }
    }

    [TestCase("827e007d")]
    [TestCase("827e0000")]
    [TestCase("827f000000000000ffff")]
    [TestCase("827f0000000000000001")]
    public void A_length_in_more_bytes_than_needed_is_seen(string hex)
    {
        Assert.That(FrameHeader.TryRead(Hex(hex), out FrameHeader header), Is.True);
        Assert.That(header.IsLengthMinimal, Is.False);
    }

    [Test]
    public void A_length_with_its_top_bit_set_reads_as_negative()
    {
        Assert.That(FrameHeader.TryRead(Hex("827f8000000000000000"), out FrameHeader header), Is.True);
        Assert.That(header.PayloadLength, Is.EqualTo(long.MinValue));
    }

    [Test]
    public void Misuse_throws()
    {
        Assert.That(() => new FrameHeader(Opcode.Text, -1), Throws.InstanceOf<ArgumentOutOfRangeException>());
        Assert.That(() => new FrameHeader((Opcode)16, 0), Throws.InstanceOf<ArgumentOutOfRangeException>());
        Assert.That(
            () => new FrameHeader(Opcode.Text, 0, reservedBits: 0x80),
            Throws.InstanceOf<ArgumentOutOfRangeException>());
        Assert.That(() => new FrameHeader(Opcode.Text, 126).Write(new byte[3]), Throws.ArgumentException);
    }
}
