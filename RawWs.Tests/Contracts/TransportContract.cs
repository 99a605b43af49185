using RawWs.Server.Transport;
using RawWs.Tests.Support;

namespace RawWs.Tests.Contracts;

/// <summary>What every carrier of bytes must do, whatever it is made of.</summary>
public abstract class TransportContract
{
    private ByteTransport _server = null!;
    private ByteTransport _peer = null!;

    [SetUp]
    public async Task Connect() => (_server, _peer) = await ConnectAsync();

    [TearDown]
    public void Disconnect()
    {
        _server.Close();
        _peer.Close();
    }

    [TestCase(1)]
    [TestCase(4096)]
    [TestCase(4 * 1024 * 1024)]
    public async Task Send_sends_the_whole_buffer(int size)
    {
        var bytes = new byte[size];
        new Random(size).NextBytes(bytes);
        var sending = _server.SendAsync(bytes).AsTask();
        Assert.That((await ReceiveAsync(_peer, size)).AsSpan().SequenceEqual(bytes), Is.True);
        await sending.WaitAsync(WireClient.Patience);
    }

    [Test]
    public async Task Sends_arrive_in_order()
    {
        for (byte i = 0; i < 100; i++)
            await _server.SendAsync(new[] { i });
        Assert.That(await ReceiveAsync(_peer, 100), Is.EqualTo(Enumerable.Range(0, 100).Select(i => (byte)i)));
    }

    [Test]
    public async Task What_is_tried_to_send_arrives_as_far_as_it_was_taken_and_never_waits()
    {
        var bytes = new byte[1024 * 1024];
        new Random(1).NextBytes(bytes);
        var takesAny = false;
        for (var taken = bytes.Length; taken == bytes.Length;)
        {
            // Where the two meet must not be seen.
            taken = _server.TrySend(bytes.AsSpan(0, 10), bytes.AsSpan(10));
            takesAny |= taken > 0;
            var received = await ReceiveAsync(_peer, taken / 2);
            Assert.That(received.AsSpan().SequenceEqual(bytes.AsSpan(0, received.Length)), Is.True);
            received = await ReceiveAsync(_peer, taken - received.Length);
            Assert.That(received.AsSpan().SequenceEqual(bytes.AsSpan(taken - received.Length, received.Length)), Is.True);
            bytes = [.. bytes, .. bytes];
        }

        // The peer is read no more.
        while (_server.TrySend(bytes, bytes) > 0)
        {
        }

        Assert.That(takesAny, Is.EqualTo(TakesAtOnce));
        _server.Close();
        if (TakesAtOnce)
            Assert.That(() => _server.TrySend(bytes, bytes), Throws.Exception.Matches<Exception>(fault => TransportFaults.Includes(fault!)));
    }

    [Test]
    public async Task Both_directions_work_at_the_same_time()
    {
        const int Size = 1024 * 1024;
        var there = _server.SendAsync(new byte[Size]).AsTask();
        var back = _peer.SendAsync(new byte[Size]).AsTask();
        await Task.WhenAll(ReceiveAsync(_peer, Size), ReceiveAsync(_server, Size));
        await Task.WhenAll(there, back).WaitAsync(WireClient.Patience);
    }

    [Test]
    public async Task Is_readable_as_long_as_there_is_something_to_receive()
    {
        Assert.That(_server.IsReadable, Is.False);
        await _peer.SendAsync("a"u8.ToArray());
        await Eventually.IsTrueAsync(() => _server.IsReadable);
        await ReceiveAsync(_server, 1);
        Assert.That(_server.IsReadable, Is.False);
        _peer.ShutdownSend();
        await Eventually.IsTrueAsync(() => _server.IsReadable);
    }

    [Test]
    public async Task Receive_with_an_empty_buffer_waits_and_takes_nothing()
    {
        var waiting = _server.ReceiveAsync(Memory<byte>.Empty).AsTask();
        Assert.That(waiting.IsCompleted, Is.False);
        await _peer.SendAsync("ab"u8.ToArray());
        Assert.That(await waiting.WaitAsync(WireClient.Patience), Is.Zero);
        Assert.That(await _server.ReceiveAsync(Memory<byte>.Empty).AsTask().WaitAsync(WireClient.Patience), Is.Zero);
        Assert.That(await ReceiveAsync(_server, 2), Is.EqualTo("ab"u8.ToArray()));
    }

