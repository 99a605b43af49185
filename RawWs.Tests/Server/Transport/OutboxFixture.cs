using Microsoft.Extensions.Logging.Abstractions;
using RawWs.Protocol.WebSockets;
using RawWs.Server;
using RawWs.Server.Diagnostics;
using RawWs.Server.Transport;
using RawWs.Tests.Support;

namespace RawWs.Tests.Server.Transport;

/// <summary>An outbox over a carrier that takes what there is room for at once, or over one that does not.</summary>
public abstract class OutboxFixture(bool takesAtOnce)
{
    protected const int MaxBytes = 64 * 1024;
    protected const int HighWaterBytes = 16 * 1024;
    protected const int Capacity = 1024;

    private ServerMetrics _metrics = null!;
    private int _drained;

    private protected MemoryTransport Transport { get; private set; } = null!;

    private protected MemoryTransport Peer { get; private set; } = null!;

    private protected Outbox Outbox { get; private set; } = null!;

    /// <summary>How often the application was told of room.</summary>
    protected int Drained => Volatile.Read(ref _drained);

    /// <summary>Where it was told so last.</summary>
    protected Thread? DrainedOn { get; private set; }

    [SetUp]
    public void Connect() => Connect(Capacity);

    [TearDown]
    public void Disconnect()
    {
        Transport.Close();
        _metrics.Dispose();
    }

    protected void Reconnect(int capacity)
    {
        Disconnect();
        Connect(capacity);
    }

    private void Connect(int capacity)
    {
        _drained = 0;
        (Transport, Peer) = MemoryTransport.CreatePair(capacity);
        Transport.TakesAtOnce = takesAtOnce;
        _metrics = new ServerMetrics(null);
        var context = new ServerContext(new ServerOptions(), NullLogger.Instance, _metrics, TimeProvider.System);
        var handler = new CallbackHandler
        {
            Drained = _ =>
            {
                DrainedOn = Thread.CurrentThread;
                Interlocked.Increment(ref _drained);
            },
        };
        var owner = new WebSocketConnection(context, Transport, handler, slot: 0);
        Outbox = new Outbox(Transport, owner, MaxBytes, HighWaterBytes);
    }

    protected static int[] Sizes(params int[] sizes) => sizes;

    private protected async Task<(Opcode Opcode, int Length, byte First)> ReadAsync()
    {
        var header = await ReadHeaderAsync();
        var payload = await ReadBytesAsync((int)header.PayloadLength);
        return (header.Opcode, payload.Length, payload[0]);
    }

    protected async Task<byte[]> ReadPayloadAsync() => await ReadBytesAsync((int)(await ReadHeaderAsync()).PayloadLength);

    private async Task<FrameHeader> ReadHeaderAsync()
    {
        var bytes = new List<byte>();
        FrameHeader header;
        while (!FrameHeader.TryRead(bytes.ToArray(), out header))
            bytes.AddRange(await ReadBytesAsync(1));
        return header;
    }

    protected async Task<byte[]> ReadBytesAsync(int count)
    {
        var bytes = new byte[count];
        for (var done = 0; done < count;)
        {
            var received = await Peer.ReceiveAsync(bytes.AsMemory(done)).AsTask().WaitAsync(WireClient.Patience);
            Assert.That(received, Is.Positive);
            done += received;
        }

        return bytes;
    }
}
