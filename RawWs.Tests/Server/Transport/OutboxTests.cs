using Microsoft.Extensions.Logging.Abstractions;
using RawWs.Protocol.WebSockets;
using RawWs.Server;
using RawWs.Server.Diagnostics;
using RawWs.Server.Transport;
using RawWs.Tests.Support;

namespace RawWs.Tests.Server.Transport;

/// <summary>Over a carrier that takes what there is room for at once, and over one that does not.</summary>
[TestFixture(false)]
[TestFixture(true)]
public class OutboxTests(bool takesAtOnce)
{
    private const int MaxBytes = 64 * 1024;
    private const int HighWaterBytes = 16 * 1024;
    private const int Capacity = 1024;

    private MemoryTransport _transport = null!;
    private MemoryTransport _peer = null!;
    private ServerMetrics _metrics = null!;
    private Outbox _outbox = null!;
    private int _drained;
    private Thread? _drainedOn;

    [SetUp]
    public void Connect() => Connect(Capacity);

    private void Connect(int capacity)
    {
        _drained = 0;
        (_transport, _peer) = MemoryTransport.CreatePair(capacity);
        _transport.TakesAtOnce = takesAtOnce;
        _metrics = new ServerMetrics(null);
        var context = new ServerContext(new ServerOptions(), NullLogger.Instance, _metrics, TimeProvider.System);
        var handler = new CallbackHandler
        {
            Drained = _ =>
            {
                _drainedOn = Thread.CurrentThread;
                Interlocked.Increment(ref _drained);
            },
        };
        var owner = new WebSocketConnection(context, _transport, handler, slot: 0);
        _outbox = new Outbox(_transport, owner, MaxBytes, HighWaterBytes);
    }

    [TearDown]
    public void Disconnect()
    {
        _transport.Close();
        _metrics.Dispose();
    }

    [Test]
    public void Post_is_sent_at_once_when_nothing_waits()
    {
        Assert.That(_outbox.Post(Opcode.Text, "Hello"u8), Is.EqualTo(SendResult.Sent));
        Assert.That(_transport.Sends, Is.EqualTo(Sizes(7)));
        Assert.That(_outbox.PendingBytes, Is.Zero);
    }

    [Test]
    public async Task Posts_inside_a_batch_are_sent_in_one_go()
    {
        var batch = FlushBatch.Open()!;
        for (var i = 0; i < 50; i++)
            Assert.That(_outbox.Post(Opcode.Text, "Hello"u8), Is.EqualTo(SendResult.Sent));
        Assert.That(_transport.Sends, Is.Empty);
        Assert.That(_outbox.PendingBytes, Is.EqualTo(350));
        batch.Close();
        Assert.That(_transport.Sends, Is.EqualTo(Sizes(350)));
        for (var i = 0; i < 50; i++)
            Assert.That(await ReadAsync(), Is.EqualTo((Opcode.Text, 5, (byte)'H')));
    }

    [Test]
    public void Batch_inside_a_batch_is_the_outer_one()
    {
        var batch = FlushBatch.Open()!;
        Assert.That(FlushBatch.Open(), Is.Null);
        _outbox.Post(Opcode.Text, "Hello"u8);
        Assert.That(_transport.Sends, Is.Empty);
        batch.Close();
        Assert.That(_transport.Sends, Has.Count.EqualTo(1));
    }

    [Test]
    public void Much_is_sent_before_the_batch_ends()
    {
        var batch = FlushBatch.Open()!;
        while (_outbox.Post(Opcode.Binary, new byte[1000]) == SendResult.Sent)
            Assert.That(_transport.Sends, Is.Empty);
        Assert.That(_transport.Sends, Is.Not.Empty);
        batch.Close();
    }

    [Test]
    public async Task Posts_of_another_thread_inside_a_batch_are_sent_at_once()
    {
        var batch = FlushBatch.Open()!;
        // A thread of its own: the pool could run the work on this one.
        var other = new Thread(() => _outbox.Post(Opcode.Text, "other"u8));
        other.Start();
        other.Join();
        Assert.That(_transport.Sends, Has.Count.EqualTo(1));
        batch.Close();
        Assert.That(await ReadAsync(), Is.EqualTo((Opcode.Text, 5, (byte)'o')));
    }

    [Test]
    public void Posts_of_another_thread_do_not_wait_for_the_batch_that_deferred_the_outbox()
    {
        var batch = FlushBatch.Open()!;
        _outbox.Post(Opcode.Text, "held"u8);
        var other = new Thread(() => _outbox.Post(Opcode.Text, "free"u8));
        other.Start();
        other.Join();
        Assert.That(_transport.Sends, Is.EqualTo(Sizes(12)));
        batch.Close();
        Assert.That(_transport.Sends, Has.Count.EqualTo(1));
    }