    [Test]
    public async Task Shutdown_of_sending_ends_the_stream_behind_what_was_sent_and_receiving_goes_on()
    {
        await _server.SendAsync("last"u8.ToArray());
        _server.ShutdownSend();
        Assert.That(await ReceiveAsync(_peer, 4), Is.EqualTo("last"u8.ToArray()));
        Assert.That(await EndAsync(_peer), Is.Zero);
        await _peer.SendAsync("answer"u8.ToArray());
        Assert.That(await ReceiveAsync(_server, 6), Is.EqualTo("answer"u8.ToArray()));
    }

    [Test]
    public async Task Send_after_its_shutdown_is_a_fault()
    {
        _server.ShutdownSend();
        await ExpectFaultAsync(StartAsync(() => _server.SendAsync(new byte[1]).AsTask()));
    }

    [Test]
    public async Task Shutdown_of_receiving_ends_a_receive_that_waits_and_sending_goes_on([Values] bool isEmpty)
    {
        var waiting = _server.ReceiveAsync(isEmpty ? Memory<byte>.Empty : new byte[1]).AsTask();
        _server.ShutdownReceive();
        Assert.That(await waiting.WaitAsync(WireClient.Patience), Is.Zero);
        await _server.SendAsync("still"u8.ToArray());
        Assert.That(await ReceiveAsync(_peer, 5), Is.EqualTo("still"u8.ToArray()));
    }

    [Test]
    public async Task Close_fails_a_receive_that_waits([Values] bool isEmpty)
    {
        var waiting = _server.ReceiveAsync(isEmpty ? Memory<byte>.Empty : new byte[1]).AsTask();
        _server.Close();
        await ExpectFaultAsync(waiting);
    }

    [Test]
    public async Task Close_fails_a_send_that_waits()
    {
        var waiting = _server.SendAsync(new byte[64 * 1024 * 1024]).AsTask();
        Assert.That(waiting.IsCompleted, Is.False);
        _server.Close();
        await ExpectFaultAsync(waiting);
    }

    [Test]
    public async Task Close_behind_a_shutdown_ends_the_stream_of_the_peer()
    {
        _server.ShutdownSend();
        _server.Close();
        Assert.That(await EndAsync(_peer), Is.Zero);
    }

    [Test]
    public async Task Close_loses_what_the_peer_has_not_taken()
    {
        const int Size = 64 * 1024 * 1024;
        var sending = _server.SendAsync(new byte[Size]).AsTask();
        Assert.That(sending.IsCompleted, Is.False);
        _server.Close();
        await ExpectFaultAsync(sending);
        var buffer = new byte[64 * 1024];
        long total = 0;
        try
        {
            while (await _peer.ReceiveAsync(buffer).AsTask().WaitAsync(WireClient.Patience) is > 0 and var count)
                total += count;
        }
        catch (Exception e) when (TransportFaults.Includes(e))
        {
            // A carrier may say so.
        }

        Assert.That(total, Is.LessThan(Size));
    }

    [Test]
    public async Task Everything_after_close_is_a_fault_or_nothing()
    {
        _server.Close();
        _server.Close();
        _server.ShutdownSend();
        _server.ShutdownReceive();
        await ExpectFaultAsync(StartAsync(() => _server.ReceiveAsync(new byte[1]).AsTask()));
        await ExpectFaultAsync(StartAsync(() => _server.SendAsync(new byte[1]).AsTask()));
    }

    internal abstract Task<(ByteTransport Server, ByteTransport Peer)> ConnectAsync();

    /// <summary>Whether the server's side has a way to take what there is room for at once.</summary>
    protected virtual bool TakesAtOnce => false;

    // A fault may come from the call or from its task.
    private static async Task StartAsync(Func<Task> operation) => await operation();

    private static async Task ExpectFaultAsync(Task operation)
    {
        try
        {
            await operation.WaitAsync(WireClient.Patience);
            Assert.Fail("The operation succeeded.");
        }
        catch (Exception e) when (e is not (AssertionException or TimeoutException))
        {
            Assert.That(TransportFaults.Includes(e), Is.True, e.ToString());
        }
    }

    private static async Task<byte[]> ReceiveAsync(ByteTransport transport, int count)
    {
        var bytes = new byte[count];
        for (var done = 0; done < count;)
        {
            var received = await transport.ReceiveAsync(bytes.AsMemory(done)).AsTask().WaitAsync(WireClient.Patience);
            Assert.That(received, Is.Positive);
            done += received;
        }

        return bytes;
    }

    private static Task<int> EndAsync(ByteTransport transport) =>
        transport.ReceiveAsync(new byte[1]).AsTask().WaitAsync(WireClient.Patience);
}
