using System.Diagnostics.CodeAnalysis;
using System.Net;
using System.Net.Security;
using System.Security.Authentication;
using RawWs.Server.Diagnostics;
using RawWs.Server.Transport;
using RawWs.Server.Transport.Tls;
using RawWs.Tests.Support;

namespace RawWs.Tests.Server.Transport.Tls;

public class TlsTransportTests
{
    private readonly ServerMetrics _metrics = new();

    [OneTimeTearDown]
    public void StopMetrics() => _metrics.Dispose();

    [Test]
    public async Task Connection_that_waits_holds_no_buffer_and_no_turn()
    {
        var (carrier, transport, peer) = await ConnectAsync();
        var waiting = transport.ReceiveAsync(Memory<byte>.Empty).AsTask();
        Assert.That((waiting.IsCompleted, carrier.LastReceive), Is.EqualTo((false, 0)));
        await peer.WriteAsync("ab"u8.ToArray());
        await waiting.WaitAsync(WireClient.Patience);
        Assert.That(await transport.ReceiveAsync(new byte[10]), Is.EqualTo(2));
        waiting = transport.ReceiveAsync(Memory<byte>.Empty).AsTask();
        Assert.That((waiting.IsCompleted, carrier.LastReceive), Is.EqualTo((false, 0)));
        transport.Close();
        Assert.That(async () => await waiting.WaitAsync(WireClient.Patience), Throws.TypeOf<IOException>());
    }

    [Test]
    public async Task Part_of_a_record_is_nothing_to_receive()
    {
        var (carrier, transport, peer) = await ConnectAsync();
        carrier.Hold = true;
        await peer.WriteAsync("whole"u8.ToArray());
        Assert.That(transport.IsReadable, Is.False);
        carrier.Release(3);
        await Eventually.IsTrueAsync(() => carrier.HasBeenTaken);
        Assert.That(transport.IsReadable, Is.False);
        carrier.Release(int.MaxValue);
        await Eventually.IsTrueAsync(() => transport.IsReadable);
        var buffer = new byte[2];
        Assert.That(await transport.ReceiveAsync(buffer), Is.EqualTo(2));
        // What is decrypted already is not the carrier's any more.
        Assert.That((transport.IsReadable, carrier.IsReadable), Is.EqualTo((true, false)));
        Assert.That(await transport.ReceiveAsync(new byte[10]), Is.EqualTo(3));
        Assert.That(transport.IsReadable, Is.False);
        transport.Close();
    }

    [Test]
    public async Task Close_notify_comes_behind_a_send_that_waits()
    {
        var (_, transport, peer) = await ConnectAsync();
        var bytes = new byte[1024 * 1024];
        new Random(3).NextBytes(bytes);
        var sending = transport.SendAsync(bytes).AsTask();
        Assert.That(sending.IsCompleted, Is.False);
        transport.ShutdownSend();
        var received = new byte[bytes.Length];
        await peer.ReadExactlyAsync(received).AsTask().WaitAsync(WireClient.Patience);
        Assert.That(received.AsSpan().SequenceEqual(bytes), Is.True);
        Assert.That(await peer.ReadAsync(received).AsTask().WaitAsync(WireClient.Patience), Is.Zero);
        await sending.WaitAsync(WireClient.Patience);
        transport.Close();
    }

    // RFC 5246 §7.2.1; in TLS 1.2 the type of a record can be seen.
    [Test]
    public async Task Last_record_is_a_close_notify()
    {
        var (carrier, transport, _) = await ConnectAsync();
        await transport.SendAsync("last"u8.ToArray());
        Assert.That(carrier.LastSent.Span[0], Is.EqualTo(23));
        transport.ShutdownSend();
        Assert.That(carrier.LastSent.Span[0], Is.EqualTo(21));
        Assert.That(carrier.HasEndedSending, Is.True);
        transport.Close();
    }

    [Test]
    public async Task Nothing_can_be_received_or_sent_before_the_handshake()
    {
        var (inner, _) = MemoryTransport.CreatePair();
        var transport = Create(new Carrier(inner));
        Assert.That(transport.IsSecure, Is.True);
        Assert.That(async () => await transport.ReceiveAsync(new byte[1]), Throws.InstanceOf<IOException>());
        Assert.That(async () => await transport.SendAsync(new byte[1]), Throws.InstanceOf<IOException>());
        await Task.CompletedTask;
    }

