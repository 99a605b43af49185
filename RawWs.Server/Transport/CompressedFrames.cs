using System.Buffers;
using RawWs.Protocol.WebSockets;
using RawWs.Protocol.WebSockets.Deflate;

namespace RawWs.Server.Transport;

/// <summary>The compressed forms of one message's frames, each made once for all receivers that can share it.</summary>
/// <remarks>Safe for use by several threads.</remarks>
internal sealed class CompressedFrames
{
    // As many as there are wire formats and windows, and mostly one.
    private List<(ReadOnlyMemory<byte> Plain, MessageDeflater Deflater, ReadOnlyMemory<byte> Compressed)>? _forms;

    /// <summary>Of what is not worth compressing: everything stays as it is.</summary>
    public static CompressedFrames Never { get; } = new();

    /// <summary>The frames as they go to a connection that shares a deflater.</summary>
    /// <param name="forms">The forms there are already; null if nobody else will want them.</param>
    /// <param name="plain">Whole frames, never written to again.</param>
    /// <param name="deflater">What compresses them, without context takeover.</param>
    public static ReadOnlyMemory<byte> Get(
        CompressedFrames? forms, ReadOnlyMemory<byte> plain, MessageDeflater deflater)
    {
        // Of two opcodes, one is as good as the other: only the size is in question here.
        if (forms == Never || !deflater.Compresses(Opcode.Text, plain.Length))
            return plain;
        return forms is null ? Compress(plain.Span, deflater) : forms.Get(plain, deflater);
    }

    private ReadOnlyMemory<byte> Get(ReadOnlyMemory<byte> plain, MessageDeflater deflater)
    {
        lock (this)
        {
            _forms ??= new(1);
            foreach (var form in _forms)
            {
                // The same memory, not the same bytes.
                if (form.Deflater == deflater && form.Plain.Equals(plain))
                    return form.Compressed;
            }

            var compressed = Compress(plain.Span, deflater);
            _forms.Add((plain, deflater, compressed));
            return compressed;
        }
    }

    private static ReadOnlyMemory<byte> Compress(ReadOnlySpan<byte> frames, MessageDeflater deflater)
    {
        var output = new ArrayBufferWriter<byte>(MessageDeflater.MaxFrameSize(frames.Length));
        while (FrameHeader.TryRead(frames, out var header))
        {
            var payload = frames.Slice(header.Size, (int)header.PayloadLength);
            var size = MessageDeflater.MaxFrameSize(payload.Length);
            output.Advance(deflater.Write(output.GetSpan(size), header.Opcode, payload));
            frames = frames[(header.Size + payload.Length)..];
        }

        return output.WrittenSpan.ToArray();
    }
}
