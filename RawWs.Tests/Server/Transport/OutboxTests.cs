using RawWs.Protocol.WebSockets;
using RawWs.Server.Transport;
using RawWs.Tests.Support;

namespace RawWs.Tests.Server.Transport;

[TestFixture(false)]
[TestFixture(true)]
public class OutboxTests(bool takesAtOnce) : OutboxFixture(takesAtOnce)
{
    [Test]
    public void Post_is_sent_at_once_when_nothing_waits()
    {
        Assert.That(Outbox.Post(Opcode.Text, "Hello"u8), Is.EqualTo(SendResult.Sent));
        Assert.That(Transport.Sends, Is.EqualTo(Sizes(7)));
        Assert.That(Outbox.PendingBytes, Is.Zero);
    }

    [Test]
    public async Task Posts_inside_a_batch_are_sent_in_one_go()
    {
        var batch = FlushBatch.Open()!;
        for (var i = 0; i < 50; i++)
            Assert.That(Outbox.Post(Opcode.Text, "Hello"u8), Is.EqualTo(SendResult.Sent));
        Assert.That(Transport.Sends, Is.Empty);
        Assert.That(Outbox.PendingBytes, Is.EqualTo(350));
        batch.Close();
        Assert.That(Transport.Sends, Is.EqualTo(Sizes(350)));
        for (var i = 0; i < 50; i++)
            Assert.That(await ReadAsync(), Is.EqualTo((Opcode.Text, 5, (byte)'H')));
    }

    [Test]
    public void Batch_inside_a_batch_is_the_outer_one()
    {
        var batch = FlushBatch.Open()!;
        Assert.That(FlushBatch.Open(), Is.Null);
        Outbox.Post(Opcode.Text, "Hello"u8);
        Assert.That(Transport.Sends, Is.Empty);
        batch.Close();
        Assert.That(Transport.Sends, Has.Count.EqualTo(1));
    }

    [Test]
    public void Much_is_sent_before_the_batch_ends()
    {
        var batch = FlushBatch.Open()!;
        while (Outbox.Post(Opcode.Binary, new byte[1000]) == SendResult.Sent)
            Assert.That(Transport.Sends, Is.Empty);
        Assert.That(Transport.Sends, Is.Not.Empty);
        batch.Close();
    }

    [Test]
    public async Task Posts_of_another_thread_inside_a_batch_are_sent_at_once()
    {
        var batch = FlushBatch.Open()!;
        // A thread of its own: the pool could run the work on this one.
        var other = new Thread(() => Outbox.Post(Opcode.Text, "other"u8));
        other.Start();
        other.Join();
        Assert.That(Transport.Sends, Has.Count.EqualTo(1));
        batch.Close();
        Assert.That(await ReadAsync(), Is.EqualTo((Opcode.Text, 5, (byte)'o')));
    }

    [Test]
    public void Posts_of_another_thread_do_not_wait_for_the_batch_that_deferred_the_outbox()
    {
        var batch = FlushBatch.Open()!;
        Outbox.Post(Opcode.Text, "held"u8);
        var other = new Thread(() => Outbox.Post(Opcode.Text, "free"u8));
        other.Start();
        other.Join();
        Assert.That(Transport.Sends, Is.EqualTo(Sizes(12)));
        batch.Close();
        Assert.That(Transport.Sends, Has.Count.EqualTo(1));
    }

    [Test]
    public async Task What_gathers_behind_a_slow_send_follows_in_one_go()
    {
        Outbox.Post(Opcode.Binary, new byte[Capacity]);
        for (byte i = 1; i <= 100; i++)
            Outbox.Post(Opcode.Binary, [i]);
        Assert.That(Transport.Sends, Has.Count.EqualTo(1));
        Assert.That(await ReadAsync(), Is.EqualTo((Opcode.Binary, Capacity, (byte)0)));
        for (byte i = 1; i <= 100; i++)
            Assert.That(await ReadAsync(), Is.EqualTo((Opcode.Binary, 1, i)));
        Assert.That(Transport.Sends, Is.EqualTo(Sizes(Capacity + 4, 300)));
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
                ? Outbox.Post(Opcode.Binary, payload)
                : Outbox.PostFrames(new PreparedMessage(Opcode.Binary, payload).Frame);
            Assert.That(result, Is.Not.EqualTo(SendResult.Dropped));
        }

