using RawWs.Protocol;
using RawWs.Protocol.WebSockets;
using RawWs.Protocol.WebSockets.Deflate;

namespace RawWs.Tests.Protocol.WebSockets.Deflate;

/// <summary>What a peer can make a reader hold and do with compressed messages.</summary>
public sealed class CompressedLimitsTests
{
    private const int Limit = 1 << 20;

    [TestCase(0)]
    [TestCase(1)]
    [TestCase(1000)]
    [TestCase(Limit)]
    public void A_message_at_the_limit_passes_and_one_byte_more_does_not(int limit)
    {
        var limits = new MessageLimits { MaxMessageBytes = limit };
        Assert.That(
            Outcome(DeflateCases.Compress([.. DeflateCases.Json(limit), (byte)'!']), limits),
            Is.EqualTo((ProtocolError.MessageTooBig, -1)));
        byte[] atLimit = limit == 0 ? [0] : DeflateCases.Compress(DeflateCases.Json(limit));
        Assert.That(Outcome(atLimit, limits), Is.EqualTo((ProtocolError.None, limit)));
    }

    [TestCase(100)]
    [TestCase(100_000)]
    [TestCase(Limit)]
    public void A_message_at_the_limit_passes_even_if_compression_made_it_larger(int limit)
    {
        // The worst that a deflater may do is 9 bits for each byte: the fixed code, from 144 on.
        byte[] compressed = FixedCode(limit);
        Assert.That(compressed, Has.Length.GreaterThan(limit * 9 / 8));
        Assert.That(
            Outcome(compressed, new MessageLimits { MaxMessageBytes = limit }),
            Is.EqualTo((ProtocolError.None, limit)));
    }

    [Test]
    public void A_bomb_is_stopped_while_it_inflates(
        [Values(100_000, 1_000_000, Limit)] int limit, [Values] bool fragmented, [Values] bool takeover)
    {
        var bomb = DeflateCases.Compress(new byte[128 << 20]);
        Assert.That(bomb, Has.Length.LessThan(Limit / 5));
        var pool = new CountingPool();
        var limits = new MessageLimits { MaxMessageBytes = limit };
        DeflateParameters agreed = takeover ? DeflateCases.Takeover : DeflateCases.NoTakeover;
        using var reader = new MessageReader(
            Role.Server, limits, pool, new MessageInflater(DeflateCases.Pool, agreed, Role.Server));
        byte[] wire = fragmented
            ? ReaderCases.Concat(
                DeflateCases.Frame(Opcode.Binary, bomb.AsSpan(0, 10), false),
                DeflateCases.Frame(Opcode.Continuation, bomb.AsSpan(10)))
            : DeflateCases.Frame(Opcode.Binary, bomb);
        int received = 0;
        while (reader.Error == ProtocolError.None)
        {
            reader.Append(wire.AsSpan(received, 500));
            received += 500;
            Assert.That(reader.TryRead(out _), Is.False);
        }

        Assert.That(reader.Error, Is.EqualTo(ProtocolError.MessageTooBig));
        Assert.That(received, Is.LessThan(3000), "1 MiB of zeros is a kilobyte");
        Assert.That(pool.PeakBytes, Is.LessThanOrEqualTo(limit + (64 * 1024)));
        reader.ReleaseBuffer();
        Assert.That(pool.RentedCount, Is.Zero);
    }

    [Test]
    public void Memory_follows_what_is_inflated_and_not_what_is_announced()
    {
        var pool = new CountingPool();
        using var reader = new MessageReader(
            Role.Server, new MessageLimits(), pool,
            new MessageInflater(DeflateCases.Pool, DeflateCases.NoTakeover, Role.Server));
        byte[] header = new byte[FrameHeader.MaxSize];
        new FrameHeader(Opcode.Binary, 1_000_000, true, FrameHeader.Rsv1, 0).Write(header);
        reader.Append(header);
        Assert.That(reader.TryRead(out _), Is.False);
        reader.GetMemory();
        Assert.That(pool.RentedBytes, Is.LessThanOrEqualTo(4096));
    }

    [Test]
    public void A_frame_that_cannot_be_within_the_limit_fails_by_its_header_alone()
    {
        byte[] header = new byte[FrameHeader.MaxSize];
        new FrameHeader(Opcode.Binary, long.MaxValue, true, FrameHeader.Rsv1, 0).Write(header);
        Assert.That(Fails(header), Is.EqualTo(ProtocolError.MessageTooBig));
        new FrameHeader(Opcode.Binary, Limit * 5 / 4, true, FrameHeader.Rsv1, 0).Write(header);
        Assert.That(Fails(header), Is.EqualTo(ProtocolError.MessageTooBig));

        // What is not compressed has no such margin.
        new FrameHeader(Opcode.Binary, Limit + 1, true, 0, 0).Write(header);
        Assert.That(Fails(header), Is.EqualTo(ProtocolError.MessageTooBig));
        new FrameHeader(Opcode.Binary, Limit + 1, true, FrameHeader.Rsv1, 0).Write(header);
        Assert.That(Fails(header), Is.EqualTo(ProtocolError.None));
    }

    [Test]
    public void Blocks_that_inflate_to_nothing_are_bounded_too()
    {
        byte[] nothing = [.. Enumerable.Repeat(Convert.FromHexString("000000FFFF"), 100).SelectMany(b => b)];
        using var reader = Reader(new MessageLimits { MaxMessageBytes = 100 });
        reader.Append(DeflateCases.Frame(Opcode.Binary, nothing, fin: false));
        Assert.That(reader.TryRead(out _), Is.False);
        for (int i = 0; reader.Error == ProtocolError.None; i++)
        {
            Assert.That(i, Is.LessThan(10));
            reader.Append(DeflateCases.Frame(Opcode.Continuation, nothing, fin: false));
            Assert.That(reader.TryRead(out _), Is.False);
        }

        Assert.That(reader.Error, Is.EqualTo(ProtocolError.MessageTooBig));
    }

