using System.Net.Sockets;
using RawWs.Server.Transport;
using RawWs.Tests.Support;

namespace RawWs.Tests.Server.Transport.Loops;

[Platform("Linux")]
public class LoopTransportTests
{
    private LoopPair _pair = null!;

    [SetUp]
    public async Task Connect() => _pair = await LoopPair.ConnectAsync(loops: 1);

    [TearDown]
    public void Disconnect() => _pair.Dispose();

    [Test]
    public async Task Reader_of_what_never_ends_lets_the_others_of_its_loop_have_their_turn()
    {
        // The compiler has its turn on another connection: while it works the loop may be given to another thread.
        using (var first = await LoopPair.ConnectAsync(loops: 1))
            await ReadOnLoopAsync(first);
        Assert.That(await ReadOnLoopAsync(_pair), Is.GreaterThan(1));

        static async Task<int> ReadOnLoopAsync(LoopPair pair)
        {
            var reading = ReadAsync(pair.Server, 100);
            await pair.Peer.SendAsync(new byte[100]);
            return await reading.WaitAsync(WireClient.Patience);
        }

        // On the thread of the loop, once the first wait has ended there.
        static async Task<int> ReadAsync(ByteTransport transport, int count)
        {
            var incomplete = 0;
            for (var i = 0; i < count; i++)
            {
                var wait = transport.ReceiveAsync(Memory<byte>.Empty).AsTask();
                if (!wait.IsCompleted)
                    incomplete++;
                await wait.ConfigureAwait(false);
                await transport.ReceiveAsync(new byte[1]).ConfigureAwait(false);
            }

            return incomplete;
        }
    }

    [Test]
    public async Task What_follows_a_read_that_took_all_is_told_again()
    {
        for (byte i = 0; i < 200; i++)
        {
            await _pair.Peer.SendAsync(new[] { i });
            await _pair.Server.ReceiveAsync(Memory<byte>.Empty).AsTask().WaitAsync(WireClient.Patience);
            var buffer = new byte[16];
            Assert.That(await _pair.Server.ReceiveAsync(buffer), Is.EqualTo(1));
            Assert.That(buffer[0], Is.EqualTo(i));
        }
    }

    [Test]
    public async Task Wait_behind_a_read_that_was_just_large_enough_needs_no_buffer()
    {
        // Who waits before there is anything has the loop's word for it, which is not under way any more.
        var first = _pair.Server.ReceiveAsync(Memory<byte>.Empty).AsTask();
        await _pair.Peer.SendAsync("four"u8.ToArray());
        await first.WaitAsync(WireClient.Patience);
        Assert.That(await _pair.Server.ReceiveAsync(new byte[4]), Is.EqualTo(4));
        var waiting = _pair.Server.ReceiveAsync(Memory<byte>.Empty).AsTask();
        Assert.That(waiting.IsCompleted, Is.False);
        await _pair.Peer.SendAsync("more"u8.ToArray());
        Assert.That(await waiting.WaitAsync(WireClient.Patience), Is.Zero);
    }

    [Test]
    public async Task Close_without_a_shutdown_resets_so_that_nothing_stays_with_the_system()
    {
        var sending = _pair.Server.SendAsync(new byte[64 * 1024 * 1024]).AsTask();
        _pair.Server.Close();
        Assert.That(async () => await sending, Throws.Exception);
        await Eventually.IsTrueAsync(() => _pair.Peer.IsReadable);
        Assert.That(
            async () =>
            {
                while (await _pair.Peer.ReceiveAsync(new byte[1 << 20]).AsTask().WaitAsync(WireClient.Patience) > 0)
                {
                }
            },
            Throws.InstanceOf<SocketException>());
    }

    [Test]
    public async Task End_that_came_with_the_last_bytes_is_received_behind_them()
    {
        await _pair.Peer.SendAsync("last"u8.ToArray());
        _pair.Peer.ShutdownSend();
        await Eventually.IsTrueAsync(() => _pair.Server.IsReadable);
        Assert.That(await _pair.Server.ReceiveAsync(new byte[16]), Is.EqualTo(4));
        Assert.That(await _pair.Server.ReceiveAsync(Memory<byte>.Empty).AsTask().WaitAsync(WireClient.Patience), Is.Zero);
        Assert.That(await _pair.Server.ReceiveAsync(new byte[16]).AsTask().WaitAsync(WireClient.Patience), Is.Zero);
    }

    [Test]
    public async Task Loop_whose_thread_is_blocked_after_a_long_silence_goes_on_with_another()
    {
        using var go = new ManualResetEventSlim();
        await Eventually.IsTrueAsync(() => _pair.Loops.IsAsleep);
        var blocking = ReceiveAndBlockAsync();
        await _pair.Peer.SendAsync(new byte[1]);
        var receiving = _pair.Peer.ReceiveAsync(new byte[1]).AsTask();
        await _pair.Server.SendAsync(new byte[1]);
        Assert.That(await receiving.WaitAsync(WireClient.Patience), Is.EqualTo(1));
        Assert.That(blocking.IsCompleted, Is.False);
        go.Set();
        Assert.That(await blocking.WaitAsync(WireClient.Patience), Is.True);

        async Task<bool> ReceiveAndBlockAsync()
        {
            await _pair.Server.ReceiveAsync(Memory<byte>.Empty).ConfigureAwait(false);
            return go.Wait(WireClient.Patience);
        }
    }

    [Test]
    public async Task Who_returns_to_the_loop_is_on_its_thread()
    {
        var server = _pair.Server;
        for (var i = 0; i < 20; i++)
        {
            var name = await Task.Run(async () =>
            {
                await server.ReturnToLoop();
                return Thread.CurrentThread.Name;
            }).WaitAsync(WireClient.Patience);
            Assert.That(name, Is.EqualTo("RawWs event loop"));
        }
    }

    [Test]
    public async Task Who_returns_to_the_loop_of_a_closed_connection_goes_on()
    {
        var server = _pair.Server;
        server.Close();
        await Task.Run(async () => await server.ReturnToLoop()).WaitAsync(WireClient.Patience);
        Assert.That(async () => await server.ReceiveAsync(new byte[1]), Throws.InstanceOf<ObjectDisposedException>());
    }
}