        for (var i = 0; i < sizes.Length; i++)
            Assert.That(await ReadAsync(), Is.EqualTo((Opcode.Binary, sizes[i], (byte)i)));
    }

    [Test]
    public async Task Large_shared_frame_is_sent_by_itself_from_the_array_it_is_in()
    {
        var message = new PreparedMessage(Opcode.Binary, new byte[30_000]);
        Outbox.PostFrames(message.Frame);
        Outbox.PostFrames(message.Frame);
        await ReadAsync();
        await ReadAsync();
        Assert.That(Transport.Sends, Is.EqualTo(Sizes(message.Frame.Length, message.Frame.Length)));
    }

    [Test]
    public async Task Small_shared_frame_is_sent_together_with_what_follows_it()
    {
        var shared = new PreparedMessage(Opcode.Binary, new byte[] { 1 });
        var batch = FlushBatch.Open()!;
        Outbox.PostFrames(shared.Frame);
        Outbox.PostFrames(shared.Frame);
        Outbox.Post(Opcode.Binary, [2]);
        batch.Close();
        foreach (byte expected in (byte[])[1, 1, 2])
            Assert.That(await ReadAsync(), Is.EqualTo((Opcode.Binary, 1, expected)));
        Assert.That(Transport.Sends, Is.EqualTo(Sizes(9)));
    }

    [Test]
    public async Task Bound_is_kept_and_what_was_accepted_arrives()
    {
        var results = new List<SendResult>();
        for (byte i = 0; results.LastOrDefault() != SendResult.Dropped; i++)
        {
            var payload = new byte[1000];
            payload[0] = i;
            results.Add(Outbox.Post(Opcode.Binary, payload));
            Assert.That(Outbox.PendingBytes, Is.LessThanOrEqualTo(MaxBytes));
        }

        // Sent up to the mark, Backpressure up to the bound, Dropped there.
        Assert.That(results, Is.Ordered);
        Assert.That(results, Does.Contain(SendResult.Sent).And.Contain(SendResult.Backpressure));
        Assert.That(Outbox.PendingBytes, Is.GreaterThan(MaxBytes - 1004));
        for (var i = 0; i < results.Count - 1; i++)
            Assert.That(await ReadAsync(), Is.EqualTo((Opcode.Binary, 1000, (byte)i)));
        await Eventually.IsTrueAsync(() => Outbox.PendingBytes == 0 && Drained > 0, "all is taken");
        Assert.That(Drained, Is.EqualTo(1));
        Assert.That(Outbox.Post(Opcode.Text, "again"u8), Is.EqualTo(SendResult.Sent));
    }

    [Test]
    public async Task Close_frame_is_accepted_above_the_bound_and_is_the_last()
    {
        Outbox.Post(Opcode.Binary, new byte[MaxBytes]);
        Outbox.AppendClose(CloseCode.NormalClosure, "");
        Outbox.Flush();
        Assert.That(Outbox.Post(Opcode.Text, "late"u8), Is.EqualTo(SendResult.Dropped));
        Outbox.AppendClose(CloseCode.GoingAway, "late");
        Outbox.Flush();
        var complete = Outbox.CompleteAsync();
        Assert.That(complete.IsCompleted, Is.False);
        Assert.That((await ReadAsync()).Length, Is.EqualTo(MaxBytes));
        Assert.That(await ReadAsync(), Is.EqualTo((Opcode.Close, 2, (byte)0x03)));
        await complete.WaitAsync(WireClient.Patience);
        Assert.That(Outbox.PendingBytes, Is.Zero);
    }

    [Test]
    public async Task Room_is_waited_for_until_half_of_the_mark()
    {
        Outbox.Post(Opcode.Binary, new byte[MaxBytes / 2]);
        Assert.That(Outbox.IsAboveHighWater, Is.True);
        var room = Outbox.WaitForRoomAsync();
        Assert.That(room.IsCompleted, Is.False);
        await ReadAsync();
        await room.WaitAsync(WireClient.Patience);
        Assert.That(Outbox.PendingBytes, Is.LessThanOrEqualTo(HighWaterBytes / 2));
    }

    // What the application does then may take as long as it likes, and the timer is everybody's.
    [Test]
    public async Task Application_is_told_of_room_on_no_timers_thread()
    {
        // All of it is sent at once.
        Reconnect(MaxBytes);
        var posted = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        using var timer = new TickThread(
            () =>
            {
                if (!posted.Task.IsCompleted)
                    Outbox.Post(Opcode.Binary, new byte[HighWaterBytes]);
                posted.TrySetResult();
            },
            TimeSpan.FromMilliseconds(1));
        await posted.Task.WaitAsync(WireClient.Patience);
        await ReadAsync();
        await Eventually.IsTrueAsync(() => Drained == 1);
        Assert.That(DrainedOn!.Name, Is.Not.EqualTo("RawWs timer"));
        Assert.That(Outbox.Post(Opcode.Text, "next"u8), Is.EqualTo(SendResult.Sent));
        Assert.That(await ReadAsync(), Is.EqualTo((Opcode.Text, 4, (byte)'n')));
    }

    [Test]
    public async Task Failure_frees_everyone_who_waits_and_refuses_what_comes()
    {
        Outbox.Post(Opcode.Binary, new byte[MaxBytes]);
        var room = Outbox.WaitForRoomAsync();
        var complete = Outbox.CompleteAsync();
        Transport.Reset();
        await room.WaitAsync(WireClient.Patience);
        await complete.WaitAsync(WireClient.Patience);
        Assert.That(Outbox.PendingBytes, Is.Zero);
        Assert.That(Outbox.Post(Opcode.Text, "late"u8), Is.EqualTo(SendResult.Dropped));
        Assert.That(Drained, Is.Zero);
    }

    [Test]
    public async Task Posts_of_many_threads_are_all_sent_each_thread_in_order()
    {
        const int Threads = 4;
        const int Count = 2000;
        var posting = Enumerable.Range(0, Threads).Select(thread => Task.Run(async () =>
        {
            for (var i = 0; i < Count; i++)
                while (Outbox.Post(Opcode.Binary, [(byte)thread, (byte)i, (byte)(i >> 8)]) == SendResult.Dropped)
                    await Outbox.WaitForRoomAsync();
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
}
