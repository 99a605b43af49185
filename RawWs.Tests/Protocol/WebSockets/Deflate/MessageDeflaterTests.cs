using RawWs.Protocol.WebSockets;
using RawWs.Protocol.WebSockets.Deflate;

namespace RawWs.Tests.Protocol.WebSockets.Deflate;

public sealed class MessageDeflaterTests
{
    private static readonly byte[] Text = DeflateCases.Json(1000);

    [Test]
    public void RFC_7692_7_2_3_Hello_is_framed_as_in_the_examples()
    {
        using var pool = new DeflatePool(new DeflateOptions { MinMessageBytes = 0 });
        using var keeping = new MessageDeflater(pool, DeflateCases.Takeover, Role.Server);
        Assert.That(Hex(keeping, "Hello"u8), Is.EqualTo("C107F248CDC9C90700"));
        Assert.That(Hex(keeping, "Hello"u8), Is.EqualTo("C105F200110000"));
    }

    [Test]
    public void A_client_masks_what_is_compressed()
    {
        using var deflater = new MessageDeflater(DeflateCases.Pool, DeflateCases.NoTakeover, Role.Client);
        byte[] frame = Write(deflater, Text, Opcode.Text, 0x3D21FA37);
        Assert.That(frame, Is.EqualTo(DeflateCases.Frame(Opcode.Text, Unframed(Write(deflater, Text)))));
    }

    [TestCase(Opcode.Close)]
    [TestCase(Opcode.Ping)]
    [TestCase(Opcode.Pong)]
    public void A_control_frame_is_never_compressed(Opcode opcode)
    {
        using var deflater = new MessageDeflater(DeflateCases.Pool, DeflateCases.Takeover, Role.Server);
        byte[] payload = new byte[FrameHeader.MaxControlPayload];
        Assert.That(Write(deflater, payload, opcode), Is.EqualTo(Plain(payload, opcode)));
        Assert.That(() => Write(deflater, new byte[126], opcode), Throws.ArgumentException);
    }

    [TestCase(0, 1)]
    [TestCase(1, 1)]
    [TestCase(100, 100)]
    public void A_message_below_the_least_size_is_not_compressed(int option, int least)
    {
        using var pool = new DeflatePool(new DeflateOptions { MinMessageBytes = option });
        using var deflater = new MessageDeflater(pool, DeflateCases.Takeover, Role.Server);
        byte[] payload = new byte[least];
        Assert.That(Write(deflater, payload)[0], Is.EqualTo(0xC1));
        Assert.That(Write(deflater, payload.AsSpan(1)), Is.EqualTo(Plain(payload.AsSpan(1))));
        Assert.That(Write(deflater, payload.AsSpan(1), Opcode.Binary, 7)[..2],
            Is.EqualTo((byte[])[0x82, (byte)(0x80 + least - 1)]));
    }

    [Test]
    public void What_would_not_get_smaller_is_sent_as_it_is_unless_the_window_wants_it()
    {
        byte[] noise = DeflateCases.Noise(1000);
        using var forgetting = new MessageDeflater(DeflateCases.Pool, DeflateCases.NoTakeover, Role.Server);
        Assert.That(Write(forgetting, noise), Is.EqualTo(Plain(noise)));
        Assert.That(
            Write(forgetting, noise, Opcode.Binary, 0x3D21FA37),
            Is.EqualTo(ReaderCases.Frame(Opcode.Binary, noise)));

        using var keeping = new MessageDeflater(DeflateCases.Pool, DeflateCases.Takeover, Role.Server);
        Assert.That(Write(keeping, noise)[0], Is.EqualTo(0xC1));
        Assert.That(Write(keeping, noise), Has.Length.LessThan(50), "it is in the window");
    }

    [Test]
    public void Nothing_is_compressed_for_a_window_that_zlib_cannot_keep_to()
    {
        using var deflater = new MessageDeflater(
            DeflateCases.Pool, new DeflateParameters(false, false, 15, 8), Role.Client);
        Assert.That(
            Write(deflater, Text, Opcode.Text, 0x3D21FA37), Is.EqualTo(ReaderCases.Frame(Opcode.Text, Text)));
    }

    [Test]
    public void Without_takeover_frames_are_the_same_for_all_and_nothing_is_held()
    {
        using var one = new MessageDeflater(DeflateCases.Pool, DeflateCases.NoTakeover, Role.Server);
        using var other = new MessageDeflater(
            DeflateCases.Pool, new DeflateParameters(true, false, 15, 9), Role.Server);
        byte[] frame = Write(one, Text);
        Assert.That(Write(other, Text), Is.EqualTo(frame));
        Assert.That(DeflateCases.Decompress(Unframed(frame)), Is.EqualTo(Text));
        Write(one, DeflateCases.Noise(500));
        Assert.That(Write(one, Text), Is.EqualTo(frame));
        Assert.That(one.HoldsDeflater, Is.False);
    }

    [Test]
    public void A_released_deflater_begins_a_new_window_that_the_peer_need_not_know()
    {
        using var deflater = new MessageDeflater(DeflateCases.Pool, DeflateCases.Takeover, Role.Server);
        byte[] first = Write(deflater, Text);
        byte[] second = Write(deflater, Text);
        Assert.That(second, Has.Length.LessThan(first.Length / 4));
        Assert.That(deflater.HoldsDeflater, Is.True);
        deflater.Release();
        deflater.Release();
        Assert.That(deflater.HoldsDeflater, Is.False);
        byte[] third = Write(deflater, Text);
        Assert.That(third, Is.EqualTo(first));
        string outcome = ReaderCases.ReadChunks(
            [.. first, .. second, .. third, .. second], [first.Length + (2 * second.Length) + third.Length],
            Role.Client, new MessageLimits(),
            () => new MessageInflater(DeflateCases.Pool, DeflateCases.Takeover, Role.Client));
        string message = $"Text:{Convert.ToHexString(Text)}";
        Assert.That(outcome, Is.EqualTo(string.Join(' ', Enumerable.Repeat(message, 4))));
    }

    [Test]
    public void A_destination_that_might_be_too_short_is_refused_before_anything_is_done()
    {
        using var deflater = new MessageDeflater(DeflateCases.Pool, DeflateCases.Takeover, Role.Server);
        byte[] destination = new byte[MessageDeflater.MaxFrameSize(Text.Length) - 1];
        Assert.That(
            () => deflater.Write(destination, Opcode.Text, Text), Throws.InstanceOf<ArgumentException>());
        Assert.That((deflater.HoldsDeflater, destination.Max()), Is.EqualTo((false, (byte)0)));
    }

    private static byte[] Write(
        MessageDeflater deflater, ReadOnlySpan<byte> payload, Opcode opcode = Opcode.Text, uint? key = null)
    {
        byte[] frame = new byte[MessageDeflater.MaxFrameSize(payload.Length)];
        return frame[..deflater.Write(frame, opcode, payload, key)];
    }

    private static string Hex(MessageDeflater deflater, ReadOnlySpan<byte> payload) =>
        Convert.ToHexString(Write(deflater, payload));

    private static byte[] Plain(ReadOnlySpan<byte> payload, Opcode opcode = Opcode.Text)
    {
        byte[] frame = new byte[FrameWriter.FrameSize(payload.Length, Role.Server)];
        FrameWriter.Write(frame, opcode, payload);
        return frame;
    }

    private static byte[] Unframed(byte[] frame)
    {
        Assert.That(FrameHeader.TryRead(frame, out FrameHeader header), Is.True);
        Assert.That(header.ReservedBits, Is.EqualTo(FrameHeader.Rsv1));
        return frame[header.Size..];
    }
}
