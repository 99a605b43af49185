using CsCheck;
using Microsoft.Extensions.Logging.Abstractions;
using RawWs.Protocol;
using RawWs.Protocol.WebSockets;
using RawWs.Server;
using RawWs.Server.Diagnostics;
using RawWs.Server.Transport;
using RawWs.Tests.Support;
using Gen = CsCheck.Gen;

namespace RawWs.Tests.Concurrency;

/// <summary>Outboxes of any proportions that several threads post to while the peer takes its time.</summary>
public sealed class OutboxConcurrencyTests
{
    private const int MaxFrame = 9_000;

    // A message is its size; its place says how it is posted.
    private static readonly Gen<Script> Scripts = Gen.Select(
        Gen.Int[16, 4096],
        Gen.Int[64, 8192],
        Gen.Int[1, 5],
        Gen.OneOf(Gen.Int[3, 60], Gen.Int[3, 60], Gen.Int[3, MaxFrame - 14]).Array[1, 80].Array[2, 4],
        Gen.Int[0, 150],
        (capacity, highWater, factor, posters, end) => new Script(capacity, highWater, highWater * factor, posters, end));

    [Test]
    public void Everything_is_sent_once_in_each_threads_order_and_within_the_bound() =>
        Scripts.Sample(script => Run(script, Ending.AfterAll), iter: LongRun.Or(40, 5_000), threads: 1);

    [Test]
    public void What_was_accepted_before_the_close_frame_is_sent_before_it() =>
        Scripts.Sample(script => Run(script, Ending.Close), iter: LongRun.Or(40, 5_000), threads: 1);

    [Test]
    public void A_transport_that_fails_frees_everyone_and_what_was_sent_is_the_beginning() =>
        Scripts.Sample(script => Run(script, Ending.Reset), iter: LongRun.Or(40, 5_000), threads: 1);

    private static void Run(Script script, Ending ending) => RunAsync(script, ending).GetAwaiter().GetResult();

    private static async Task RunAsync(Script script, Ending ending)
    {
        (MemoryTransport transport, MemoryTransport peer) = MemoryTransport.CreatePair(script.Capacity);
        using var metrics = new ServerMetrics(null);
        var drained = new DrainedCallbacks();
        var context = new ServerContext(new ServerOptions(), NullLogger.Instance, metrics, TimeProvider.System);
        var owner = new WebSocketConnection(context, transport, drained.Handler, slot: 0);
        var outbox = new Outbox(transport, owner, script.MaxBytes, script.HighWaterBytes);
        var posted = new Posted(outbox, script);

        Task<List<byte[]>> reading = ReadAsync(peer, received =>
        {
            if (ending == Ending.Reset && received == script.End)
                transport.Reset();
        });
        Task[] posting = [.. script.Posters.Select((sizes, poster) => Task.Run(() => posted.PostAsync(poster, sizes)))];
        if (ending == Ending.Close)
        {
            await Eventually.IsTrueAsync(() => posted.Count >= Math.Min(script.End, script.Total));
            posted.IsEnding = true;
            outbox.AppendClose(CloseCode.NormalClosure, "");
            outbox.Flush();
        }

        // A script that ends before its reset has one now: the last posts meet it.
        posted.IsEnding |= ending == Ending.Reset;
        await Task.WhenAll(posting).WaitAsync(WireClient.Patience);
        if (ending == Ending.AfterAll)
        {
            // An outbox that accepts nothing more has nobody to tell that there is room.
            await outbox.WaitForRoomAsync().WaitAsync(WireClient.Patience);
            outbox.AppendClose(CloseCode.NormalClosure, "");
        }

        outbox.Flush();
        await outbox.CompleteAsync().WaitAsync(WireClient.Patience);
        await outbox.WaitForRoomAsync().WaitAsync(WireClient.Patience);
        transport.Close();
        List<byte[]> frames = await reading.WaitAsync(WireClient.Patience);

        Assert.That(outbox.PendingBytes, Is.Zero);
        Assert.That(posted.PeakBytes, Is.LessThanOrEqualTo(
            Math.Max(script.MaxBytes, script.HighWaterBytes + MaxFrame)), "the bound");
        Assert.That(drained.Overlaps, Is.Zero, "one callback at a time");
        Assert.That(drained.Count, Is.LessThanOrEqualTo(posted.Refusals), "no room is told of that was not short");
        if (ending == Ending.AfterAll && posted.Refusals > 0)
            await Eventually.IsTrueAsync(() => drained.Count > 0, "room is told of");
        for (int poster = 0; poster < script.Posters.Length; poster++)
            posted.MustHaveSent(poster, [.. frames.Where(frame => frame[0] == poster)], isWhole: ending != Ending.Reset);
    }

