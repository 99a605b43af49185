using System.IO.Compression;
using System.Text;
using RawWs.Protocol.WebSockets;

namespace RawWs.Tests.Fuzzing;

/// <summary>Makes streams of frames for a reader of a role from a seed, valid ones and hostile ones.</summary>
internal sealed class FrameStreams(Random random, Role role, bool compresses, bool keepsWindow)
    : IDisposable
{
    private static readonly string[] Alphabet =
        ["a", "Z", " ", "é", "Ω", "語", "€", "🙂", "𝄞", "\u0000", "\uFFFF", "words that come back", "and back again"];

    private readonly MemoryStream _compressed = new();
    private DeflateStream? _deflater;

    /// <summary>A new connection: what was compressed before is forgotten.</summary>
    public byte[] Hostile()
    {
        Forget();
        List<byte> wire = [];
        for (int count = random.Next(1, 8); count > 0; count--)
            wire.AddRange(random.Next(3) == 0 ? ValidMessage(300, isHostile: true) : Damage(LooseFrame()));
        return [.. wire];
    }

    /// <summary>Whole messages with control frames between their fragments, and nothing that breaks a
    /// rule.</summary>
    public byte[] Valid(int messages)
    {
        Forget();
        return [.. Enumerable.Range(0, messages)
            .SelectMany(_ => ValidMessage(random.Next(8) == 0 ? 20_000 : 200, isHostile: false))];
    }

    /// <summary>Sizes of what is received at a time.</summary>
    public IEnumerable<int> Chunks(int length)
    {
        int scale = 1 << random.Next(1, 12);
        while (length > 0)
        {
            int chunk = Math.Min(length, random.Next(1, scale + 1));
            length -= chunk;
            yield return chunk;
        }
    }

    public void Dispose()
    {
        Forget();
        _compressed.Dispose();
    }

    private byte[] ValidMessage(int maxLength, bool isHostile)
    {
        Opcode opcode = random.Next(2) == 0 ? Opcode.Text : Opcode.Binary;
        byte[] payload = Encoding.UTF8.GetBytes(Text(random.Next(maxLength)));
        bool isCompressed = compresses && random.Next(3) != 0;
        if (isCompressed)
            payload = Compress(payload, isFinal: isHostile && random.Next(4) == 0);
        if (isHostile && random.Next(4) == 0 && payload.Length > 0)
            payload[random.Next(payload.Length)] ^= (byte)(1 << random.Next(8));
        int fragments = random.Next(3) == 0 ? random.Next(2, 6) : 1;
        List<byte> frames = [];
        int position = 0;
        for (int i = 1; i <= fragments; i++)
        {
            int end = i == fragments ? payload.Length : random.Next(position, payload.Length + 1);
            byte reserved = isCompressed && i == 1 ? FrameHeader.Rsv1 : (byte)0;
            frames.AddRange(Frame(
                i == 1 ? opcode : Opcode.Continuation, payload[position..end], i == fragments, reserved));
            position = end;
            if (random.Next(3) == 0)
                frames.AddRange(Frame(random.Next(2) == 0 ? Opcode.Ping : Opcode.Pong, new byte[random.Next(126)]));
        }

        return [.. frames];
    }

    // A frame that need not fit those around it.
    private byte[] LooseFrame()
    {
        Opcode opcode = random.Next(12) switch
        {
            < 4 => Opcode.Text,
            < 6 => Opcode.Binary,
            < 8 => Opcode.Continuation,
            8 => Opcode.Ping,
            9 => Opcode.Pong,
            10 => Opcode.Close,
            _ => (Opcode)random.Next(16),
        };
        bool fin = opcode >= Opcode.Close ? random.Next(10) != 0 : random.Next(2) == 0;
        byte reserved = (byte)(random.Next(25) == 0 ? random.Next(8) << 4 : 0);
        return Frame(opcode, LoosePayload(opcode), fin, reserved, isRight: random.Next(25) != 0);
    }

    private byte[] LoosePayload(Opcode opcode)
    {
        int length = random.Next(6) switch
        {
            0 => 0,
            1 => random.Next(600),
            2 => random.Next(60, 70),
            _ => random.Next(15),
        };
        byte[] text = Encoding.UTF8.GetBytes(Text(length));
        if (opcode < Opcode.Close)
            return text;
        if (opcode != Opcode.Close)
            return random.Next(8) == 0 ? text : [.. text.Take(125)];
        int code = random.Next(3) == 0 ? random.Next(990, 1020) : 1000;
        byte[] close = [(byte)(code >> 8), (byte)code, .. text.Take(123)];
        return random.Next(4) == 0 ? close[..random.Next(3)] : close;
    }

    private byte[] Damage(byte[] frame)
    {
        switch (random.Next(30))
        {
            case 0:
                // A length in 64 bits that is not minimal, absurd, or has its top bit set.
                byte top = (byte)(random.Next(3) == 0 ? 0x80 : 0);
                byte mask = (byte)(role == Role.Server ? 0x80 : 0);
                return [frame[0], (byte)(mask | 127), top, .. new byte[random.Next(2) == 0 ? 7 : 3], 1, 2, 3, 4, 5, 6];
            case 1:
                return frame[..random.Next(frame.Length)];
            case 2:
                frame[random.Next(frame.Length)] ^= (byte)(1 << random.Next(8));
                return frame;
            default:
                return frame;
        }
    }

    private byte[] Frame(Opcode opcode, byte[] payload, bool fin = true, byte reserved = 0, bool isRight = true)
    {
        uint? key = role == Role.Server == isRight ? (uint)random.Next() : null;
        var header = new FrameHeader(opcode, payload.Length, fin, reserved, key);
        byte[] frame = new byte[header.Size + payload.Length];
        int size = header.Write(frame);
        for (int i = 0; i < payload.Length; i++)
            frame[size + i] = (byte)(payload[i] ^ (header.MaskingKey >> (8 * (i % 4))));
        return frame;
    }

    // RFC 7692 §7.2.1; a block with BFINAL may end a message too.
    private byte[] Compress(byte[] payload, bool isFinal)
    {
        if (!keepsWindow)
            Forget();
        _compressed.SetLength(0);
        _deflater ??= new DeflateStream(_compressed, CompressionLevel.Optimal, leaveOpen: true);
        _deflater.Write(payload);
        _deflater.Flush();
        int length = (int)_compressed.Length;
        if (isFinal)
        {
            // Closes with an empty block, behind which everything is new.
            _deflater.Dispose();
            _deflater = null;
            return _compressed.ToArray();
        }

        // Nothing is written for nothing: one empty block stands for it.
        return length == 0 ? [0x00] : _compressed.ToArray()[..(length - 4)];
    }

    private void Forget()
    {
        _deflater?.Dispose();
        _deflater = null;
    }

    private string Text(int length) =>
        string.Concat(Enumerable.Range(0, length).Select(_ => Alphabet[random.Next(Alphabet.Length)]));
}