    [Test]
    public async Task Handshake_of_a_peer_that_goes_is_a_fault([Values] bool saysSomething)
    {
        var (inner, peer) = MemoryTransport.CreatePair();
        var transport = Create(new Carrier(inner));
        var handshake = transport.AuthenticateAsync();
        if (saysSomething)
            await peer.SendAsync(new byte[] { 0x16, 3 });
        peer.ShutdownSend();
        Assert.That(async () => await handshake.WaitAsync(WireClient.Patience), Throws.InstanceOf<IOException>());
        Assert.That(transport.HasHeard, Is.EqualTo(saysSomething));
        // What the peer still sends is taken in as it is.
        Assert.That(await transport.DiscardAsync(new byte[1]), Is.Zero);
    }

    [Test]
    public async Task What_is_discarded_need_not_be_decrypted()
    {
        var (carrier, transport, _) = await ConnectAsync();
        Assert.That(transport.IsReadable, Is.False, "a receive is under way");
        for (var i = 0; i < 3; i++)
            await carrier.Peer!.SendAsync(new byte[1000]);
        carrier.Peer!.ShutdownSend();
        while (await transport.DiscardAsync(new byte[100]).AsTask().WaitAsync(WireClient.Patience) > 0)
            continue;
        transport.Close();
    }

    private async Task<(Carrier, TlsTransport, SslStream)> ConnectAsync()
    {
        var (inner, peer) = MemoryTransport.CreatePair();
        var carrier = new Carrier(inner) { Peer = peer };
        var transport = Create(carrier);
        var stream = new SslStream(new TransportStream(peer, new TlsTurns(() => Task.CompletedTask)));
        await Task.WhenAll(
            transport.AuthenticateAsync(),
            stream.AuthenticateAsClientAsync(SecureEndPoint.ClientOptions("localhost", SslProtocols.Tls12)))
            .WaitAsync(WireClient.Patience);
        return (carrier, transport, stream);
    }

    private TlsTransport Create(ByteTransport carrier) => new(
        carrier,
        new HandshakeGate(maxHandshakes: 10, threads: 1, _metrics, TimeProvider.System),
        stream => stream.AuthenticateAsServerAsync(TestCertificates.Localhost));

    /// <summary>A carrier in memory that tells what it was asked for, and lets through as much as it is told to.</summary>
    [SuppressMessage("Reliability", "CA1001", Justification = "A semaphore without a handle.")]
    private sealed class Carrier(MemoryTransport inner) : ByteTransport
    {
        private readonly SemaphoreSlim _released = new(0);
        private int _allowance;
        private bool _hold;

        public MemoryTransport? Peer { get; init; }

        public int LastReceive { get; private set; } = -1;

        public ReadOnlyMemory<byte> LastSent { get; private set; }

        public bool HasEndedSending { get; private set; }

        public bool HasBeenTaken => Volatile.Read(ref _allowance) == 0;

        public bool Hold
        {
            set => _hold = value;
        }

        public override EndPoint? RemoteEndPoint => null;

        public override bool IsSecure => false;

        public override bool IsReadable => inner.IsReadable && (!_hold || _allowance > 0);

        public override bool WaitsWithoutBuffer => true;

        public void Release(int count)
        {
            Volatile.Write(ref _allowance, count);
            _released.Release();
        }

        public override async ValueTask<int> ReceiveAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
        {
            LastReceive = buffer.Length;
            await inner.ReceiveAsync(Memory<byte>.Empty, cancellationToken);
            while (_hold && Volatile.Read(ref _allowance) == 0)
                await _released.WaitAsync(cancellationToken);
            if (buffer.IsEmpty)
                return 0;
            var count = await inner.ReceiveAsync(
                _hold ? buffer[..Math.Min(_allowance, buffer.Length)] : buffer, cancellationToken);
            if (_hold && _allowance != int.MaxValue)
                Volatile.Write(ref _allowance, _allowance - count);
            return count;
        }

        public override ValueTask SendAsync(ReadOnlyMemory<byte> buffer)
        {
            LastSent = buffer.ToArray();
            return inner.SendAsync(buffer);
        }

        public override void ShutdownSend()
        {
            HasEndedSending = true;
            inner.ShutdownSend();
        }

        public override void ShutdownReceive() => inner.ShutdownReceive();

        public override void Close() => inner.Close();
    }
}
