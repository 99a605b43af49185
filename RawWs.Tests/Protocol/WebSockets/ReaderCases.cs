using System.Text;
using RawWs.Protocol;
using RawWs.Protocol.WebSockets;
using RawWs.Protocol.WebSockets.Deflate;

namespace RawWs.Tests.Protocol.WebSockets;

/// <summary>Runs wire bytes through a reader under every way of cutting them, and wants one and the same
/// outcome.</summary>
internal static class ReaderCases
{
    /// <summary>The outcome of all chunkings: each message as <c>Opcode:hex</c>, then <c>!Error</c> if there
    /// is one.</summary>
    public static string Read(
        byte[] wire,
        Role role = Role.Server,
        MessageLimits? limits = null,
        Func<MessageInflater>? inflater = null)
    {
        limits ??= new MessageLimits();
        string whole = ReadChunks(wire, [wire.Length], role, limits, inflater);
        string byByte = ReadChunks(wire, Enumerable.Repeat(1, wire.Length), role, limits, inflater);
        Assert.That(byByte, Is.EqualTo(whole), "by byte");
        for (int split = 1; split < wire.Length; split++)
        {
            string outcome = ReadChunks(wire, [split, wire.Length - split], role, limits, inflater);
            Assert.That(outcome, Is.EqualTo(whole), $"split at {split}");
        }

        return whole;
    }

    public static string Read(string hex, Role role = Role.Server, MessageLimits? limits = null) =>
        Read(Hex(hex), role, limits);

    /// <summary>How many bytes a reader takes, one at a time, until it sets its error; -1 if it never
    /// does.</summary>
    public static int BytesUntilError(byte[] wire, Role role = Role.Server, MessageLimits? limits = null)
    {
        using var reader = new MessageReader(role, limits ?? new MessageLimits());
        for (int i = 0; i < wire.Length; i++)
        {
            reader.Append(wire.AsSpan(i, 1));
            while (reader.TryRead(out _))
            {
            }

            if (reader.Error != ProtocolError.None)
            {
                return i + 1;
            }
        }

        return -1;
    }

    public static string ReadChunks(
        byte[] wire,
        IEnumerable<int> chunks,
        Role role,
        MessageLimits limits,
        Func<MessageInflater>? inflater = null)
    {
        using var reader = new MessageReader(role, limits, inflater: inflater?.Invoke());
        var outcome = new StringBuilder();
        int position = 0;
        foreach (int chunk in chunks)
        {
            for (int end = position + chunk; position < end;)
            {
                Memory<byte> memory = reader.GetMemory();
                int count = Math.Min(memory.Length, end - position);
                wire.AsSpan(position, count).CopyTo(memory.Span);
                reader.Advance(count);
                position += count;
                Drain(reader, outcome);
            }

            reader.ReleaseBuffer();
        }

        string error = reader.Error == ProtocolError.None ? "" : $"!{reader.Error}";
        return outcome.Append(error).ToString().TrimEnd();
    }

    public static void Drain(MessageReader reader, StringBuilder outcome)
    {
        while (reader.TryRead(out ReceivedMessage message))
        {
            outcome.Append(message.Opcode).Append(':');
            outcome.Append(Convert.ToHexString(message.Payload.Span)).Append(' ');
        }
    }

    /// <summary>Bytes from hex digits, spaces ignored.</summary>
    public static byte[] Hex(string hex) =>
        Convert.FromHexString(hex.Replace(" ", "", StringComparison.Ordinal));

    /// <summary>A client's frame.</summary>
    public static byte[] Frame(
        Opcode opcode, ReadOnlySpan<byte> payload, bool fin = true, uint key = 0x3D21FA37)
    {
        byte[] frame = new byte[FrameWriter.FrameSize(payload.Length, Role.Client)];
        var header = new FrameHeader(opcode, payload.Length, fin, 0, key);
        int size = header.Write(frame);
        payload.CopyTo(frame.AsSpan(size));
        Mask.Apply(frame.AsSpan(size), key, 0);
        return frame;
    }

    public static byte[] Concat(params IEnumerable<byte[]> parts) => [.. parts.SelectMany(part => part)];
}
