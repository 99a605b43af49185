using System.Runtime.InteropServices;
using Microsoft.Extensions.Logging.Abstractions;
using RawWs.Protocol.WebSockets;
using RawWs.Server;
using RawWs.Server.Diagnostics;
using RawWs.Server.Transport;
using RawWs.Tests.Support;

namespace RawWs.Tests.Server.Transport;

/// <summary>Frames that a batch posts to many outboxes are put together once.</summary>
public class SharedRunTests
{
    private static readonly byte[] _first = [1, 1];
    private static readonly byte[] _second = [2, 2, 2];
    private static readonly byte[] _third = [3];

    private readonly SharedRun _run = new();

    [TearDown]
    public void Clear() => _run.Clear();

    [Test]
    public void Two_are_joined_for_whoever_asks_second_and_for_all_after_it()
    {
        Assert.That(_run.TryJoin(_first, _second, out _), Is.False);
        Assert.That(_run.TryJoin(_first, _second, out var second), Is.True);
        Assert.That(_run.TryJoin(_first, _second, out var third), Is.True);
        Assert.That(second.ToArray(), Is.EqualTo((byte[])[1, 1, 2, 2, 2]));
        Assert.That(third, Is.EqualTo(second), "the same memory");
    }

    [Test]
    public void What_follows_a_joined_pair_is_joined_at_once_in_the_same_array()
    {
        _run.TryJoin(_first, _second, out _);
        _run.TryJoin(_first, _second, out var pair);
        Assert.That(_run.TryJoin(pair, _third, out var all), Is.True);
        Assert.That(all.ToArray(), Is.EqualTo((byte[])[1, 1, 2, 2, 2, 3]));
        Assert.That(ArrayOf(all), Is.SameAs(ArrayOf(pair)));
    }

    [Test]
    public void What_was_handed_out_stays_when_another_goes_on_differently()
    {
        _run.TryJoin(_first, _second, out _);
        _run.TryJoin(_first, _second, out var pair);
        _run.TryJoin(pair, _third, out var one);
        Assert.That(_run.TryJoin(pair, _first, out _), Is.False, "the first who asks may be the only one");
        Assert.That(_run.TryJoin(pair, _first, out var other), Is.True);
        Assert.That(pair.ToArray(), Is.EqualTo((byte[])[1, 1, 2, 2, 2]));
        Assert.That(one.ToArray(), Is.EqualTo((byte[])[1, 1, 2, 2, 2, 3]));
        Assert.That(other.ToArray(), Is.EqualTo((byte[])[1, 1, 2, 2, 2, 1, 1]));
    }

    [Test]
    public void After_its_batch_nothing_is_known_of_what_was_joined()
    {
        _run.TryJoin(_first, _second, out _);
        _run.TryJoin(_first, _second, out var pair);
        _run.Clear();
        Assert.That(_run.TryJoin(pair, _third, out _), Is.False);
        Assert.That(_run.TryJoin(_first, _second, out _), Is.False);
    }

    [Test]
    public void An_array_is_at_most_twice_what_the_smallest_receiver_of_it_counts()
    {
        var frame = new byte[1000];
        ReadOnlyMemory<byte> all = new byte[1000];
        _run.TryJoin(all, frame, out _);
        var last = 0;
        for (var i = 0; i < 20; i++)
        {
            Assert.That(_run.TryJoin(all, frame, out all), Is.True);
            var array = ArrayOf(all);
            if (array.Length != last)
                Assert.That(array, Has.Length.LessThanOrEqualTo(2 * all.Length));
            last = array.Length;
        }
    }

    // Whoever gets what in which order, alone or with others: each receives exactly its own.
    [Test]
    public async Task Any_mixture_of_posts_reaches_each_receiver_in_its_order([Range(1, 40)] int seed)
    {
        const int Receivers = 6;
        var random = new Random(seed);
        using var metrics = new ServerMetrics(null);
        var context = new ServerContext(new ServerOptions(), NullLogger.Instance, metrics, TimeProvider.System);
        var receivers = Enumerable.Range(0, Receivers).Select(_ => new Receiver(context)).ToArray();
        for (var round = 0; round < 10; round++)
        {
            var batch = FlushBatch.Open()!;
            for (var i = random.Next(30); i > 0; i--)
            {
                var payload = new byte[random.Next(10) == 0 ? random.Next(12_000) : random.Next(300)];
                random.NextBytes(payload);
                var message = new PreparedMessage(Opcode.Binary, payload);
                var isForAll = random.Next(4) != 0;
                foreach (var receiver in receivers)
                {
                    if (isForAll || random.Next(3) == 0)
                        receiver.Post(message, isShared: random.Next(10) != 0);
                }
            }

            batch.Close();
        }

        foreach (var receiver in receivers)
            await receiver.ExpectAllAsync();
    }

    private static byte[] ArrayOf(ReadOnlyMemory<byte> memory) =>
        MemoryMarshal.TryGetArray(memory, out var segment) ? segment.Array! : [];

    private sealed class Receiver
    {
        private readonly MemoryTransport _peer;
        private readonly Outbox _outbox;
        private readonly List<byte> _expected = [];

        public Receiver(ServerContext context)
        {
            (var transport, _peer) = MemoryTransport.CreatePair(4 * 1024 * 1024);
            var owner = new WebSocketConnection(context, transport, new CallbackHandler(), slot: 0);
            _outbox = new Outbox(transport, owner, 4 * 1024 * 1024, 1024 * 1024);
        }

        public void Post(PreparedMessage message, bool isShared)
        {
            _expected.AddRange(message.Frame.Span);
            var result = isShared ? _outbox.PostFrames(message.Frame) : _outbox.PostCopy(message.Frame.Span);
            Assert.That(result, Is.EqualTo(SendResult.Sent));
        }

        public async Task ExpectAllAsync()
        {
            var received = new byte[_expected.Count];
            for (var count = 0; count < received.Length;)
                count += await _peer.ReceiveAsync(received.AsMemory(count)).AsTask().WaitAsync(WireClient.Patience);
            Assert.That(received.AsSpan().SequenceEqual(CollectionsMarshal.AsSpan(_expected)), Is.True);
            Assert.That(_outbox.PendingBytes, Is.Zero);
        }
    }
}
