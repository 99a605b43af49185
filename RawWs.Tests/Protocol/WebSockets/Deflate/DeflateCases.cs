using System.IO.Compression;
using System.Text;
using RawWs.Protocol.WebSockets;
using RawWs.Protocol.WebSockets.Deflate;

namespace RawWs.Tests.Protocol.WebSockets.Deflate;

/// <summary>Compressed bytes and frames, made without the code under test.</summary>
internal static class DeflateCases
{
    /// <summary>Both directions keep their largest window.</summary>
    public static readonly DeflateParameters Takeover = new(false, false, 15, 15);

    /// <summary>Each message stands alone.</summary>
    public static readonly DeflateParameters NoTakeover = new(true, true, 15, 15);

    /// <summary>A pool that tests share, as connections do.</summary>
    public static readonly DeflatePool Pool = new(new DeflateOptions());

    /// <summary>The framework's raw deflate of one message, as RFC 7692 §7.2.1 wants it.</summary>
    public static byte[] Compress(ReadOnlySpan<byte> payload)
    {
        using var memory = new MemoryStream();
        using (var deflate = new DeflateStream(memory, CompressionLevel.Optimal, leaveOpen: true))
        {
            deflate.Write(payload);
            deflate.Flush();
            byte[] wire = memory.ToArray();
            Assert.That(wire[^4..], Is.EqualTo(Convert.FromHexString("0000FFFF")));
            return wire[..^4];
        }
    }

    /// <summary>What the framework makes of one message without context.</summary>
    public static byte[] Decompress(ReadOnlySpan<byte> compressed)
    {
        byte[] stream = [.. compressed, 0x00, 0x00, 0xFF, 0xFF, 0x01, 0x00, 0x00, 0xFF, 0xFF];
        using var deflate = new DeflateStream(new MemoryStream(stream), CompressionMode.Decompress);
        using var memory = new MemoryStream();
        deflate.CopyTo(memory);
        return memory.ToArray();
    }

    /// <summary>A client's frame of compressed bytes.</summary>
    public static byte[] Frame(
        Opcode opcode, ReadOnlySpan<byte> compressed, bool fin = true, uint key = 0x3D21FA37)
    {
        byte[] frame = ReaderCases.Frame(opcode, compressed, fin, key);
        frame[0] |= opcode == Opcode.Continuation ? (byte)0 : FrameHeader.Rsv1;
        return frame;
    }

    /// <summary>What <see cref="ReaderCases.Read(byte[], Role, MessageLimits?, Func{MessageInflater}?)"/>
    /// says of binary messages.</summary>
    public static string Outcome(params IEnumerable<byte[]> messages) =>
        string.Join(' ', messages.Select(message => $"Binary:{Convert.ToHexString(message)}")).TrimEnd();

    /// <summary>Text like that of an event: the same words again and again, other numbers.</summary>
    public static byte[] Json(int length, int seed = 1)
    {
        var random = new Random(seed);
        var text = new StringBuilder("[");
        while (text.Length < length)
        {
            text.Append($"{{\"id\":{random.Next(100_000)},\"name\":\"user {random.Next(50)}\",");
            text.Append($"\"price\":{random.Next(99)}.5}},");
        }

        return Encoding.ASCII.GetBytes(text.ToString(0, length));
    }

    public static byte[] Noise(int length, int seed = 1)
    {
        byte[] noise = new byte[length];
        new Random(seed).NextBytes(noise);
        return noise;
    }
}
