using System.Buffers;
using System.Buffers.Text;

namespace RawWs.Protocol.EngineIO;

/// <summary>Writes the packets of a polling payload.</summary>
public static class PayloadWriter
{
    /// <summary>Writes what is between two packets.</summary>
    public static void WriteSeparator(IBufferWriter<byte> output)
    {
        ArgumentNullException.ThrowIfNull(output);
        output.Write([PayloadReader.Separator]);
    }

    /// <summary>Writes a text packet.</summary>
    /// <param name="output">Where it goes.</param>
    /// <param name="type">Its kind.</param>
    /// <param name="payload">UTF-8 without the byte 0x1e.</param>
    public static void WriteText(IBufferWriter<byte> output, EnginePacketType type, ReadOnlySpan<byte> payload)
    {
        ArgumentNullException.ThrowIfNull(output);
        output.Write([(byte)('0' + (int)type)]);
        output.Write(payload);
    }

    /// <summary>Writes a binary message as text: <c>b</c> and base64.</summary>
    public static void WriteBinary(IBufferWriter<byte> output, ReadOnlySpan<byte> payload)
    {
        ArgumentNullException.ThrowIfNull(output);
        var length = 1 + Base64.GetMaxEncodedToUtf8Length(payload.Length);
        var text = output.GetSpan(length);
        text[0] = (byte)'b';
        Base64.EncodeToUtf8(payload, text[1..], out _, out _);
        output.Advance(length);
    }
}
