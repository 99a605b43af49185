using RawWs.Protocol;
using RawWs.Protocol.WebSockets;
using static RawWs.Tests.Protocol.WebSockets.ReaderCases;

namespace RawWs.Tests.Protocol.WebSockets;

public sealed class MessageReaderTests
{
    // RFC 6455 §5.7, as a client receives them and, masked, as a server does.
    [TestCase("8105 48656c6c6f", Role.Client, "Text:48656C6C6F", TestName = "Rfc_unmasked_text")]
    [TestCase("8185 37fa213d 7f9f4d5158", Role.Server, "Text:48656C6C6F", TestName = "Rfc_masked_text")]
    [TestCase("0103 48656c 8002 6c6f", Role.Client, "Text:48656C6C6F", TestName = "Rfc_fragmented_text")]
    [TestCase("8905 48656c6c6f", Role.Client, "Ping:48656C6C6F", TestName = "Rfc_unmasked_ping")]
    [TestCase("8a85 37fa213d 7f9f4d5158", Role.Server, "Pong:48656C6C6F", TestName = "Rfc_masked_pong")]
    public void Rfc_examples_are_read(string hex, Role role, string expected) =>
        Assert.That(Read(hex, role), Is.EqualTo(expected));

    [TestCase(256, "827e0100")]
    [TestCase(65536, "827f0000000000010000")]
    public void Rfc_examples_of_long_binary_messages_are_read(int length, string header)
    {
        byte[] payload = new byte[length];
        new Random(length).NextBytes(payload);
        foreach (int chunk in (int[])[1, 7, 997, 4096, 1 << 20])
        {
            byte[] wire = [.. Hex(header), .. payload];
            IEnumerable<int> chunks = wire.Chunk(chunk).Select(part => part.Length);
            string outcome = ReadChunks(wire, chunks, Role.Client, new MessageLimits());
            Assert.That(
                outcome, Is.EqualTo("Binary:" + Convert.ToHexString(payload)), $"in chunks of {chunk}");
        }
    }

    [TestCase("8180 00000000", "Text:")]
    [TestCase("8280 00000000", "Binary:")]
    [TestCase("0180 00000000 0080 00000000 8080 00000000", "Text:")]
    [TestCase("0281 00000000 61 0080 00000000 8081 00000000 62", "Binary:6162")]
    [TestCase("8980 00000000 8a80 00000000", "Ping: Pong:")]
    [TestCase("0181 00000000 61 8981 00000000 70 8a80 00000000 8081 00000000 62", "Ping:70 Pong: Text:6162")]
    [TestCase("0181 00000000 c3 8980 00000000 8081 00000000 a9", "Ping: Text:C3A9")]
    [TestCase("8182 01020304 c2ab 8182 00000000 c3a9", "Text:C3A9 Text:C3A9")]
    public void Valid_frames_are_read(string hex, string expected) =>
        Assert.That(Read(hex), Is.EqualTo(expected));

    [TestCase("c180 00000000", ProtocolError.ReservedBits)]
    [TestCase("a180 00000000", ProtocolError.ReservedBits)]
    [TestCase("9980 00000000", ProtocolError.ReservedBits)]
    [TestCase("8380 00000000", ProtocolError.ReservedOpcode)]
    [TestCase("8f81 00000000 61", ProtocolError.ReservedOpcode)]
    [TestCase("8101 61", ProtocolError.UnmaskedFrame)]
    [TestCase("0980 00000000", ProtocolError.FragmentedControlFrame)]
    [TestCase("89fe 007e 00000000", ProtocolError.ControlFrameTooLong)]
    [TestCase("81fe 0001 00000000 61", ProtocolError.LengthNotMinimal)]
    [TestCase("81ff 8000000000000000 00000000", ProtocolError.LengthOutOfRange)]
    [TestCase("8080 00000000", ProtocolError.UnexpectedContinuation)]
    [TestCase("0180 00000000 8180 00000000", ProtocolError.UnfinishedMessage)]
    [TestCase("8181 00000000 ff", ProtocolError.InvalidUtf8)]
    [TestCase("8182 00000000 e282", ProtocolError.InvalidUtf8)]
    [TestCase("0182 00000000 e282 8080 00000000", ProtocolError.InvalidUtf8)]
    [TestCase("0182 00000000 e282 8081 00000000 61", ProtocolError.InvalidUtf8)]
    [TestCase("8881 00000000 03", ProtocolError.ClosePayloadTooShort)]
    [TestCase("8882 00000000 03ed", ProtocolError.InvalidCloseCode)]
    [TestCase("8883 00000000 03e8 ff", ProtocolError.InvalidUtf8)]
    [TestCase("8883 00000000 03e8 c3", ProtocolError.InvalidUtf8)]
    [TestCase("81ff 7fffffffffffffff 00000000", ProtocolError.MessageTooBig)]
    public void Server_rejects(string hex, ProtocolError expected)
    {
        Assert.That(Read(hex), Is.EqualTo($"!{expected}"));
        Assert.That(
            Read("8182 00000000 6f6b 8980 00000000" + hex), Is.EqualTo($"Text:6F6B Ping: !{expected}"));
        Assert.That(Read(hex + "8182 00000000 6f6b"), Is.EqualTo($"!{expected}"), "nothing is read after it");
    }

