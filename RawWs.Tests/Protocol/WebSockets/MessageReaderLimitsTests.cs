using RawWs.Protocol;
using RawWs.Protocol.WebSockets;
using static RawWs.Tests.Protocol.WebSockets.ReaderCases;

namespace RawWs.Tests.Protocol.WebSockets;

/// <summary>What a peer can make a reader hold and do: sizes, counts, buffers, work.</summary>
public sealed class MessageReaderLimitsTests
{
    private static readonly MessageLimits Small = new() { MaxMessageBytes = 10, MaxFragments = 3 };

    [Test]
    public void A_message_at_the_limit_passes_and_one_byte_more_does_not()
    {
        Assert.That(
            Read(Frame(Opcode.Binary, new byte[10]), limits: Small),
            Is.EqualTo("Binary:00000000000000000000"));
        Assert.That(Read(Frame(Opcode.Binary, new byte[11]), limits: Small), Is.EqualTo("!MessageTooBig"));
    }

    [Test]
    public void The_limit_counts_all_fragments()
    {
        byte[] first = Frame(Opcode.Binary, new byte[6], fin: false);
        Assert.That(
            Read(Concat(first, Frame(Opcode.Continuation, new byte[4])), limits: Small),
            Is.EqualTo("Binary:00000000000000000000"));
        Assert.That(
            Read(Concat(first, Frame(Opcode.Continuation, new byte[5])), limits: Small),
            Is.EqualTo("!MessageTooBig"));
    }

    [Test]
    public void The_limit_is_per_message_and_spares_control_frames()
    {
        byte[] message = Frame(Opcode.Binary, new byte[10]);
        byte[] ping = Frame(Opcode.Ping, new byte[11]);
        Assert.That(Read(Concat(message, ping, message), limits: Small), Does.Not.Contain("!"));
    }

    [Test]
    public void A_message_over_the_limit_fails_by_its_header_alone()
    {
        Assert.That(BytesUntilError(Hex("82ff 7fffffffffffffff 00000000")), Is.EqualTo(14));
        Assert.That(BytesUntilError(Hex("82ff 0000000000100001 00000000")), Is.EqualTo(14));
        Assert.That(BytesUntilError(Hex("82ff 0000000000100000 00000000")), Is.EqualTo(-1));
    }

    [Test]
    public void Empty_fragments_count()
    {
        byte[] first = Frame(Opcode.Text, [], fin: false);
        byte[] middle = Frame(Opcode.Continuation, [], fin: false);
        byte[] last = Frame(Opcode.Continuation, []);
        Assert.That(
            Read(Concat(first, middle, last, first, middle, last), limits: Small), Is.EqualTo("Text: Text:"));
        Assert.That(Read(Concat(first, middle, middle), limits: Small), Is.EqualTo(""));
        Assert.That(
            Read(Concat(first, middle, middle, last), limits: Small), Is.EqualTo("!TooManyFragments"));
    }

    [TestCase(65_536, true)]
    [TestCase(131_072, true)]
    [TestCase(131_073, false)]
    public void So_many_fragments_pass_by_default(int count, bool passes)
    {
        var pool = new CountingPool();
        using var reader = new MessageReader(Role.Server, new MessageLimits(), pool);
        bool isRead = false;
        for (int i = 0; i < count; i++)
        {
            reader.Append(Frame(i == 0 ? Opcode.Text : Opcode.Continuation, "x"u8, i == count - 1));
            isRead = reader.TryRead(out ReceivedMessage message);
            Assert.That(isRead, Is.EqualTo(passes && i == count - 1));
            Assert.That(message.Payload.Length, Is.EqualTo(isRead ? count : 0));
        }

        Assert.That(reader.Error, Is.EqualTo(passes ? ProtocolError.None : ProtocolError.TooManyFragments));
        Assert.That(
            pool.PeakBytes, Is.LessThan(4096 + (4 * count)), "no memory beyond the payload, doubled twice");
    }

