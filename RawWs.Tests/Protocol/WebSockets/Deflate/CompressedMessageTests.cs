using System.Text;
using CsCheck;
using RawWs.Protocol;
using RawWs.Protocol.WebSockets;
using RawWs.Protocol.WebSockets.Deflate;
using static RawWs.Tests.Protocol.WebSockets.ReaderCases;
using Gen = CsCheck.Gen;

namespace RawWs.Tests.Protocol.WebSockets.Deflate;

/// <summary>Compressed messages through a <see cref="MessageReader"/>, cut in every way.</summary>
public sealed class CompressedMessageTests
{
    private const string Hello = "Text:48656C6C6F";
    private const string Tail = "000000FFFF";

    private static readonly byte[] HelloBytes = Convert.FromHexString("F248CDC9C90700");

    [TestCase("c107 f248cdc9c90700", Description = "§7.2.3.1, one frame")]
    [TestCase("4103 f248cd 8004 c9c90700", Description = "§7.2.3.1, fragmented")]
    [TestCase("c10b 000500faff48656c6c6f00", Description = "§7.2.3.3, no compression")]
    [TestCase("c108 f348cdc9c9070000", Description = "§7.2.3.4, BFINAL")]
    [TestCase("c10d f248050000 00ffff cac9c90700", Description = "§7.2.3.5, two blocks")]
    [TestCase("4100 0003 f248cd 8004 c9c90700", Description = "an empty first fragment")]
    [TestCase("4107 f248cdc9c90700 8000", Description = "an empty last fragment")]
    [TestCase("4103 f248cd 8900 8004 c9c90700", "Ping:", Description = "a ping between")]
    [TestCase("c107 f348cdc9c90700", Description = "BFINAL without the empty block behind it")]
    [TestCase("c10b 010500faff48656c6c6f00", Description = "BFINAL without compression")]
    public void Hello_is_read_as_RFC_7692_7_2_3_writes_it(string hex, string before = "")
    {
        string expected = before.Length == 0 ? Hello : $"{before} {Hello}";
        Assert.That(Read(hex, NoTakeover), Is.EqualTo(expected));
        Assert.That(Read(hex, Takeover), Is.EqualTo(expected));
    }

    [Test]
    public void RFC_7692_7_2_3_2_a_window_is_taken_over_if_that_was_agreed()
    {
        const string two = "c107 f248cdc9c90700 c105 f200110000";
        Assert.That(Read(two, Takeover), Is.EqualTo($"{Hello} {Hello}"));
        Assert.That(Read(two, NoTakeover), Is.EqualTo($"{Hello} !InvalidDeflate"));
    }

    [Test]
    public void A_window_is_no_larger_than_was_agreed()
    {
        using var keeping = new MessageDeflater(DeflateCases.Pool, Takeover, Role.Client);
        byte[] payload = DeflateCases.Noise(2000);
        byte[] frame = new byte[MessageDeflater.MaxFrameSize(payload.Length)];
        byte[] first = frame[..keeping.Write(frame, Opcode.Binary, payload, 1)];
        byte[] second = frame[..keeping.Write(frame, Opcode.Binary, payload.AsSpan(0, 1000), 2)];
        byte[] wire = Concat(first, second);
        int[] whole = [wire.Length];
        var limits = new MessageLimits();
        Assert.That(
            ReadChunks(wire, whole, Role.Server, limits, Inflater(Takeover)),
            Is.EqualTo(DeflateCases.Outcome(payload, payload[..1000])));
        Assert.That(
            ReadChunks(wire, whole, Role.Server, limits, Inflater(new DeflateParameters(false, false, 15, 9))),
            Is.EqualTo($"{DeflateCases.Outcome(payload)} !InvalidDeflate"));
    }

