using RawWs.Protocol.WebSockets;
using RawWs.Protocol.WebSockets.Deflate;
using RawWs.Tests.Protocol.WebSockets;
using RawWs.Tests.Protocol.WebSockets.Deflate;
using RawWs.Tests.Support;

namespace RawWs.Tests.Architecture;

/// <summary>The codec's hot path allocates nothing: not per frame, not per message, not per idle
/// period.</summary>
[NonParallelizable]
public sealed class CodecAllocationTests
{
    private const int Rounds = 2000;

    [Test]
    public void Echoing_a_message_allocates_nothing(
        [Values(0, 16, 64, 1024, 4000, 10_000, 200_000)] int size,
        [Values] Role role,
        [Values] bool fragmented)
    {
        byte[] payload = new byte[size];
        Array.Fill(payload, (byte)'a');
        byte[] wire = role == Role.Server ? Masked(payload, fragmented) : Unmasked(payload, fragmented);
        byte[] reply = new byte[FrameWriter.FrameSize(size, Role.Client)];
        using var reader = new MessageReader(role, new MessageLimits());
        int messages = 0;
        int echoed = 0;

        void Echo()
        {
            echoed++;
            reader.Append(wire);
            while (reader.TryRead(out ReceivedMessage message))
            {
                ReadOnlySpan<byte> received = message.Payload.Span;
                int written = role == Role.Server
                    ? FrameWriter.Write(reply, message.Opcode, received)
                    : FrameWriter.WriteMasked(reply, message.Opcode, received, 0x01020304);
                messages += Math.Sign(written);
            }

            reader.ReleaseBuffer();
        }

        int rounds = size > 10_000 ? Rounds / 20 : Rounds;
        Assert.That(Allocation.Of(Echo, rounds), Is.Zero);
        Assert.That(messages, Is.EqualTo(echoed));
    }

    [Test]
    public void Echoing_a_compressed_message_allocates_nothing(
        [Values(64, 1000, 20_000)] int size, [Values] bool takeover)
    {
        var agreed = new DeflateParameters(!takeover, !takeover, 15, 15);
        using var pool = new DeflatePool(new DeflateOptions());
        using var client = new MessageDeflater(pool, DeflateCases.NoTakeover, Role.Client);
        using var server = new MessageDeflater(pool, agreed, Role.Server);
        using var reader = new MessageReader(
            Role.Server, new MessageLimits(), inflater: new MessageInflater(pool, agreed, Role.Server));
        byte[] payload = new byte[size];
        byte[] reply = new byte[MessageDeflater.MaxFrameSize(size)];
        byte[] wire = new byte[MessageDeflater.MaxFrameSize(size)];
        wire = wire[..client.Write(wire, Opcode.Text, payload, 0x01020304)];
        int messages = 0;
        int echoed = 0;

        void Echo()
        {
            echoed++;
            reader.Append(wire);
            while (reader.TryRead(out ReceivedMessage message))
            {
                int written = server.Write(reply, message.Opcode, message.Payload.Span);
                messages += message.Payload.Length == size && written < size ? 1 : 0;
            }

            reader.ReleaseBuffer();
        }

        Assert.That(Allocation.Of(Echo, Rounds / 10), Is.Zero);
        Assert.That(messages, Is.EqualTo(echoed));
    }

    [Test]
    public void A_ping_its_pong_and_a_close_frame_allocate_nothing()
    {
        byte[] ping = ReaderCases.Frame(Opcode.Ping, "hello"u8);
        byte[] reply = new byte[FrameWriter.MaxCloseFrameSize];
        using var reader = new MessageReader(Role.Server, new MessageLimits());
        Assert.That(Allocation.Of(PingPong, Rounds), Is.Zero);

        void PingPong()
        {
            reader.Append(ping);
            reader.TryRead(out ReceivedMessage message);
            FrameWriter.Write(reply, Opcode.Pong, message.Payload.Span);
            FrameWriter.WriteClose(reply, CloseCode.GoingAway, "server is stopping");
        }
    }

    private static byte[] Masked(byte[] payload, bool fragmented) => fragmented
        ? ReaderCases.Concat(
            ReaderCases.Frame(Opcode.Text, payload.AsSpan(0, payload.Length / 2), fin: false),
            ReaderCases.Frame(Opcode.Continuation, payload.AsSpan(payload.Length / 2)))
        : ReaderCases.Frame(Opcode.Text, payload);

    private static byte[] Unmasked(byte[] payload, bool fragmented) => fragmented
        ? ReaderCases.Concat(
            Plain(Opcode.Text, payload.AsSpan(0, payload.Length / 2), fin: false),
            Plain(Opcode.Continuation, payload.AsSpan(payload.Length / 2), fin: true))
        : Plain(Opcode.Text, payload, fin: true);

    private static byte[] Plain(Opcode opcode, ReadOnlySpan<byte> payload, bool fin)
    {
        byte[] frame = new byte[FrameWriter.FrameSize(payload.Length, Role.Server)];
        FrameWriter.Write(frame, opcode, payload, fin);
        return frame;
    }
}
