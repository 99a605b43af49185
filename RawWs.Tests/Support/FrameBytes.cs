using System.Buffers.Binary;
using RawWs.Protocol.WebSockets;

namespace RawWs.Tests.Support;

/// <summary>Frames that no writer would write: every field as the test wants it.</summary>
internal static class FrameBytes
{
    /// <summary>A masked frame with its first byte as given: FIN, RSV1–3 and opcode.</summary>
    public static byte[] WithFirstByte(int first, ReadOnlySpan<byte> payload)
    {
        var frame = WireClient.Frame(Opcode.Binary, payload);
        frame[0] = (byte)first;
        return frame;
    }

    /// <summary>A masked frame whose header says the length in so many bytes: 1, 2 or 8.</summary>
    public static byte[] WithLength(int first, ulong length, int lengthBytes, ReadOnlySpan<byte> payload = default)
    {
        var extended = new byte[8];
        BinaryPrimitives.WriteUInt64BigEndian(extended, length);
        byte second = lengthBytes switch
        {
            1 => (byte)(0x80 | length),
            2 => 0x80 | 126,
            _ => 0x80 | 127,
        };
        // The masking key is zero, which leaves the payload as it is.
        return [(byte)first, second, .. extended.AsSpan(lengthBytes == 1 ? 8 : 8 - lengthBytes), 0, 0, 0, 0, .. payload];
    }

    /// <summary>A message cut into so many fragments, each as long as the next of the sizes says.</summary>
    public static byte[] Fragments(Opcode opcode, ReadOnlySpan<byte> message, Func<int> nextSize)
    {
        var frames = new MemoryStream(message.Length + (message.Length / 8));
        var isFirst = true;
        bool isLast;
        do
        {
            var size = Math.Min(nextSize(), message.Length);
            isLast = size == message.Length;
            frames.Write(WireClient.Frame(isFirst ? opcode : Opcode.Continuation, message[..size], isLast));
            message = message[size..];
            isFirst = false;
        }
        while (!isLast);
        return frames.ToArray();
    }
}
