using RawWs.Protocol.WebSockets;
using RawWs.Server.Transport;
using RawWs.Tests.Support;

namespace RawWs.Tests.Server.Transport;

/// <summary>Messages above the high-water mark, which are sent from where they are as far as they are taken at once.</summary>
[TestFixture(false)]
[TestFixture(true)]
public class OutboxLargeMessageTests(bool takesAtOnce) : OutboxFixture(takesAtOnce)
{
    [Test]
    public async Task Message_over_the_bound_fits_while_little_waits()
    {
        Assert.That(Outbox.Post(Opcode.Binary, new byte[3 * MaxBytes]), Is.EqualTo(SendResult.Backpressure));
        Assert.That(Outbox.Post(Opcode.Text, "more"u8), Is.EqualTo(SendResult.Dropped));
        Assert.That((await ReadAsync()).Length, Is.EqualTo(3 * MaxBytes));
        await Eventually.IsTrueAsync(() => Drained == 1, "there is room again");
    }

    [Test]
    public async Task Message_over_the_bound_fits_up_to_the_high_water_mark_where_the_peer_is_still_read()
    {
        Assert.That(Outbox.Post(Opcode.Binary, new byte[HighWaterBytes - 100]), Is.EqualTo(SendResult.Sent));
        Assert.That(Outbox.IsAboveHighWater, Is.False);
        Assert.That(Outbox.Post(Opcode.Binary, new byte[3 * MaxBytes]), Is.EqualTo(SendResult.Backpressure));
        Assert.That((await ReadAsync()).Length, Is.EqualTo(HighWaterBytes - 100));
        Assert.That((await ReadAsync()).Length, Is.EqualTo(3 * MaxBytes));
    }

    [Test]
    public async Task Message_over_the_mark_is_one_send_and_the_application_is_told_that_it_was_taken()
    {
        Reconnect(MaxBytes);
        Assert.That(Outbox.Post(Opcode.Binary, new byte[2 * HighWaterBytes]), Is.EqualTo(SendResult.Backpressure));
        Assert.That(Outbox.PendingBytes, Is.Zero);
        Assert.That(Transport.Sends, Is.EqualTo(Sizes((2 * HighWaterBytes) + 4)));
        Assert.That(Drained, Is.EqualTo(1));
        Assert.That((await ReadAsync()).Length, Is.EqualTo(2 * HighWaterBytes));
    }

    // A part of the header, all of it, and a part of the payload.
    [Test]
    public async Task What_is_not_taken_at_once_follows_before_what_comes_later([Values(0, 1, 4, 5, 20_000)] int room)
    {
        Reconnect(MaxBytes);
        await Transport.SendAsync(new byte[MaxBytes - room]);
        var payload = new byte[2 * HighWaterBytes];
        new Random(room).NextBytes(payload);
        Assert.That(Outbox.Post(Opcode.Binary, payload), Is.EqualTo(SendResult.Backpressure));
        Assert.That(Outbox.PendingBytes, Is.GreaterThan(payload.Length - room));
        if (room > 0)
            Outbox.Post(Opcode.Text, "next"u8);
        await ReadBytesAsync(MaxBytes - room);
        Assert.That(await ReadPayloadAsync(), Is.EqualTo(payload));
        if (room > 0)
            Assert.That(await ReadAsync(), Is.EqualTo((Opcode.Text, 4, (byte)'n')));
        await Eventually.IsTrueAsync(() => Outbox.PendingBytes == 0 && Drained == 1);
    }

    [Test]
    public async Task What_is_held_back_goes_before_a_message_over_the_mark()
    {
        var batch = FlushBatch.Open()!;
        Outbox.Post(Opcode.Text, "first"u8);
        Outbox.Post(Opcode.Binary, new byte[2 * HighWaterBytes]);
        batch.Close();
        Assert.That(await ReadAsync(), Is.EqualTo((Opcode.Text, 5, (byte)'f')));
        Assert.That((await ReadAsync()).Length, Is.EqualTo(2 * HighWaterBytes));
    }

    [Test]
    public async Task Posts_of_another_thread_wait_for_a_message_over_the_mark_that_is_being_sent()
    {
        var isComplete = true;
        Transport.Sending = () =>
        {
            Transport.Sending = null;
            var other = new Thread(() => Outbox.Post(Opcode.Text, "other"u8));
            other.Start();
            other.Join();
            isComplete = Outbox.CompleteAsync().IsCompleted;
        };
        Outbox.Post(Opcode.Binary, new byte[2 * HighWaterBytes]);
        Assert.That((await ReadAsync()).Length, Is.EqualTo(2 * HighWaterBytes));
        Assert.That(isComplete, Is.False);
        Assert.That(await ReadAsync(), Is.EqualTo((Opcode.Text, 5, (byte)'o')));
    }
}
