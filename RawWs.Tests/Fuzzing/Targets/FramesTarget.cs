using RawWs.Protocol.WebSockets;
using static RawWs.Tests.Fuzzing.Targets.FuzzInput;

namespace RawWs.Tests.Fuzzing.Targets;

/// <summary>A stream of frames to a server or a client, without compression.</summary>
internal static class FramesTarget
{
    private static readonly MessageLimits[] Limits =
    [
        new() { MaxMessageBytes = 300, MaxFragments = 4, ReceiveBufferBytes = 256 },
        new() { MaxMessageBytes = 100_000, MaxFragments = 1000, ReceiveBufferBytes = 512 },
    ];

    public static string Run(byte[] input)
    {
        if (!TryRead(input, out FuzzInput? fuzz))
            return "";
        Role role = (fuzz.Options & 1) == 0 ? Role.Server : Role.Client;
        MessageLimits limits = Limits[(fuzz.Options >> 1) & 1];
        string outcome = fuzz.Agree(chunks => ReaderRun.Read(fuzz.Wire, chunks, role, limits));
        string judged = new NaiveReader(fuzz.Wire, role, limits, inflates: false, keepsWindow: false).Read();
        MustEqual(outcome, judged, "the naive reader");
        CheckRoundTrip(outcome.Split('!')[0].Trim(), role, limits);
        return ReaderRun.Verdict(outcome);
    }

    private static void CheckRoundTrip(string messages, Role role, MessageLimits limits)
    {
        byte[] wire = [.. messages.Split(' ', StringSplitOptions.RemoveEmptyEntries).SelectMany(message =>
        {
            string[] parts = message.Split(':');
            byte[] payload = Convert.FromHexString(parts[1]);
            byte[] frame = new byte[FrameHeader.MaxSize + payload.Length];
            Opcode opcode = Enum.Parse<Opcode>(parts[0]);
            int size = role == Role.Server
                ? FrameWriter.WriteMasked(frame, opcode, payload, maskingKey: 0x9D5A01E7)
                : FrameWriter.Write(frame, opcode, payload);
            return frame[..size];
        })];
        MustEqual(ReaderRun.Read(wire, [wire.Length], role, limits), messages, "what is written is read");
    }
}