    [Test]
    public void A_limit_is_per_message()
    {
        var limits = new MessageLimits { MaxMessageBytes = 1000 };
        byte[] message = DeflateCases.Frame(Opcode.Binary, DeflateCases.Compress(new byte[1000]));
        using var reader = Reader(limits);
        reader.Append(ReaderCases.Concat(message, message, message));
        for (int i = 0; i < 3; i++)
        {
            Assert.That(reader.TryRead(out ReceivedMessage read), Is.True);
            Assert.That(read.Payload.Length, Is.EqualTo(1000));
        }
    }

    [Test, CancelAfter(60_000)]
    public void Tiny_fragments_and_final_blocks_take_linear_work(
        [Values] bool tinyFragments, CancellationToken stop)
    {
        // A final block with fixed codes of the one letter a.
        const int Blocks = 300_000;
        byte[] block = Convert.FromHexString("4B0400");
        byte[] blocks = [.. Enumerable.Repeat(block, Blocks).SelectMany(one => one)];
        using var reader = Reader(new MessageLimits { MaxFragments = int.MaxValue });
        int length = -1;
        int step = tinyFragments ? 1 : blocks.Length;
        for (int i = 0; i < blocks.Length; i += step)
        {
            Opcode opcode = i == 0 ? Opcode.Text : Opcode.Continuation;
            reader.Append(DeflateCases.Frame(opcode, blocks.AsSpan(i, step), i + step == blocks.Length));
            length = reader.TryRead(out ReceivedMessage message) ? message.Payload.Length : length;
            stop.ThrowIfCancellationRequested();
        }

        Assert.That((reader.Error, length), Is.EqualTo((ProtocolError.None, Blocks)));
    }

    [Test]
    public void Every_buffer_and_inflater_goes_back_wherever_the_connection_ends()
    {
        const int Header = 6;
        byte[] wire = ReaderCases.Concat(
            DeflateCases.Frame(Opcode.Text, DeflateCases.Compress(DeflateCases.Json(50))),
            DeflateCases.Frame(Opcode.Text, DeflateCases.Compress("Hello"u8), fin: false),
            ReaderCases.Frame(Opcode.Ping, []),
            ReaderCases.Frame(Opcode.Continuation, [0x00]),
            DeflateCases.Frame(Opcode.Text, [0xFF]));
        for (int end = 0; end <= wire.Length; end++)
        {
            using var inflaters = new DeflatePool(new DeflateOptions { MaxPooled = 1 });
            var pool = new CountingPool();
            var inflater = new MessageInflater(inflaters, DeflateCases.NoTakeover, Role.Server);
            var reader = new MessageReader(Role.Server, new MessageLimits(), pool, inflater);
            reader.Append(wire.AsSpan(0, end));
            while (reader.TryRead(out _))
            {
            }

            reader.Dispose();
            reader.Dispose();
            Assert.That(inflater.HoldsInflater, Is.False);
            Assert.That(inflaters.Count, Is.EqualTo(end < Header ? 0 : 1), $"after {end} bytes");
            Assert.That(pool.RentedCount, Is.Zero, $"after {end} bytes");
        }
    }

    private static MessageReader Reader(MessageLimits limits)
    {
        var inflater = new MessageInflater(DeflateCases.Pool, DeflateCases.NoTakeover, Role.Server);
        return new MessageReader(Role.Server, limits, inflater: inflater);
    }

    private static ProtocolError Fails(byte[] wire)
    {
        using var reader = Reader(new MessageLimits { MaxMessageBytes = Limit });
        reader.Append(wire);
        Assert.That(reader.TryRead(out _), Is.False);
        return reader.Error;
    }

    private static (ProtocolError Error, int Length) Outcome(byte[] compressed, MessageLimits limits)
    {
        using var reader = Reader(limits);
        byte[] wire = DeflateCases.Frame(Opcode.Binary, compressed);
        (ProtocolError, int) whole = Outcome(reader, wire, wire.Length);
        using var again = Reader(limits);
        Assert.That(Outcome(again, wire, 1), Is.EqualTo(whole), "by byte");
        return whole;
    }

    private static (ProtocolError Error, int Length) Outcome(MessageReader reader, byte[] wire, int chunk)
    {
        int length = -1;
        for (int i = 0; i < wire.Length; i += chunk)
        {
            reader.Append(wire.AsSpan(i, chunk));
            length = reader.TryRead(out ReceivedMessage message) ? message.Payload.Length : length;
        }

        return (reader.Error, length);
    }

    /// <summary>A message of 0xFF, each in the 9 bits of the fixed code, as RFC 7692 §7.2.1 wants
    /// it.</summary>
    private static byte[] FixedCode(int count)
    {
        var bits = new List<bool> { false, true, false };
        for (int i = 0; i < count; i++)
        {
            bits.AddRange(Enumerable.Repeat(true, 9));
        }

        // The end of the block, then the header of an empty one.
        bits.AddRange(new bool[7 + 3]);
        byte[] bytes = new byte[(bits.Count + 7) / 8];
        for (int i = 0; i < bits.Count; i++)
        {
            bytes[i / 8] |= (byte)(bits[i] ? 1 << (i % 8) : 0);
        }

        return bytes;
    }
}