    [Test]
    public async Task What_gathers_behind_a_slow_send_follows_in_one_go()
    {
        _outbox.Post(Opcode.Binary, new byte[Capacity]);
        for (byte i = 1; i <= 100; i++)
            _outbox.Post(Opcode.Binary, [i]);
        Assert.That(_transport.Sends, Has.Count.EqualTo(1));
        Assert.That(await ReadAsync(), Is.EqualTo((Opcode.Binary, Capacity, (byte)0)));
        for (byte i = 1; i <= 100; i++)
            Assert.That(await ReadAsync(), Is.EqualTo((Opcode.Binary, 1, i)));
        Assert.That(_transport.Sends, Is.EqualTo(Sizes(Capacity + 4, 300)));
    }

    [Test]
    public async Task Order_is_kept_between_small_large_and_shared_frames()
    {
        int[] sizes = [1, 20_000, 3, 9_000, 2, 1, 12_000, 500];
        for (var i = 0; i < sizes.Length; i++)
        {
            var payload = new byte[sizes[i]];
            payload[0] = (byte)i;
            var result = i % 2 == 0
                ? _outbox.Post(Opcode.Binary, payload)
                : _outbox.PostFrames(new PreparedMessage(Opcode.Binary, payload).Frame);
            Assert.That(result, Is.Not.EqualTo(SendResult.Dropped));
        }

        for (var i = 0; i < sizes.Length; i++)
            Assert.That(await ReadAsync(), Is.EqualTo((Opcode.Binary, sizes[i], (byte)i)));
    }

    [Test]
    public async Task Large_shared_frame_is_sent_by_itself_from_the_array_it_is_in()
    {
        var message = new PreparedMessage(Opcode.Binary, new byte[30_000]);
        _outbox.PostFrames(message.Frame);
        _outbox.PostFrames(message.Frame);
        await ReadAsync();
        await ReadAsync();
        Assert.That(_transport.Sends, Is.EqualTo(Sizes(message.Frame.Length, message.Frame.Length)));
    }

    [Test]
    public async Task Small_shared_frame_is_sent_together_with_what_follows_it()
    {
        var shared = new PreparedMessage(Opcode.Binary, new byte[] { 1 });
        var batch = FlushBatch.Open()!;
        _outbox.PostFrames(shared.Frame);
        _outbox.PostFrames(shared.Frame);
        _outbox.Post(Opcode.Binary, [2]);
        batch.Close();
        foreach (byte expected in (byte[])[1, 1, 2])
            Assert.That(await ReadAsync(), Is.EqualTo((Opcode.Binary, 1, expected)));
        Assert.That(_transport.Sends, Is.EqualTo(Sizes(9)));
    }

    [Test]
    public async Task Bound_is_kept_and_what_was_accepted_arrives()
    {
        var results = new List<SendResult>();
        for (byte i = 0; results.LastOrDefault() != SendResult.Dropped; i++)
        {
            var payload = new byte[1000];
            payload[0] = i;
            results.Add(_outbox.Post(Opcode.Binary, payload));
            Assert.That(_outbox.PendingBytes, Is.LessThanOrEqualTo(MaxBytes));
        }

        // Sent up to the mark, Backpressure up to the bound, Dropped there.
        Assert.That(results, Is.Ordered);
        Assert.That(results, Does.Contain(SendResult.Sent).And.Contain(SendResult.Backpressure));
        Assert.That(_outbox.PendingBytes, Is.GreaterThan(MaxBytes - 1004));
        for (var i = 0; i < results.Count - 1; i++)
            Assert.That(await ReadAsync(), Is.EqualTo((Opcode.Binary, 1000, (byte)i)));
        await Eventually.IsTrueAsync(() => _outbox.PendingBytes == 0 && _drained > 0, "all is taken");
        Assert.That(_drained, Is.EqualTo(1));
        Assert.That(_outbox.Post(Opcode.Text, "again"u8), Is.EqualTo(SendResult.Sent));
    }

    [Test]
    public async Task Message_over_the_bound_fits_while_little_waits()
    {
        Assert.That(_outbox.Post(Opcode.Binary, new byte[3 * MaxBytes]), Is.EqualTo(SendResult.Backpressure));
        Assert.That(_outbox.Post(Opcode.Text, "more"u8), Is.EqualTo(SendResult.Dropped));
        Assert.That((await ReadAsync()).Length, Is.EqualTo(3 * MaxBytes));
        await Eventually.IsTrueAsync(() => _drained == 1, "there is room again");
    }