    [TestCase("c101 00", Description = "§7.2.3.6")]
    [TestCase("c100")]
    [TestCase("4100 8000")]
    [TestCase("c101 01", Description = "an empty final block, without its tail")]
    [TestCase("c102 0300", Description = "an empty final block with fixed codes")]
    [TestCase("c106 000000ffff00")]
    public void A_message_may_be_empty(string hex)
    {
        Assert.That(Read(hex + "c107 f248cdc9c90700", NoTakeover), Is.EqualTo($"Text: {Hello}"));
        Assert.That(Read(hex + "c107 f248cdc9c90700", Takeover), Is.EqualTo($"Text: {Hello}"));
        Assert.That(Read(hex + hex + hex, Takeover), Is.EqualTo("Text: Text: Text:"));
    }

    [Test]
    public void Compressed_and_uncompressed_messages_mix_and_only_the_compressed_are_in_the_window() =>
        Assert.That(
            Read("c107 f248cdc9c90700 8105 48656c6c6f 0102 6162 8001 63 c105 f200110000", Takeover),
            Is.EqualTo($"{Hello} {Hello} Text:616263 {Hello}"));

    [TestCase("a107 f248cdc9c90700", Description = "RSV2")]
    [TestCase("9107 f248cdc9c90700", Description = "RSV3")]
    [TestCase("f107 f248cdc9c90700", Description = "all three")]
    [TestCase("c900", Description = "on a ping")]
    [TestCase("ca00", Description = "on a pong")]
    [TestCase("c800", Description = "on a close")]
    public void Other_reserved_bits_stay_forbidden(string hex)
    {
        Assert.That(Read(hex, Takeover), Is.EqualTo("!ReservedBits"));
        Assert.That(Read("4103 f248cd" + hex, Takeover), Is.EqualTo("!ReservedBits"));
    }

    [Test]
    public void RSV1_on_a_continuation_is_forbidden()
    {
        Assert.That(Read("4103 f248cd c004 c9c90700", Takeover), Is.EqualTo("!ReservedBits"));
        Assert.That(Read("0101 61 c001 61", Takeover), Is.EqualTo("!ReservedBits"));
    }

    [Test]
    public void RSV1_is_forbidden_unless_compression_was_negotiated() =>
        Assert.That(ReaderCases.Read("c107 f248cdc9c90700", Role.Client), Is.EqualTo("!ReservedBits"));

    [TestCase("ff", Description = "a reserved block type")]
    [TestCase("000500fbff48656c6c6f00", Description = "a stored length that is not its complement")]
    [TestCase("f200110000", Description = "a reference to before the window")]
    [TestCase("f248cdc9c907ffff", Description = "rubbish behind the end of a block")]
    [TestCase("edff", Description = "impossible code lengths")]
    public void Corrupt_data_fails_the_connection_with_1007(string compressed)
    {
        byte[] wire = DeflateCases.Frame(Opcode.Binary, Hex(compressed));
        Assert.That(ReadMasked(wire, Takeover), Is.EqualTo("!InvalidDeflate"));
        Assert.That(ReadMasked(wire, NoTakeover), Is.EqualTo("!InvalidDeflate"));
        Assert.That((int)ProtocolError.InvalidDeflate.CloseCode(), Is.EqualTo(1007));
    }

    [Test]
    public void A_message_that_ends_inside_a_block_is_corrupt([Values(5, 100, 3000)] int size)
    {
        byte[] compressed = DeflateCases.Compress(DeflateCases.Json(size));
        for (int end = 1; end < compressed.Length; end++)
        {
            byte[] wire = DeflateCases.Frame(Opcode.Binary, compressed.AsSpan(0, end));
            string outcome = ReadChunks(
                wire, [wire.Length], Role.Server, new MessageLimits(), Inflater(Takeover));
            Assert.That(outcome, Is.EqualTo("!InvalidDeflate"), $"after {end} of {compressed.Length} bytes");
        }
    }

    [Test]
    public void A_message_that_lacks_only_its_empty_block_is_corrupt()
    {
        // Stored blocks end at a byte, so that the tail would be read as the header of the next.
        Assert.That(Read("c20a 000500faff48656c6c6f", Takeover), Is.EqualTo("!InvalidDeflate"));
    }

