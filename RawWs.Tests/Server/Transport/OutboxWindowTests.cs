using System.Buffers.Binary;
using Microsoft.Extensions.Logging.Abstractions;
using RawWs.Protocol;
using RawWs.Protocol.WebSockets;
using RawWs.Protocol.WebSockets.Deflate;
using RawWs.Server;
using RawWs.Server.Diagnostics;
using RawWs.Server.Transport;
using RawWs.Tests.Protocol.WebSockets.Deflate;
using RawWs.Tests.Support;

namespace RawWs.Tests.Server.Transport;

/// <summary>An outbox that compresses with context takeover: what is dropped, or posted at once, never upsets the window.</summary>
public class OutboxWindowTests
{
    private const int MaxBytes = 64 * 1024;
    private const int HighWaterBytes = 16 * 1024;

    private MemoryTransport _transport = null!;
    private MemoryTransport _peer = null!;
    private ServerMetrics _metrics = null!;
    private MessageDeflater _window = null!;
    private MessageReader _reader = null!;
    private Outbox _outbox = null!;

    [SetUp]
    public void Connect()
    {
        (_transport, _peer) = MemoryTransport.CreatePair(1024);
        _metrics = new ServerMetrics(null);
        var context = new ServerContext(new ServerOptions(), NullLogger.Instance, _metrics, TimeProvider.System);
        var owner = new WebSocketConnection(context, _transport, new CallbackHandler(), slot: 0);
        _window = new MessageDeflater(DeflateCases.Pool, DeflateCases.Takeover, Role.Server);
        _outbox = new Outbox(_transport, owner, MaxBytes, HighWaterBytes, _window);
        _reader = new MessageReader(
            Role.Client,
            new MessageLimits(),
            inflater: new MessageInflater(DeflateCases.Pool, DeflateCases.Takeover, Role.Client));
    }

    [TearDown]
    public void Disconnect()
    {
        _transport.Close();
        _reader.Dispose();
        _window.Dispose();
        _metrics.Dispose();
    }

    [Test]
    public async Task Message_refers_to_those_before_however_it_was_posted()
    {
        var text = DeflateCases.Json(3000);
        _outbox.Post(Opcode.Text, text);
        var first = _outbox.PendingBytes + _transport.Sends.Sum(send => send);
        _outbox.PostFrames(new PreparedMessage(Opcode.Text, text).Frame);
        Assert.That(await ReadAsync(), Is.EqualTo(text));
        Assert.That(await ReadAsync(), Is.EqualTo(text));
        Assert.That(_transport.Sends.Sum(send => send) - first, Is.LessThan(100), "it is in the window");
    }

    // Alone, as collections that others cause take what the shared pool has.
    [Test, NonParallelizable]
    public void What_waits_holds_the_memory_that_it_counts_and_not_what_it_might_have_needed()
    {
        const int Messages = 4;
        const int Chunk = 2 * 1024 * 1024;
        // What the largest of their kind needs is a chunk of its own; what it becomes is a thousandth of that.
        var text = new byte[Chunk - Enumerable.Range(0, Chunk).First(
            less => MessageDeflater.MaxFrameSize(Chunk - less) <= Chunk)];
        // The transport takes no more than a part of the first one.
        _outbox.Post(Opcode.Binary, DeflateCases.Noise(4000));
        _outbox.Post(Opcode.Binary, text);
        var before = GC.GetAllocatedBytesForCurrentThread();
        for (var i = 0; i < Messages; i++)
            Assert.That(_outbox.Post(Opcode.Binary, text), Is.EqualTo(SendResult.Sent));
        Assert.That(_outbox.PendingBytes, Is.LessThan(HighWaterBytes));
        // A pool may lose what it keeps to a collection now and then, but not each time.
        var allocated = GC.GetAllocatedBytesForCurrentThread() - before;
        Assert.That(allocated, Is.LessThan(Messages * text.Length / 2), "held by what waits");
    }

    [Test]
    public async Task Frames_that_are_not_worth_it_stay_as_they_are()
    {
        var frame = new PreparedMessage(Opcode.Text, DeflateCases.Json(300)).Frame;
        _outbox.PostFrames(frame, isCompressible: false);
        Assert.That(_transport.Sends.Sum(send => send), Is.EqualTo(frame.Length));
        Assert.That(await ReadAsync(), Is.EqualTo(DeflateCases.Json(300)));
        Assert.That(_window.HoldsDeflater, Is.False);
    }

    [Test]
    public async Task Window_is_given_back_in_silence_only_and_the_next_message_begins_a_new_one()
    {
        var text = DeflateCases.Json(900);
        _outbox.Post(Opcode.Text, text);
        _outbox.ReleaseWindow(since: -1);
        Assert.That(_window.HoldsDeflater, Is.True, "it was used since");
        _outbox.ReleaseWindow(since: 0);
        Assert.That(_window.HoldsDeflater, Is.False);
        _outbox.Post(Opcode.Text, text);
        Assert.That(await ReadAsync(), Is.EqualTo(text));
        Assert.That(await ReadAsync(), Is.EqualTo(text));
    }

    [Test]
    public async Task Posts_of_several_threads_among_them_dropped_ones_are_read_in_the_order_of_each()
    {
        const int Threads = 3;
        const int Messages = 300;
        var accepted = new List<int>[Threads];
        var posting = Enumerable.Range(0, Threads).Select(thread => Task.Run(() =>
        {
            accepted[thread] = [];
            var payload = DeflateCases.Json(4000, thread);
            for (var i = 0; i < Messages; i++)
            {
                payload[0] = (byte)thread;
                BinaryPrimitives.WriteInt32LittleEndian(payload.AsSpan(1), i);
                var result = i % 2 == 0
                    ? _outbox.Post(Opcode.Binary, payload)
                    : _outbox.PostFrames(new PreparedMessage(Opcode.Binary, payload).Frame);
                if (result != SendResult.Dropped)
                    accepted[thread].Add(i);
                if (i % 50 == 0)
                    _outbox.ReleaseWindow(long.MaxValue);
            }
        })).ToArray();

        var read = Enumerable.Range(0, Threads).Select(_ => new List<int>()).ToArray();
        var reading = Task.Run(async () =>
        {
            while (await ReadAsync() is { Length: > 1 } message)
                read[message[0]].Add(BinaryPrimitives.ReadInt32LittleEndian(message.AsSpan(1)));
        });
        await Task.WhenAll(posting).WaitAsync(WireClient.Patience);
        while (_outbox.Post(Opcode.Binary, [0xFF]) == SendResult.Dropped)
            await _outbox.WaitForRoomAsync().WaitAsync(WireClient.Patience);
        await reading.WaitAsync(WireClient.Patience);
        Assert.That(read, Is.EqualTo(accepted));
    }

    private async Task<byte[]> ReadAsync()
    {
        ReceivedMessage message;
        while (!_reader.TryRead(out message))
        {
            Assert.That(_reader.Error, Is.EqualTo(ProtocolError.None));
            var count = await _peer.ReceiveAsync(_reader.GetMemory()).AsTask().WaitAsync(WireClient.Patience);
            Assert.That(count, Is.Positive);
            _reader.Advance(count);
        }

        return message.Payload.ToArray();
    }
}
