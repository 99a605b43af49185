using System.Net.WebSockets;
using System.Text;
using RawWs.Protocol.WebSockets;
using RawWs.Protocol.WebSockets.Deflate;
using RawWs.Tests.Fuzzing.Targets;
using RawWs.Tests.Support;

namespace RawWs.Tests.Fuzzing;

/// <summary>Seeded streams of frames: hostile ones must read as the naive reader reads them however they are
/// cut, valid ones as the framework's own reader does.</summary>
public sealed class FrameStreamTests
{
    // Times three compressions and two roles: more than ten thousand streams, or a million.
    private static readonly int Rounds = LongRun.Or(2_000, 170_000);

    private static readonly MessageLimits Limits =
        new() { MaxMessageBytes = 3000, MaxFragments = 6, ReceiveBufferBytes = 256 };

    private static readonly DeflatePool Pool = new(new DeflateOptions());

    public enum Compression
    {
        None,
        Forgetting,
        KeepingWindows,
    }

    [Test]
    public void A_hostile_stream_reads_as_the_naive_reader_reads_it(
        [Values] Role role, [Values] Compression compression)
    {
        var random = new Random(((int)role * 10) + (int)compression);
        using FrameStreams streams = Streams(random, role, compression);
        var verdicts = new Dictionary<string, int>();
        for (int round = 0; round < Rounds; round++)
        {
            byte[] wire = streams.Hostile();
            var naive = new NaiveReader(
                wire, role, Limits, compression != Compression.None, compression == Compression.KeepingWindows);
            string expected = naive.Read();
            MustBe(Read(wire, [wire.Length], role, Limits, compression), expected, wire, "whole");
            MustBe(Read(wire, streams.Chunks(wire.Length), role, Limits, compression), expected, wire, "cut");
            if (round % 8 == 0)
            {
                IEnumerable<int> bytes = Enumerable.Repeat(1, wire.Length);
                MustBe(Read(wire, bytes, role, Limits, compression), expected, wire, "byte by byte");
            }

            string verdict = ReaderRun.Verdict(expected);
            verdicts[verdict] = verdicts.GetValueOrDefault(verdict) + 1;
        }

        // A generator that is stopped at the same door every time tests only the door.
        Assert.That(verdicts, Has.Count.GreaterThan(12));
        Assert.That(verdicts["read"], Is.GreaterThan(Rounds / 20));
    }

    [Test]
    public async Task A_valid_stream_reads_as_the_framework_reads_it(
        [Values] Role role, [Values] Compression compression)
    {
        var random = new Random(((int)role * 10) + (int)compression);
        using FrameStreams streams = Streams(random, role, compression);
        for (int round = 0; round < Rounds / 100; round++)
        {
            byte[] wire = streams.Valid(40);
            var limits = new MessageLimits { ReceiveBufferBytes = 256 << random.Next(5) };
            string actual = Read(wire, streams.Chunks(wire.Length), role, limits, compression);
            string messages = string.Join(' ', actual.Split(' ').Where(part => !part.StartsWith('P')));
            MustBe(messages, await ReadByFramework(wire, role, compression), wire, $"round {round}");
        }
    }

    private static FrameStreams Streams(Random random, Role role, Compression compression) =>
        new(random, role, compression != Compression.None, compression == Compression.KeepingWindows);

    private static DeflateParameters Agreed(Compression compression) =>
        new(compression == Compression.Forgetting, compression == Compression.Forgetting, 15, 15);

    private static string Read(
        byte[] wire, IEnumerable<int> chunks, Role role, MessageLimits limits, Compression compression) =>
        ReaderRun.Read(wire, chunks, role, limits, compression == Compression.None
            ? null
            : new MessageInflater(Pool, Agreed(compression), role));

    private static void MustBe(string actual, string expected, byte[] wire, string name)
    {
        if (actual != expected)
            Assert.That(actual, Is.EqualTo(expected), $"{name}: {Convert.ToHexString(wire)}");
    }

    private static async Task<string> ReadByFramework(byte[] wire, Role role, Compression compression)
    {
        DeflateParameters agreed = Agreed(compression);
        using var stream = new OneWayStream(wire);
        using WebSocket socket = WebSocket.CreateFromStream(stream, new WebSocketCreationOptions
        {
            IsServer = role == Role.Server,
            DangerousDeflateOptions = compression == Compression.None ? null : new WebSocketDeflateOptions
            {
                ServerContextTakeover = !agreed.ServerNoContextTakeover,
                ClientContextTakeover = !agreed.ClientNoContextTakeover,
            },
        });
        var outcome = new StringBuilder();
        byte[] buffer = new byte[1024 * 1024];
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