    [Test]
    public void Text_is_checked_when_it_is_inflated_and_fails_at_the_first_bad_byte()
    {
        byte[] compressed = DeflateCases.Compress([.. "Hello"u8, 0xC0, .. DeflateCases.Noise(3000)]);
        byte[] wire = DeflateCases.Frame(Opcode.Text, compressed);
        Assert.That(ReadMasked(wire, NoTakeover), Is.EqualTo("!InvalidUtf8"));
        using var reader = new MessageReader(
            Role.Server, new MessageLimits(), inflater: Inflater(NoTakeover)());
        reader.Append(wire.AsSpan(0, 1000));
        Assert.That(reader.TryRead(out _), Is.False);
        Assert.That(reader.Error, Is.EqualTo(ProtocolError.InvalidUtf8), "before the message is whole");
    }

    [Test]
    public void Text_that_ends_inside_a_character_is_invalid()
    {
        byte[] wire = DeflateCases.Frame(Opcode.Text, DeflateCases.Compress("aé"u8[..2]));
        Assert.That(ReadMasked(wire, NoTakeover), Is.EqualTo("!InvalidUtf8"));
    }

    [Test]
    public void Text_that_is_inflated_before_corrupt_data_is_judged_first()
    {
        byte[] compressed = [.. DeflateCases.Compress([0xFF, .. "Hello"u8]), .. Hex(Tail[2..] + "FF")];
        byte[] text = DeflateCases.Frame(Opcode.Text, compressed);
        byte[] binary = DeflateCases.Frame(Opcode.Binary, compressed);
        Assert.That(ReadMasked(text, NoTakeover), Is.EqualTo("!InvalidUtf8"));
        Assert.That(ReadMasked(binary, NoTakeover), Is.EqualTo("!InvalidDeflate"));
    }

    [Test]
    public void Several_final_blocks_make_one_message()
    {
        byte[] hello = Hex("f348cdc9c90700");
        byte[] wire = DeflateCases.Frame(Opcode.Text, Concat(hello, hello, hello, HelloBytes));
        string expected = "Text:" + string.Concat(Enumerable.Repeat("48656C6C6F", 4));
        Assert.That(ReadMasked(wire, NoTakeover), Is.EqualTo(expected));
        Assert.That(ReadMasked(wire, Takeover), Is.EqualTo(expected));
    }

    [Test]
    public void What_the_framework_compresses_is_read_however_it_is_cut(
        [Values(1, 200, 2000)] int size, [Values(1, 2, 7)] int fragments)
    {
        byte[] payload = DeflateCases.Json(size);
        byte[] wire = Fragmented(DeflateCases.Compress(payload), fragments);
        Assert.That(ReadMasked(wire, NoTakeover), Is.EqualTo("Text:" + Convert.ToHexString(payload)));
    }

    [Test]
    public void Any_messages_come_through_any_parameters_and_any_cuts()
    {
        Gen<byte[]> payload = Gen.OneOf(
            Gen.Byte.Array[0, 300],
            Gen.Int[0, 3].Select(b => (byte)(b * 70)).Array[0, 3000],
            Gen.Int[0, 20_000].Select(length => DeflateCases.Json(length, length)));
        Gen<DeflateParameters> agreed = Gen.Select(Gen.Bool, Gen.Bool, Gen.Int[9, 15], Gen.Int[8, 15])
            .Select((server, client, s, c) => new DeflateParameters(server, client, s, c));
        Gen.Select(payload.Array[1, 8], agreed, Gen.Int[1, 9], Gen.Int[0, 100], Gen.Bool, Gen.Int[1, 4000])
            .Sample((payloads, agreed, level, least, isServer, chunk) =>
            {
                var options = new DeflateOptions { Level = level, MinMessageBytes = least };
                using var pool = new DeflatePool(options);
                Role sender = isServer ? Role.Server : Role.Client;
                Role receiver = isServer ? Role.Client : Role.Server;
                using var deflater = new MessageDeflater(pool, agreed, sender);
                byte[] wire = Concat(payloads.Select((one, i) =>
                {
                    byte[] frame = new byte[MessageDeflater.MaxFrameSize(one.Length)];
                    uint? key = isServer ? null : (uint)(i * 0x01020305);
                    return frame[..deflater.Write(frame, Opcode.Binary, one, key)];
                }));
                var chunks = Enumerable.Repeat(chunk, (wire.Length / chunk) + 1).Select((size, i) =>
                    Math.Min(size, wire.Length - (i * chunk)));
                string outcome = ReadChunks(
                    wire, chunks, receiver, new MessageLimits { ReceiveBufferBytes = 256 },
                    () => new MessageInflater(pool, agreed, receiver));
                return outcome == DeflateCases.Outcome(payloads);
            }, iter: 300);
    }

