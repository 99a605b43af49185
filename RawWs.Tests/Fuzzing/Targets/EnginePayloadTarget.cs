using System.Buffers;
using System.Text;
using System.Text.Unicode;
using RawWs.Protocol.EngineIO;
using static RawWs.Tests.Fuzzing.Targets.FuzzInput;

namespace RawWs.Tests.Fuzzing.Targets;

/// <summary>The body of an Engine.IO POST.</summary>
internal static class EnginePayloadTarget
{
    public static string Run(byte[] input)
    {
        List<string> packets = Read(input, out bool isMalformed);
        MustEqual(string.Join('\n', packets), string.Join('\n', Naive(input, out bool isRefused)), "a naive reader");
        Must(isMalformed == isRefused, "a naive reader's verdict");
        if (packets.Count == 0)
            return "malformed";

        var output = new ArrayBufferWriter<byte>();
        foreach (string packet in packets)
            Write(output, packet);
        List<string> again = Read(output.WrittenSpan.ToArray(), out bool isBad);
        Must(!isBad, "what was read can be written");
        MustEqual(string.Join('\n', again), string.Join('\n', packets), "what was written is read");
        return isMalformed ? "malformed behind packets" : packets.Exists(p => p[1] == 'b') ? "binary" : "text";
    }

    // Each packet as its type, `b` or `t`, and hex.
    private static List<string> Read(byte[] input, out bool isMalformed)
    {
        var reader = new PayloadReader(input.ToArray());
        List<string> packets = [];
        while (reader.TryRead(out EnginePacket packet))
        {
            Must(Enum.IsDefined(packet.Type), "a type is one of seven");
            packets.Add($"{(int)packet.Type}{(packet.IsBinary ? 'b' : 't')}{Convert.ToHexString(packet.Payload.Span)}");
        }

        Must(!reader.TryRead(out _), "the end is the end");
        isMalformed = reader.IsMalformed;
        return packets;
    }

    private static List<string> Naive(byte[] input, out bool isMalformed)
    {
        List<string> packets = [];
        isMalformed = !Utf8.IsValid(input);
        foreach (string item in isMalformed ? [] : Encoding.UTF8.GetString(input).Split('\x1E'))
        {
            isMalformed = item.Length == 0 || item[0] is not ('b' or (>= '0' and <= '6'));
            string? packet = isMalformed ? null
                : item[0] != 'b' ? $"{item[0]}t{Convert.ToHexString(Encoding.UTF8.GetBytes(item[1..]))}"
                : FromBase64(item[1..]) is { } bytes ? $"4b{Convert.ToHexString(bytes)}"
                : null;
            isMalformed = packet is null;
            if (packet is null)
                break;
            packets.Add(packet);
        }

        return packets;
    }

    // Of the texts that stand for the same bytes only the one that an encoder writes is taken.
    private static byte[]? FromBase64(string text)
    {
        try
        {
            byte[] bytes = Convert.FromBase64String(text);
            return Convert.ToBase64String(bytes) == text ? bytes : null;
        }
        catch (FormatException)
        {
            return null;
        }
    }

    private static void Write(ArrayBufferWriter<byte> output, string packet)
    {
        if (output.WrittenCount > 0)
            PayloadWriter.WriteSeparator(output);
        byte[] payload = Convert.FromHexString(packet[2..]);
        if (packet[1] == 'b')
            PayloadWriter.WriteBinary(output, payload);
        else
            PayloadWriter.WriteText(output, (EnginePacketType)(packet[0] - '0'), payload);
    }
}