    [Test]
    public void Memory_follows_what_has_come_and_not_what_is_announced(
        [Values(Opcode.Text, Opcode.Binary)] Opcode opcode)
    {
        var pool = new CountingPool();
        using var reader = new MessageReader(
            Role.Server, new MessageLimits { MaxMessageBytes = 1 << 30 }, pool);
        byte[] header = new byte[FrameHeader.MaxSize];
        new FrameHeader(opcode, 1 << 30, true, 0, 0).Write(header);
        reader.Append(header);
        Assert.That(reader.TryRead(out _), Is.False);
        reader.GetMemory();
        Assert.That(pool.RentedBytes, Is.LessThanOrEqualTo(4096 + (64 * 1024)));
        for (int received = 0; received < 1 << 20; received += 1000)
        {
            reader.Append(new byte[1000]);
            Assert.That(reader.TryRead(out _), Is.False);
            Assert.That(
                pool.RentedBytes, Is.LessThanOrEqualTo(4096 + Math.Max(64 * 1024, 4 * (received + 1001))));
        }
    }

    [Test]
    public void A_large_frame_is_received_into_its_message_without_a_further_copy()
    {
        using var reader = new MessageReader(Role.Server, new MessageLimits());
        byte[] wire = Frame(Opcode.Binary, new byte[60_000]);
        reader.Append(wire.AsSpan(0, 100));
        Assert.That(reader.TryRead(out _), Is.False);
        Memory<byte> rest = reader.GetMemory();
        Assert.That(rest.Length, Is.EqualTo(wire.Length - 100));
        wire.AsSpan(100).CopyTo(rest.Span);
        reader.Advance(rest.Length);
        Assert.That(reader.TryRead(out ReceivedMessage message), Is.True);
        Assert.That(message.Payload.Span.Overlaps(rest.Span), Is.True);
    }

    [Test]
    public void A_small_frame_is_a_slice_of_the_receive_buffer()
    {
        using var reader = new MessageReader(Role.Server, new MessageLimits());
        Memory<byte> memory = reader.GetMemory();
        Frame(Opcode.Text, "Hello"u8).CopyTo(memory);
        reader.Advance(11);
        Assert.That(reader.TryRead(out ReceivedMessage message), Is.True);
        Assert.That(message.Payload.Span.Overlaps(memory.Span), Is.True);
    }

    [Test]
    public void Messages_that_do_not_quite_fit_a_buffer_come_in_one_read_each_from_the_next_size_on()
    {
        using var reader = new MessageReader(Role.Server, new MessageLimits(), new CountingPool());
        byte[] wire = Frame(Opcode.Binary, new byte[16 * 1024]);
        for (int i = 0; i < 10; i++)
        {
            int reads = 0;
            for (int sent = 0; sent < wire.Length; reads++)
            {
                Memory<byte> memory = reader.GetMemory();
                int count = Math.Min(memory.Length, wire.Length - sent);
                wire.AsMemory(sent, count).CopyTo(memory);
                reader.Advance(count);
                sent += count;
                Assert.That(reader.TryRead(out _), Is.EqualTo(sent == wire.Length));
            }

            reader.ReleaseBuffer();
            if (i > 5)
            {
                Assert.That(reads, Is.EqualTo(1));
            }
        }
    }

    [Test]
    public void The_receive_buffer_grows_while_reads_fill_it_and_shrinks_again_after_small_ones()
    {
        using var reader = new MessageReader(Role.Server, new MessageLimits(), new CountingPool());
        var lengths = new List<int>();
        for (int i = 0; i < 6; i++)
        {
            Memory<byte> memory = reader.GetMemory();
            lengths.Add(memory.Length);
            for (int position = 0; position < memory.Length; position += 8)
            {
                Frame(Opcode.Ping, "hi"u8).CopyTo(memory[position..]);
            }

            reader.Advance(memory.Length);
            while (reader.TryRead(out _))
            {
            }
        }

        Assert.That(lengths, Is.EqualTo((int[])[4096, 8192, 16384, 32768, 65536, 65536]));
        for (int i = 0; i < 4; i++)
        {
            reader.Append(Frame(Opcode.Ping, []));
            Assert.That(reader.TryRead(out _), Is.True);
            reader.ReleaseBuffer();
        }

        Assert.That(reader.GetMemory().Length, Is.EqualTo(4096));
    }