    [Test]
    public void Damaged_streams_have_one_outcome_however_they_are_cut([Range(1, 6)] int seed)
    {
        var random = new Random(seed);
        var limits = new MessageLimits { MaxMessageBytes = 3000, ReceiveBufferBytes = 256 };
        var outcomes = new HashSet<string>();
        for (int round = 0; round < 200; round++)
        {
            byte[] wire = Concat(Enumerable.Range(0, random.Next(1, 5)).Select(_ => DamagedMessage(random)));
            Func<MessageInflater> inflater = Inflater(random.Next(2) == 0 ? Takeover : NoTakeover);
            IEnumerable<int> bytes = Enumerable.Repeat(1, wire.Length);
            string whole = ReadChunks(wire, [wire.Length], Role.Server, limits, inflater);
            string byByte = ReadChunks(wire, bytes, Role.Server, limits, inflater);
            Assert.That(byByte, Is.EqualTo(whole), Convert.ToHexString(wire));
            outcomes.Add(whole[(whole.IndexOf('!', StringComparison.Ordinal) + 1)..].Split(':')[0]);
        }

        Assert.That(
            outcomes, Is.SupersetOf((string[])["InvalidDeflate", "InvalidUtf8", "MessageTooBig", "Text"]));
    }

    private static DeflateParameters Takeover => DeflateCases.Takeover;

    private static DeflateParameters NoTakeover => DeflateCases.NoTakeover;

    private static Func<MessageInflater> Inflater(DeflateParameters agreed, Role role = Role.Server) =>
        () => new MessageInflater(DeflateCases.Pool, agreed, role);

    private static string Read(string hex, DeflateParameters agreed) =>
        ReaderCases.Read(Hex(hex), Role.Client, inflater: Inflater(agreed, Role.Client));

    private static string ReadMasked(byte[] wire, DeflateParameters agreed) =>
        ReaderCases.Read(wire, inflater: Inflater(agreed));

    private static byte[] Fragmented(byte[] compressed, int count)
    {
        return Concat(Enumerable.Range(0, count).Select(Fragment));

        byte[] Fragment(int i)
        {
            Opcode opcode = i == 0 ? Opcode.Text : Opcode.Continuation;
            Range part = (compressed.Length * i / count)..(compressed.Length * (i + 1) / count);
            return DeflateCases.Frame(opcode, compressed.AsSpan(part), i == count - 1, (uint)(i * 77777));
        }
    }

    private static byte[] DamagedMessage(Random random)
    {
        byte[] payload = random.Next(4) switch
        {
            0 => DeflateCases.Json(random.Next(4000), random.Next()),
            1 => new byte[random.Next(10_000)],
            2 => Encoding.UTF8.GetBytes(string.Concat(Enumerable.Repeat("é語🙂", random.Next(100)))),
            _ => DeflateCases.Noise(random.Next(100), random.Next()),
        };
        byte[] compressed = payload.Length == 0 ? [0] : DeflateCases.Compress(payload);
        for (int damage = random.Next(3); damage > 1; damage--)
        {
            compressed[random.Next(compressed.Length)] ^= (byte)(1 << random.Next(8));
        }

        return Fragmented(compressed, random.Next(1, 4));
    }
}