    private static async Task<List<byte[]>> ReadAsync(MemoryTransport peer, Action<int> onFrame)
    {
        using var reader = new MessageReader(Role.Client, new MessageLimits());
        List<byte[]> frames = [];
        try
        {
            while (true)
            {
                int count = await peer.ReceiveAsync(reader.GetMemory());
                if (count == 0)
                    return frames;
                reader.Advance(count);
                while (reader.TryRead(out ReceivedMessage message))
                {
                    if (message.Opcode == Opcode.Close)
                        continue;
                    frames.Add(message.Payload.ToArray());
                    onFrame(frames.Count);
                }

                Assert.That(reader.Error, Is.EqualTo(ProtocolError.None));
            }
        }
        catch (IOException)
        {
            return frames;
        }
    }

    private enum Ending
    {
        AfterAll,
        Close,
        Reset,
    }

    private sealed record Script(int Capacity, int HighWaterBytes, int MaxBytes, int[][] Posters, int End)
    {
        public int Total => Posters.Sum(sizes => sizes.Length);
    }

    /// <summary>What was posted, and what the outbox said to it.</summary>
    private sealed class Posted(Outbox outbox, Script script)
    {
        private readonly List<byte[]>[] _accepted = [.. script.Posters.Select(_ => new List<byte[]>())];
        private int _count;
        private int _peakBytes;
        private int _refusals;
        private volatile bool _isEnding;

        public bool IsEnding { get => _isEnding; set => _isEnding = value; }

        public int Count => Volatile.Read(ref _count);

        public int PeakBytes => Volatile.Read(ref _peakBytes);

        public int Refusals => Volatile.Read(ref _refusals);

        public async Task PostAsync(int poster, int[] sizes)
        {
            for (int i = 0; i < sizes.Length; i++)
            {
                byte[] payload = new byte[sizes[i]];
                (payload[0], payload[1], payload[^1]) = ((byte)poster, (byte)i, (byte)i);
                SendResult result;
                while ((result = Post(payload, i % 3)) == SendResult.Dropped)
                {
                    if (IsEnding)
                        return;
                    await outbox.WaitForRoomAsync();
                }

                _accepted[poster].Add(payload);
                Interlocked.Increment(ref _count);
            }
        }

        public void MustHaveSent(int poster, List<byte[]> frames, bool isWhole)
        {
            List<byte[]> accepted = _accepted[poster];
            Assert.That(frames, Has.Count.LessThanOrEqualTo(accepted.Count));
            if (isWhole)
                Assert.That(frames, Has.Count.EqualTo(accepted.Count), "nothing is lost");
            for (int i = 0; i < frames.Count; i++)
                Assert.That(frames[i].AsSpan().SequenceEqual(accepted[i]), Is.True, $"message {i} of {poster}");
        }

        private SendResult Post(byte[] payload, int way)
        {
            FlushBatch? batch = way == 2 ? FlushBatch.Open() : null;
            SendResult result;
            try
            {
                result = way == 1
                    ? outbox.PostFrames(new PreparedMessage(Opcode.Binary, payload).Frame)
                    : outbox.Post(Opcode.Binary, payload);
                int pending = outbox.PendingBytes;
                for (int peak; (peak = PeakBytes) < pending;)
                    Interlocked.CompareExchange(ref _peakBytes, pending, peak);
            }
            finally
            {
                batch?.Close();
            }

            if (result != SendResult.Sent)
                Interlocked.Increment(ref _refusals);
            return result;
        }
    }

    private sealed class DrainedCallbacks
    {
        private int _inside;
        private int _count;
        private int _overlaps;

        public DrainedCallbacks() => Handler = new CallbackHandler
        {
            Drained = _ =>
            {
                if (Interlocked.Increment(ref _inside) != 1)
                    Interlocked.Increment(ref _overlaps);
                Interlocked.Increment(ref _count);
                Thread.Yield();
                Interlocked.Decrement(ref _inside);
            },
        };

        public CallbackHandler Handler { get; }

        public int Count => Volatile.Read(ref _count);

        public int Overlaps => Volatile.Read(ref _overlaps);
    }
}