    [Test]
    public void An_idle_reader_holds_no_buffer()
    {
        var pool = new CountingPool();
        using var reader = new MessageReader(Role.Server, new MessageLimits(), pool);
        Assert.That(reader.HasBuffer, Is.False);
        reader.Append(Concat(Frame(Opcode.Text, "Hello"u8), Frame(Opcode.Binary, new byte[500_000])));
        Assert.That(reader.HasBuffer, Is.True);
        Assert.That(reader.TryRead(out _) && reader.TryRead(out _) && !reader.TryRead(out _), Is.True);
        reader.ReleaseBuffer();
        Assert.That((reader.HasBuffer, pool.RentedCount), Is.EqualTo((false, 0)));
    }

    [Test]
    public void Unread_bytes_and_an_open_message_survive_a_release()
    {
        var pool = new CountingPool();
        using var reader = new MessageReader(Role.Server, new MessageLimits(), pool);
        byte[] wire = Concat(Frame(Opcode.Text, "Hel"u8, fin: false), Frame(Opcode.Continuation, "lo"u8));
        reader.Append(wire.AsSpan(0, 9));
        Assert.That(reader.TryRead(out _), Is.False);
        reader.ReleaseBuffer();
        Assert.That((reader.HasBuffer, pool.RentedCount), Is.EqualTo((false, 1)));
        reader.Append(wire.AsSpan(9, 3));
        Assert.That(reader.TryRead(out _), Is.False);
        reader.ReleaseBuffer();
        Assert.That(reader.HasBuffer, Is.True);
        reader.Append(wire.AsSpan(12));
        Assert.That(reader.TryRead(out ReceivedMessage message), Is.True);
        Assert.That(message.Payload.ToArray(), Is.EqualTo("Hello"u8.ToArray()));
    }

    [Test]
    public void Every_buffer_goes_back_once_wherever_the_connection_ends()
    {
        byte[] wire = Concat(
            Frame(Opcode.Text, "small"u8),
            Frame(Opcode.Binary, new byte[6000]),
            Frame(Opcode.Text, "frag"u8, fin: false),
            Frame(Opcode.Ping, []),
            Frame(Opcode.Continuation, new byte[5000]),
            Frame(Opcode.Text, [0xFF]));
        for (int end = 0; end <= wire.Length; end += end < 40 ? 1 : 37)
        {
            var pool = new CountingPool();
            var reader = new MessageReader(Role.Server, new MessageLimits { ReceiveBufferBytes = 256 }, pool);
            reader.Append(wire.AsSpan(0, end));
            while (reader.TryRead(out _))
            {
            }

            reader.GetMemory();
            reader.Dispose();
            reader.Dispose();
            Assert.That(pool.RentedCount, Is.Zero, $"after {end} bytes");
        }
    }

    [Test]
    public void After_the_end_further_bytes_are_thrown_away(
        [Values("8380 00000000", "8880 00000000")] string last)
    {
        var pool = new CountingPool();
        using var reader = new MessageReader(Role.Server, new MessageLimits(), pool);
        reader.Append(Hex("0181 00000000 61" + last));
        while (reader.TryRead(out _))
        {
        }

        for (int i = 0; i < 1000; i++)
        {
            reader.Advance(reader.GetMemory().Length);
            Assert.That(reader.TryRead(out _), Is.False);
        }

        Assert.That(pool.RentedBytes, Is.LessThanOrEqualTo(128 * 1024));
        reader.ReleaseBuffer();
        Assert.That(pool.RentedCount, Is.Zero);
    }

    [Test, CancelAfter(60_000)]
    public void Sixteen_mebibytes_byte_by_byte_take_linear_work(
        [Values] bool fragmented, CancellationToken stop)
    {
        const int Size = 16 << 20;
        using var reader = new MessageReader(Role.Server, new MessageLimits { MaxMessageBytes = Size });
        byte[] text = new byte[fragmented ? 4096 : Size];
        byte[] first = Frame(Opcode.Text, text, !fragmented);
        byte[] middle = Frame(Opcode.Continuation, text, false);
        int received = 0;
        for (int frame = 0; frame < Size / text.Length; frame++)
        {
            bool isLast = (frame + 1) * text.Length == Size;
            byte[] wire = frame == 0 ? first : isLast ? Frame(Opcode.Continuation, text) : middle;
            foreach (byte b in wire)
            {
                reader.GetMemory().Span[0] = b;
                reader.Advance(1);
                received = reader.TryRead(out ReceivedMessage message) ? message.Payload.Length : received;
            }

            stop.ThrowIfCancellationRequested();
        }

        Assert.That(received, Is.EqualTo(Size));
    }
}