    [Test]
    public async Task Message_over_the_bound_fits_up_to_the_high_water_mark_where_the_peer_is_still_read()
    {
        Assert.That(_outbox.Post(Opcode.Binary, new byte[HighWaterBytes - 100]), Is.EqualTo(SendResult.Sent));
        Assert.That(_outbox.IsAboveHighWater, Is.False);
        Assert.That(_outbox.Post(Opcode.Binary, new byte[3 * MaxBytes]), Is.EqualTo(SendResult.Backpressure));
        Assert.That((await ReadAsync()).Length, Is.EqualTo(HighWaterBytes - 100));
        Assert.That((await ReadAsync()).Length, Is.EqualTo(3 * MaxBytes));
    }

    [Test]
    public async Task Message_over_the_mark_that_is_taken_at_once_is_sent_from_where_it_is()
    {
        if (!takesAtOnce)
            return;
        Disconnect();
        Connect(MaxBytes);
        Assert.That(_outbox.Post(Opcode.Binary, new byte[2 * HighWaterBytes]), Is.EqualTo(SendResult.Backpressure));
        Assert.That(_outbox.PendingBytes, Is.Zero);
        Assert.That(_transport.Sends, Is.EqualTo(Sizes((2 * HighWaterBytes) + 4)));
        Assert.That(_drained, Is.EqualTo(1));
        Assert.That((await ReadAsync()).Length, Is.EqualTo(2 * HighWaterBytes));
    }

    // A part of the header, all of it, and a part of the payload.
    [Test]
    public async Task What_is_not_taken_at_once_follows_before_what_comes_later([Values(0, 1, 4, 5, 20_000)] int room)
    {
        Disconnect();
        Connect(MaxBytes);
        await _transport.SendAsync(new byte[MaxBytes - room]);
        var payload = new byte[2 * HighWaterBytes];
        Random.Shared.NextBytes(payload);
        Assert.That(_outbox.Post(Opcode.Binary, payload), Is.EqualTo(SendResult.Backpressure));
        Assert.That(_outbox.PendingBytes, Is.GreaterThan(payload.Length - room));
        if (room > 0)
            _outbox.Post(Opcode.Text, "next"u8);
        await ReadBytesAsync(MaxBytes - room);
        Assert.That(await ReadPayloadAsync(), Is.EqualTo(payload));
        if (room > 0)
            Assert.That(await ReadAsync(), Is.EqualTo((Opcode.Text, 4, (byte)'n')));
        await Eventually.IsTrueAsync(() => _outbox.PendingBytes == 0 && _drained == 1);
    }

    [Test]
    public async Task What_is_held_back_goes_before_a_message_over_the_mark()
    {
        var batch = FlushBatch.Open()!;
        _outbox.Post(Opcode.Text, "first"u8);
        _outbox.Post(Opcode.Binary, new byte[2 * HighWaterBytes]);
        batch.Close();
        Assert.That(await ReadAsync(), Is.EqualTo((Opcode.Text, 5, (byte)'f')));
        Assert.That((await ReadAsync()).Length, Is.EqualTo(2 * HighWaterBytes));
    }

    [Test]
    public async Task Posts_of_another_thread_wait_for_a_message_that_is_sent_from_where_it_is()
    {
        var isComplete = true;
        _transport.Sending = () =>
        {
            _transport.Sending = null;
            var other = new Thread(() => _outbox.Post(Opcode.Text, "other"u8));
            other.Start();
            other.Join();
            isComplete = _outbox.CompleteAsync().IsCompleted;
        };
        _outbox.Post(Opcode.Binary, new byte[2 * HighWaterBytes]);
        Assert.That((await ReadAsync()).Length, Is.EqualTo(2 * HighWaterBytes));
        if (!takesAtOnce)
            return;
        Assert.That(isComplete, Is.False);
        Assert.That(await ReadAsync(), Is.EqualTo((Opcode.Text, 5, (byte)'o')));
    }

    [Test]
    public async Task Close_frame_is_accepted_above_the_bound_and_is_the_last()
    {
        _outbox.Post(Opcode.Binary, new byte[MaxBytes]);
        _outbox.AppendClose(CloseCode.NormalClosure, "");
        _outbox.Flush();
        Assert.That(_outbox.Post(Opcode.Text, "late"u8), Is.EqualTo(SendResult.Dropped));
        _outbox.AppendClose(CloseCode.GoingAway, "late");
        _outbox.Flush();
        var complete = _outbox.CompleteAsync();
        Assert.That(complete.IsCompleted, Is.False);
        Assert.That((await ReadAsync()).Length, Is.EqualTo(MaxBytes));
        Assert.That(await ReadAsync(), Is.EqualTo((Opcode.Close, 2, (byte)0x03)));
        await complete.WaitAsync(WireClient.Patience);
        Assert.That(_outbox.PendingBytes, Is.Zero);
    }