    [Test]
    public void Client_rejects_a_masked_frame() =>
        Assert.That(Read("8100 8180 00000000", Role.Client), Is.EqualTo("Text: !MaskedFrame"));

    [TestCase("8880 00000000", "Close:")]
    [TestCase("8882 00000000 03e8", "Close:03E8")]
    [TestCase("0181 00000000 61 8882 00000000 03e8", "Close:03E8")]
    public void Nothing_is_read_after_a_close_frame(string hex, string expected) =>
        Assert.That(Read(hex + "8980 00000000 8380 00000000"), Is.EqualTo(expected));

    [Test]
    public void A_close_reason_of_123_bytes_is_read()
    {
        byte[] payload = [0x03, 0xE8, .. Enumerable.Repeat((byte)'x', 123)];
        Assert.That(Read(Frame(Opcode.Close, payload)), Is.EqualTo("Close:" + Convert.ToHexString(payload)));
    }

    [TestCase("ceba e1bdb9 cf83 cebc ceb5 f4908080 656469", 13, TestName = "Fails_at_a_byte_above_U_10FFFF")]
    [TestCase("61 eda080", 3, TestName = "Fails_at_the_byte_of_a_surrogate")]
    [TestCase("61 c0af", 2, TestName = "Fails_at_an_overlong_lead")]
    [TestCase("6161 e08080", 4, TestName = "Fails_at_an_overlong_second_byte")]
    public void Text_fails_at_its_first_bad_byte(string hex, int badAt)
    {
        byte[] payload = Hex(hex);
        Assert.That(BytesUntilError(Frame(Opcode.Text, payload)), Is.EqualTo(6 + badAt), "one frame");
        byte[] fragments = Concat(payload.Select((b, i) =>
            Frame(i == 0 ? Opcode.Text : Opcode.Continuation, [b], i == payload.Length - 1)));
        Assert.That(BytesUntilError(fragments), Is.EqualTo(badAt * 7), "a frame per byte");
        byte[] inLongFrame = [.. Enumerable.Repeat((byte)'a', 9000), .. payload, .. new byte[60_000]];
        Assert.That(BytesUntilError(Frame(Opcode.Text, inLongFrame)), Is.EqualTo(14 + 9000 + badAt), "long");
    }

    [Test]
    public void A_close_reason_fails_at_its_first_bad_byte() =>
        Assert.That(BytesUntilError(Frame(Opcode.Close, Hex("03e8 6161 ff 6161"))), Is.EqualTo(6 + 5));

    [Test]
    public void A_close_code_fails_when_it_is_there() =>
        Assert.That(BytesUntilError(Frame(Opcode.Close, Hex("03ed 6161"))), Is.EqualTo(6 + 2));

    [Test]
    public void Messages_of_many_sizes_and_cuts_are_read_exactly()
    {
        var random = new Random(7);
        int[] sizes =
            [0, 1, 125, 126, 127, 250, 4080, 4088, 4090, 4096, 5000, 8192, 65535, 65536, 70_000, 300_000];
        foreach (int chunk in (int[])[13, 1000, 4096, 65536, 1 << 21])
        {
            using var reader = new MessageReader(Role.Server, new MessageLimits());
            byte[][] payloads = [.. sizes.Concat(sizes.Reverse()).Select(size =>
            {
                byte[] payload = new byte[size];
                random.NextBytes(payload);
                return payload;
            })];
            byte[] wire = Concat(
                payloads.Select(payload => Frame(Opcode.Binary, payload, true, (uint)random.Next())));
            int next = 0;
            for (int position = 0; position < wire.Length; position += chunk)
            {
                reader.Append(wire.AsSpan(position, Math.Min(chunk, wire.Length - position)));
                while (reader.TryRead(out ReceivedMessage message))
                {
                    bool isExact = message.Payload.Span.SequenceEqual(payloads[next]);
                    Assert.That(isExact, Is.True, $"message {next} by {chunk}");
                    next++;
                }
            }

            Assert.That(next, Is.EqualTo(payloads.Length), $"by {chunk}");
        }
    }

    [Test]
    public void Misuse_throws()
    {
        var reader = new MessageReader(Role.Server, new MessageLimits());
        Assert.That(() => reader.Advance(1), Throws.InstanceOf<ArgumentOutOfRangeException>());
        int length = reader.GetMemory().Length;
        Assert.That(() => reader.Advance(-1), Throws.InstanceOf<ArgumentOutOfRangeException>());
        Assert.That(() => reader.Advance(length + 1), Throws.InstanceOf<ArgumentOutOfRangeException>());
        reader.Dispose();
        reader.Dispose();
        reader.ReleaseBuffer();
        Assert.That(() => reader.GetMemory(), Throws.InstanceOf<ObjectDisposedException>());
        Assert.That(() => reader.TryRead(out _), Throws.InstanceOf<ObjectDisposedException>());
        Assert.That(
            () => new MessageReader(Role.Server, new MessageLimits { ReceiveBufferBytes = 16 }),
            Throws.InstanceOf<ArgumentOutOfRangeException>());
        Assert.That(
            () => new MessageReader(Role.Server, new MessageLimits { MaxMessageBytes = long.MaxValue }),
            Throws.InstanceOf<ArgumentOutOfRangeException>());
        Assert.That(
            () => new MessageReader(Role.Server, new MessageLimits { MaxFragments = 0 }),
            Throws.InstanceOf<ArgumentOutOfRangeException>());
    }
}
