using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Logging.Abstractions;
using RawWs.Protocol.WebSockets;
using RawWs.Server;
using RawWs.Server.Diagnostics;
using RawWs.Server.Transport;
using RawWs.Server.Transport.Loops;
using RawWs.Tests.Support;

namespace RawWs.Tests.Server.Transport.Loops;

/// <summary>What a batch sends to many arrives alike, whether one call of the system sends it to all or one sends it to each.</summary>
[Platform("Linux")]
[TestFixture(true)]
[TestFixture(false)]
public class SendRingTests(bool usesRing)
{
    // A ring takes 256.
    private const int Many = 300;

    private Receivers _receivers = null!;

    private void Connect(int count, int sendBuffer = 0) => _receivers = new Receivers(usesRing, count, sendBuffer);

    [TearDown]
    public void Disconnect() => _receivers.Dispose();

    [Test]
    public void What_goes_to_many_arrives_at_each_in_order()
    {
        Connect(Many);
        byte[] expected = [];
        for (byte i = 0; i < 3; i++)
        {
            var shared = new PreparedMessage(Opcode.Binary, new[] { i });
            expected = [.. expected, 0x82, 1, i, 0x82, 1, i, 0x82, 1, (byte)(i + 100)];
            InBatch(outbox =>
            {
                outbox.PostFrames(shared.Frame);
                outbox.PostFrames(shared.Frame);
                outbox.Post(Opcode.Binary, [(byte)(i + 100)]);
            });
            Assert.That(_receivers.Outboxes, Has.All.Property(nameof(Outbox.PendingBytes)).Zero);
        }

        for (var i = 0; i < Many; i++)
            Assert.That(_receivers.Receive(i, expected.Length), Is.EqualTo(expected), $"receiver {i}");
    }

    [Test]
    public void Each_gets_what_is_its_own()
    {
        Connect(Many);
        var frames = Enumerable.Range(0, Many).SelectMany(i => (byte[])[0x82, 2, (byte)i, (byte)(i >> 8)]).ToArray();
        var batch = FlushBatch.Open()!;
        for (var i = 0; i < Many; i++)
        {
            // Some from arrays of their own, some from one that they share.
            if (i % 3 == 0)
                _receivers.Outboxes[i].Post(Opcode.Binary, [(byte)i, (byte)(i >> 8)]);
            else
                _receivers.Outboxes[i].PostFrames(frames.AsMemory(4 * i, 4));
        }

        batch.Close();
        for (var i = 0; i < Many; i++)
            Assert.That(_receivers.Receive(i, 4), Is.EqualTo(frames[(4 * i)..(4 * (i + 1))]));
    }

    [Test]
    public async Task Who_does_not_read_holds_up_nobody_and_gets_the_rest_later()
    {
        const int Size = 60_000;
        Connect(10, sendBuffer: 4096);
        var payload = new byte[Size];
        Random.Shared.NextBytes(payload);
        var frame = new PreparedMessage(Opcode.Binary, payload).Frame;
        var rounds = 0;
        // What the system takes is not known before: until it has taken a part.
        while (_receivers.Outboxes[3].PendingBytes == 0)
        {
            InBatch(outbox => outbox.PostFrames(frame));
            rounds++;
            for (var i = 0; i < 10; i++)
            {
                if (i != 3)
                    Assert.That(_receivers.Receive(i, frame.Length), Is.EqualTo(frame.ToArray()));
            }
        }

        for (var i = 0; i < rounds; i++)
            Assert.That(_receivers.Receive(3, frame.Length), Is.EqualTo(frame.ToArray()));
        await Eventually.IsTrueAsync(() => _receivers.Outboxes[3].PendingBytes == 0);
    }

