using RawWs.Protocol.WebSockets;
using RawWs.Protocol.WebSockets.Deflate;
using static RawWs.Tests.Fuzzing.Targets.FuzzInput;

namespace RawWs.Tests.Fuzzing.Targets;

/// <summary>Compressed messages: as a stream of frames, or as bare deflate that is framed here, since what is
/// behind the frames is the point.</summary>
internal static class DeflateTarget
{
    private static readonly DeflatePool Pool = new(new DeflateOptions());

    private static readonly MessageLimits[] Limits =
    [
        new() { MaxMessageBytes = 250, MaxFragments = 6, ReceiveBufferBytes = 256 },
        new() { MaxMessageBytes = 60_000, MaxFragments = 100, ReceiveBufferBytes = 512 },
    ];

    /// <summary>Bit 0: context takeover. Bit 1: the larger limits. Bit 2: text. Bit 3: the input is a stream
    /// of a client's frames; otherwise its first byte is the length of one message, and the rest another.</summary>
    public static string Run(byte[] input)
    {
        if (!TryRead(input, out FuzzInput? fuzz) || fuzz.Wire.Length == 0)
            return "";
        bool keepsWindow = (fuzz.Options & 1) != 0;
        MessageLimits limits = Limits[(fuzz.Options >> 1) & 1];
        if ((fuzz.Options & 8) == 0)
            fuzz = fuzz.With(Framed(fuzz.Wire, (fuzz.Options & 4) != 0 ? Opcode.Text : Opcode.Binary));

        // With a smaller window a peer that reaches back further is read for as long as the bytes are at hand, so
        // that the cuts would matter.
        var agreed = new DeflateParameters(!keepsWindow, !keepsWindow, 15, 15);
        string outcome = fuzz.Agree(chunks => ReaderRun.Read(
            fuzz.Wire, chunks, Role.Server, limits, new MessageInflater(Pool, agreed, Role.Server)));
        string judged = new NaiveReader(fuzz.Wire, Role.Server, limits, inflates: true, keepsWindow).Read();
        MustEqual(outcome, judged, "the naive reader");
        CheckRoundTrip(outcome.Split('!')[0].Trim(), agreed, limits);
        return ReaderRun.Verdict(outcome);
    }

    private static byte[] Framed(byte[] wire, Opcode opcode)
    {
        int length = Math.Min(wire[0], wire.Length - 1);
        return [.. Fragments(wire[1..(1 + length)], opcode), .. Fragments(wire[(1 + length)..], opcode)];
    }

    private static byte[] Fragments(byte[] message, Opcode opcode)
    {
        int half = message.Length / 2;
        return
        [
            .. Frame(new FrameHeader(opcode, half, false, FrameHeader.Rsv1, 0), message[..half]),
            .. Frame(new FrameHeader(Opcode.Continuation, message.Length - half, true, 0, 0), message[half..]),
        ];
    }

    private static byte[] Frame(in FrameHeader header, byte[] payload)
    {
        byte[] frame = new byte[header.Size];
        header.Write(frame);
        return [.. frame, .. payload];
    }

    private static void CheckRoundTrip(string messages, DeflateParameters agreed, MessageLimits limits)
    {
        using var deflater = new MessageDeflater(Pool, agreed, Role.Client);
        byte[] wire = [.. messages.Split(' ', StringSplitOptions.RemoveEmptyEntries).SelectMany(message =>
        {
            string[] parts = message.Split(':');
            byte[] payload = Convert.FromHexString(parts[1]);
            byte[] frame = new byte[MessageDeflater.MaxFrameSize(payload.Length)];
            return frame[..deflater.Write(frame, Enum.Parse<Opcode>(parts[0]), payload, maskingKey: 0x9D5A01E7)];
        })];
        string again = ReaderRun.Read(
            wire, [wire.Length], Role.Server, limits, new MessageInflater(Pool, agreed, Role.Server));
        MustEqual(again, messages, "what is written is read");
    }
}
