using System.Net.WebSockets;
using System.Text;
using RawWs.Protocol.WebSockets;
using static RawWs.Tests.Protocol.WebSockets.ReaderCases;

namespace RawWs.Tests.Protocol.WebSockets;

/// <summary>Seeded streams of frames: hostile ones must give one outcome however they are cut, valid ones
/// must agree with the framework's own reader.</summary>
public sealed class MessageReaderFuzzTests
{
    private static readonly MessageLimits Limits =
        new() { MaxMessageBytes = 3000, MaxFragments = 6, ReceiveBufferBytes = 256 };

    [Test]
    public void Hostile_streams_give_one_listed_outcome_however_they_are_cut([Range(1, 8)] int seed)
    {
        var random = new Random(seed);
        var outcomes = new HashSet<string>();
        for (int round = 0; round < 400; round++)
        {
            byte[] wire = Concat(Enumerable.Range(0, random.Next(1, 8)).Select(_ => HostileFrame(random)));
            string whole = ReadChunks(wire, [wire.Length], Role.Server, Limits);
            string byBytes = ReadChunks(wire, Enumerable.Repeat(1, wire.Length), Role.Server, Limits);
            Assert.That(byBytes, Is.EqualTo(whole), Convert.ToHexString(wire));
            for (int cut = 0; cut < 4; cut++)
            {
                string outcome = ReadChunks(wire, RandomChunks(random, wire.Length), Role.Server, Limits);
                Assert.That(outcome, Is.EqualTo(whole), Convert.ToHexString(wire));
            }

            outcomes.Add(whole[(whole.IndexOf('!', StringComparison.Ordinal) + 1)..].Split(':')[0]);
        }

        Assert.That(outcomes, Has.Count.GreaterThan(10), "the generator reaches most rules");
    }

    [Test]
    public async Task Valid_streams_read_as_the_framework_reads_them([Range(1, 8)] int seed)
    {
        var random = new Random(seed);
        byte[] wire = Concat(Enumerable.Range(0, 200).Select(_ => ValidMessage(random)));
        var limits = new MessageLimits { ReceiveBufferBytes = 256 << random.Next(5) };
        string actual = ReadChunks(wire, RandomChunks(random, wire.Length), Role.Server, limits);
        string messages = string.Join(' ', actual.Split(' ').Where(part => !part.StartsWith('P')));
        Assert.That(messages, Is.EqualTo(await ReadByFramework(wire)));
    }

    private static IEnumerable<int> RandomChunks(Random random, int length)
    {
        int scale = 1 << random.Next(1, 12);
        while (length > 0)
        {
            int chunk = Math.Min(length, random.Next(1, scale + 1));
            length -= chunk;
            yield return chunk;
        }
    }

    private static byte[] HostileFrame(Random random)
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
        byte[] payload = Payload(random, opcode);
        byte reserved = (byte)(random.Next(25) == 0 ? random.Next(8) << 4 : 0);
        uint? key = random.Next(25) == 0 ? null : (uint)random.Next();
        bool fin = opcode >= Opcode.Close ? random.Next(10) != 0 : random.Next(2) == 0;
        var header = new FrameHeader(opcode, payload.Length, fin, reserved, key);
        byte[] frame = new byte[header.Size + payload.Length];
        int size = header.Write(frame);
        payload.CopyTo(frame, size);
        Mask.Apply(frame.AsSpan(size), key ?? 0, 0);
        return random.Next(30) switch
        {
            // A length in 64 bits that is not minimal, absurd, or has its top bit set.
            0 => [frame[0], 0xFF, (byte)(random.Next(3) == 0 ? 0x80 : 0), .. Zeros(random), 1, 2, 3, 4, 5, 6],
            1 => frame[..random.Next(frame.Length)],
            2 => Damaged(random, frame),
            _ => frame,
        };
    }

    private static byte[] Zeros(Random random) => new byte[random.Next(2) == 0 ? 7 : 3];

    private static byte[] Damaged(Random random, byte[] frame)
    {
        frame[random.Next(frame.Length)] ^= (byte)(1 << random.Next(8));
        return frame;
    }

    private static byte[] Payload(Random random, Opcode opcode)
    {
        int length = random.Next(6) switch
        {
            0 => 0,
            1 => random.Next(3200),
            2 => random.Next(120, 135),
            _ => random.Next(30),
        };
        byte[] text = Encoding.UTF8.GetBytes(Text(random, length));
        if (opcode != Opcode.Close)
        {
            return text;
        }

        int code = random.Next(3) == 0 ? random.Next(990, 1020) : 1000;
        byte[] close = [(byte)(code >> 8), (byte)code, .. text.Take(123)];
        return random.Next(4) == 0 ? close[..random.Next(3)] : close;
    }

    private static string Text(Random random, int length)
    {
        string[] alphabet = ["a", "Z", " ", "é", "Ω", "語", "€", "🙂", "𝄞", "\u0000", "\uFFFF"];
        return string.Concat(Enumerable.Range(0, length).Select(_ => alphabet[random.Next(alphabet.Length)]));
    }

    private static byte[] ValidMessage(Random random)
    {
        Opcode opcode = random.Next(2) == 0 ? Opcode.Text : Opcode.Binary;
        byte[] payload = Encoding.UTF8.GetBytes(
            Text(random, random.Next(4) == 0 ? random.Next(30_000) : random.Next(200)));
        int fragments = random.Next(3) == 0 ? random.Next(2, 6) : 1;
        var frames = new List<byte[]>();
        int position = 0;
        for (int i = 1; i <= fragments; i++)
        {
            int end = i == fragments ? payload.Length : random.Next(position, payload.Length + 1);
            frames.Add(Frame(
                i == 1 ? opcode : Opcode.Continuation,
                payload.AsSpan(position, end - position),
                i == fragments,
                (uint)random.Next()));
            position = end;
            if (random.Next(3) == 0)
            {
                frames.Add(
                    Frame(random.Next(2) == 0 ? Opcode.Ping : Opcode.Pong, new byte[random.Next(126)]));
            }
        }

        return Concat(frames);
    }

    private static async Task<string> ReadByFramework(byte[] wire)
    {
        using var stream = new OneWayStream(wire);
        using WebSocket socket = WebSocket.CreateFromStream(
            stream, new WebSocketCreationOptions { IsServer = true });
        var outcome = new StringBuilder();
        byte[] buffer = new byte[256 * 1024];
        while (true)
        {
            int length = 0;
            ValueWebSocketReceiveResult result;
            try
            {
                do
                {
                    result = await socket.ReceiveAsync(buffer.AsMemory(length), CancellationToken.None);
                    length += result.Count;
                }
                while (!result.EndOfMessage);
            }
            catch (WebSocketException e)
                when (e.WebSocketErrorCode == WebSocketError.ConnectionClosedPrematurely)
            {
                return outcome.ToString().TrimEnd();
            }

            string payload = Convert.ToHexString(buffer.AsSpan(0, length));
            outcome.Append(result.MessageType).Append(':').Append(payload).Append(' ');
        }
    }

    /// <summary>Reads what it is given; swallows what is written, such as the framework's pongs.</summary>
    private sealed class OneWayStream(byte[] wire) : MemoryStream(wire, writable: false)
    {
        public override bool CanWrite => true;

        public override void Write(ReadOnlySpan<byte> buffer)
        {
        }

        public override ValueTask WriteAsync(
            ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default) =>
            ValueTask.CompletedTask;
    }
}