    [Test]
    public async Task Connections_that_have_broken_cost_the_others_nothing()
    {
        Connect(10);
        _receivers.Reset(2);
        _receivers.Transports[7].Close();
        Assert.That(SpinWait.SpinUntil(() => _receivers.IsBroken(2), WireClient.Patience), Is.True);
        InBatch(outbox => outbox.Post(Opcode.Text, "Hello"u8));
        for (var i = 0; i < 10; i++)
        {
            if (i is 2 or 7)
                Assert.That(_receivers.Outboxes[i].Post(Opcode.Text, "late"u8), Is.EqualTo(SendResult.Dropped));
            else
                Assert.That(_receivers.Receive(i, 7), Is.EqualTo((byte[])[0x81, 5, .. "Hello"u8]));
        }

        await _receivers.Outboxes[2].CompleteAsync().WaitAsync(WireClient.Patience);
    }

    [Test]
    public void A_socket_that_is_closed_while_it_waits_for_its_turn_costs_the_others_nothing()
    {
        Connect(10);
        using var ring = new SendRing();
        var batch = FlushBatch.Open()!;
        foreach (var outbox in _receivers.Outboxes)
            outbox.Post(Opcode.Text, "Hello"u8);
        foreach (var outbox in _receivers.Outboxes)
            outbox.FlushDeferred(ring);
        _receivers.Transports[7].Close();
        ring.Submit();
        batch.Close();
        Assert.That(_receivers.Outboxes[7].CompleteAsync().IsCompleted, Is.True);
        Assert.That(_receivers.Outboxes[7].PendingBytes, Is.Zero);
        for (var i = 0; i < 10; i++)
        {
            if (i != 7)
                Assert.That(_receivers.Receive(i, 7), Is.EqualTo((byte[])[0x81, 5, .. "Hello"u8]));
        }
    }

    // Whoever is told may take as long as it likes; the others must not wait for it.
    [Test]
    public void Application_is_told_of_room_on_another_thread()
    {
        Connect(1);
        // Without a ring there are no others at that moment.
        using var ring = new SendRing();
        var outbox = _receivers.Outboxes[0];
        var batch = FlushBatch.Open()!;
        outbox.Post(Opcode.Binary, new byte[Receivers.HighWaterBytes - 100]);
        outbox.FlushDeferred(ring);
        var result = outbox.Post(Opcode.Binary, new byte[1000]);
        ring.Submit();
        batch.Close();
        if (!ring.IsOpen)
            return;
        Assert.That(result, Is.EqualTo(SendResult.Backpressure));
        // This thread does nothing else meanwhile.
        Assert.That(_receivers.IsDrained.Wait(WireClient.Patience), Is.True);
        Assert.That(_receivers.DrainedOn, Is.Not.EqualTo(Environment.CurrentManagedThreadId));
    }

    // Once, not while something is collected: memory that is no longer pinned has moved.
    [Test]
    public void What_is_sent_is_where_it_is_now()
    {
        Connect(10);
        ReadOnlyMemory<byte> frame = default;
        for (byte i = 0; i < 5; i++)
        {
            frame = new PreparedMessage(Opcode.Binary, new[] { i }).Frame;
            for (var j = 0; j < 2; j++)
            {
                GC.Collect(0, GCCollectionMode.Forced, blocking: true, compacting: true);
                InBatch(outbox => outbox.PostFrames(frame));
                for (var receiver = 0; receiver < 10; receiver++)
                    Assert.That(_receivers.Receive(receiver, 3), Is.EqualTo((byte[])[0x82, 1, i]));
            }
        }
    }

    [Test]
    public void A_ring_is_opened_where_it_is_wanted_and_closed_with_its_thread()
    {
        Connect(10);
        using var probe = IoUring.TryCreate(1);
        var (hasRing, keepsRing) = (false, true);
        var thread = new Thread(() =>
        {
            InBatch(outbox => outbox.Post(Opcode.Text, "Hello"u8));
            hasRing = HasRing();
            FlushBatch.EndThread();
            keepsRing = HasRing();
        });
        thread.Start();
        thread.Join();
        Assert.That(hasRing, Is.EqualTo(usesRing && probe is not null));
        Assert.That(keepsRing, Is.False);

        static bool HasRing()
        {
            var batch = FlushBatch.Open()!;
            batch.Close();
            return batch.HasRing;
        }
    }

