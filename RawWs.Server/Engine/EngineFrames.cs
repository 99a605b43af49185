using System.Buffers;
using RawWs.Protocol.EngineIO;
using RawWs.Protocol.WebSockets;

namespace RawWs.Server.Engine;

/// <summary>Puts messages into the bytes of a transport.</summary>
internal static class EngineFrames
{
    /// <summary>Encodes one text packet and the binary messages that belong behind it.</summary>
    /// <param name="format">The transport's format.</param>
    /// <param name="packet">The packet, its type digit first.</param>
    /// <param name="attachments">Payloads of binary messages.</param>
    public static ReadOnlyMemory<byte> Encode(
        EngineFormat format, ReadOnlySpan<byte> packet, ReadOnlySpan<ReadOnlyMemory<byte>> attachments = default)
    {
        if (format == EngineFormat.WebSocket && attachments.IsEmpty)
        {
            var frame = new byte[FrameWriter.FrameSize(packet.Length, Role.Server)];
            FrameWriter.Write(frame, Opcode.Text, packet);
            return frame;
        }

        var output = new ArrayBufferWriter<byte>(packet.Length + 16);
        WriteText(output, format, packet);
        foreach (var attachment in attachments)
            WriteBinary(output, format, attachment.Span);
        return output.WrittenMemory;
    }

    /// <summary>Encodes a binary message.</summary>
    public static ReadOnlyMemory<byte> EncodeBinary(EngineFormat format, ReadOnlySpan<byte> payload)
    {
        var output = new ArrayBufferWriter<byte>(payload.Length + 16);
        WriteBinary(output, format, payload);
        return output.WrittenMemory;
    }

    /// <summary>Encodes for a WebSocket what was encoded for polling.</summary>
    public static ReadOnlyMemory<byte> FromPayload(EngineFormat format, ReadOnlyMemory<byte> payload)
    {
        var output = new ArrayBufferWriter<byte>(payload.Length + 16);
        // The reader decodes base64 in place, and the payload may be shared.
        var packets = new PayloadReader(payload.ToArray());
        while (packets.TryRead(out var packet))
        {
            if (packet.IsBinary)
                WriteBinary(output, format, packet.Payload.Span);
            else
                WriteText(output, format, [(byte)('0' + (int)packet.Type), .. packet.Payload.Span]);
        }

        return output.WrittenMemory;
    }

    private static void WriteText(ArrayBufferWriter<byte> output, EngineFormat format, ReadOnlySpan<byte> packet)
    {
        if (format == EngineFormat.Polling)
        {
            Separate(output);
            output.Write(packet);
        }
        else
        {
            WriteFrame(output, Opcode.Text, packet);
        }
    }

    private static void WriteBinary(ArrayBufferWriter<byte> output, EngineFormat format, ReadOnlySpan<byte> payload)
    {
        switch (format)
        {
            case EngineFormat.WebSocket:
                WriteFrame(output, Opcode.Binary, payload);
                break;
            case EngineFormat.Polling:
                Separate(output);
                PayloadWriter.WriteBinary(output, payload);
                break;
            default:
                var text = new ArrayBufferWriter<byte>();
                PayloadWriter.WriteBinary(text, payload);
                WriteFrame(output, Opcode.Text, text.WrittenSpan);
                break;
        }
    }

    private static void Separate(ArrayBufferWriter<byte> output)
    {
        if (output.WrittenCount > 0)
            PayloadWriter.WriteSeparator(output);
    }

    private static void WriteFrame(ArrayBufferWriter<byte> output, Opcode opcode, ReadOnlySpan<byte> payload)
    {
        var size = FrameWriter.FrameSize(payload.Length, Role.Server);
        FrameWriter.Write(output.GetSpan(size), opcode, payload);
        output.Advance(size);
    }
}