    [Test]
    public async Task Room_is_waited_for_until_half_of_the_mark()
    {
        _outbox.Post(Opcode.Binary, new byte[MaxBytes / 2]);
        Assert.That(_outbox.IsAboveHighWater, Is.True);
        var room = _outbox.WaitForRoomAsync();
        Assert.That(room.IsCompleted, Is.False);
        await ReadAsync();
        await room.WaitAsync(WireClient.Patience);
        Assert.That(_outbox.PendingBytes, Is.LessThanOrEqualTo(HighWaterBytes / 2));
    }

    // What the application does then may take as long as it likes, and the timer is everybody's.
    [Test]
    public async Task Application_is_told_of_room_on_no_timers_thread()
    {
        Disconnect();
        // All of it is sent at once.
        Connect(MaxBytes);
        var posted = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        using var timer = new TickThread(
            () =>
            {
                if (!posted.Task.IsCompleted)
                    _outbox.Post(Opcode.Binary, new byte[HighWaterBytes]);
                posted.TrySetResult();
            },
            TimeSpan.FromMilliseconds(1));
        await posted.Task.WaitAsync(WireClient.Patience);
        await ReadAsync();
        await Eventually.IsTrueAsync(() => Volatile.Read(ref _drained) == 1);
        Assert.That(_drainedOn!.Name, Is.Not.EqualTo("RawWs timer"));
        Assert.That(_outbox.Post(Opcode.Text, "next"u8), Is.EqualTo(SendResult.Sent));
        Assert.That(await ReadAsync(), Is.EqualTo((Opcode.Text, 4, (byte)'n')));
    }

    [Test]
    public async Task Failure_frees_everyone_who_waits_and_refuses_what_comes()
    {
        _outbox.Post(Opcode.Binary, new byte[MaxBytes]);
        var room = _outbox.WaitForRoomAsync();
        var complete = _outbox.CompleteAsync();
        _transport.Reset();
        await room.WaitAsync(WireClient.Patience);
        await complete.WaitAsync(WireClient.Patience);
        Assert.That(_outbox.PendingBytes, Is.Zero);
        Assert.That(_outbox.Post(Opcode.Text, "late"u8), Is.EqualTo(SendResult.Dropped));
        Assert.That(_drained, Is.Zero);
    }

    [Test]
    public async Task Posts_of_many_threads_are_all_sent_each_thread_in_order()
    {
        const int Threads = 4;
        const int Count = 2000;
        var posting = Enumerable.Range(0, Threads).Select(thread => Task.Run(async () =>
        {
            for (var i = 0; i < Count; i++)
                while (_outbox.Post(Opcode.Binary, [(byte)thread, (byte)i, (byte)(i >> 8)]) == SendResult.Dropped)
                    await _outbox.WaitForRoomAsync();
        })).ToArray();

        var next = new int[Threads];
        for (var i = 0; i < Threads * Count; i++)
        {
            var payload = await ReadPayloadAsync();
            Assert.That(payload[1] | (payload[2] << 8), Is.EqualTo(next[payload[0]]++));
        }

        await Task.WhenAll(posting);
        Assert.That(next, Is.All.EqualTo(Count));
    }

    private static int[] Sizes(params int[] sizes) => sizes;

    private async Task<(Opcode Opcode, int Length, byte First)> ReadAsync()
    {
        var header = await ReadHeaderAsync();
        var payload = await ReadBytesAsync((int)header.PayloadLength);
        return (header.Opcode, payload.Length, payload[0]);
    }

    private async Task<byte[]> ReadPayloadAsync() => await ReadBytesAsync((int)(await ReadHeaderAsync()).PayloadLength);

    private async Task<FrameHeader> ReadHeaderAsync()
    {
        var bytes = new List<byte>();
        FrameHeader header;
        while (!FrameHeader.TryRead(bytes.ToArray(), out header))
            bytes.AddRange(await ReadBytesAsync(1));
        return header;
    }

    private async Task<byte[]> ReadBytesAsync(int count)
    {
        var bytes = new byte[count];
        for (var done = 0; done < count;)
        {
            var received = await _peer.ReceiveAsync(bytes.AsMemory(done)).AsTask().WaitAsync(WireClient.Patience);
            Assert.That(received, Is.Positive);
            done += received;
        }

        return bytes;
    }
}