    [Test]
    public void Nothing_is_allocated()
    {
        Connect(20);
        var frame = new PreparedMessage(Opcode.Text, "Hello"u8).Frame;
        Assert.That(Allocation.Of(Broadcast, rounds: 20), Is.Zero);

        void Broadcast()
        {
            var batch = FlushBatch.Open()!;
            foreach (var outbox in _receivers.Outboxes)
                outbox.PostFrames(frame);
            batch.Close();
        }
    }

    private void InBatch(Action<Outbox> post)
    {
        var batch = FlushBatch.Open()!;
        foreach (var outbox in _receivers.Outboxes)
            post(outbox);
        batch.Close();
    }

    /// <summary>Outboxes on event loops, and the sockets that they send to.</summary>
    private sealed class Receivers : IDisposable
    {
        public const int HighWaterBytes = 64 * 1024;

        private readonly ServerMetrics _metrics = new();
        private readonly EventLoops _loops;
        private readonly List<Socket> _peers = [];
        private readonly List<Socket> _sockets = [];

        public Receivers(bool usesRing, int count, int sendBuffer)
        {
            var options = new ServerOptions { EventLoops = 1, UseIoUring = usesRing };
            var context = new ServerContext(options, NullLogger.Instance, _metrics, TimeProvider.System);
            _loops = EventLoops.TryStart(context)!;
            var handler = new CallbackHandler
            {
                Drained = _ =>
                {
                    DrainedOn = Environment.CurrentManagedThreadId;
                    IsDrained.Set();
                },
            };
            using var listener = new TcpListener(IPAddress.Loopback, 0);
            listener.Start(count);
            for (var i = 0; i < count; i++)
            {
                var peer = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp)
                {
                    ReceiveTimeout = (int)WireClient.Patience.TotalMilliseconds,
                };
                if (sendBuffer > 0)
                    peer.ReceiveBufferSize = sendBuffer;
                peer.Connect(listener.LocalEndpoint);
                _peers.Add(peer);
                var socket = listener.AcceptSocket();
                if (sendBuffer > 0)
                    socket.SendBufferSize = sendBuffer;
                _sockets.Add(socket);
                var transport = new LoopTransport(socket, _loops.Next());
                transport.Start();
                Transports.Add(transport);
                var owner = new WebSocketConnection(context, transport, handler, slot: i);
                Outboxes.Add(new Outbox(transport, owner, 4 * HighWaterBytes, HighWaterBytes));
            }
        }

        public List<Outbox> Outboxes { get; } = [];

        public List<LoopTransport> Transports { get; } = [];

        /// <summary>Set when the application has been told of room.</summary>
        public ManualResetEventSlim IsDrained { get; } = new();

        /// <summary>The thread on which it was told.</summary>
        public int DrainedOn { get; private set; }

        public byte[] Receive(int receiver, int count)
        {
            var bytes = new byte[count];
            for (var received = 0; received < count;)
            {
                var more = _peers[receiver].Receive(bytes.AsSpan(received));
                Assert.That(more, Is.GreaterThan(0));
                received += more;
            }

            return bytes;
        }

        /// <summary>Lets a receiver break its connection.</summary>
        public void Reset(int receiver) => _peers[receiver].Close(0);

        public bool IsBroken(int receiver) => _sockets[receiver].Poll(0, SelectMode.SelectError);

        public void Dispose()
        {
            foreach (var transport in Transports)
                transport.Close();
            foreach (var peer in _peers)
                peer.Dispose();
            _loops.Dispose();
            _metrics.Dispose();
            IsDrained.Dispose();
        }
    }
}
