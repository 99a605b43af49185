using RawWs.Tests.Support;

namespace RawWs.Tests.Server.Transport.Loops;

[Platform("Linux")]
public class LoopTransportTests
{
    private LoopPair _pair = null!;

    [SetUp]
    public async Task Connect() => _pair = await LoopPair.ConnectAsync();

    [TearDown]
    public void Disconnect() => _pair.Dispose();

    [Test]
    public async Task Reader_of_what_never_ends_lets_the_others_of_its_loop_have_their_turn()
    {
        var reading = ReadAsync(100);
        await _pair.Peer.SendAsync(new byte[1000]);
        // The first wait, and each seventeenth of the other 99; a loop that is starved of time may end one early.
        Assert.That(await reading.WaitAsync(WireClient.Patience), Is.InRange(4, 1 + (99 / 17)));

        // On the thread of the loop, once the first wait has ended there.
        async Task<int> ReadAsync(int count)
        {
            var incomplete = 0;
            for (var i = 0; i < count; i++)
            {
                var wait = _pair.Server.ReceiveAsync(Memory<byte>.Empty).AsTask();
                if (!wait.IsCompleted)
                    incomplete++;
                await wait;
                await _pair.Server.ReceiveAsync(new byte[1]);
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
    public async Task End_that_came_with_the_last_bytes_is_received_behind_them()
    {
        await _pair.Peer.SendAsync("last"u8.ToArray());
        _pair.Peer.ShutdownSend();
        await Eventually.IsTrueAsync(() => _pair.Server.IsReadable);
        Assert.That(await _pair.Server.ReceiveAsync(new byte[16]), Is.EqualTo(4));
        Assert.That(await _pair.Server.ReceiveAsync(Memory<byte>.Empty).AsTask().WaitAsync(WireClient.Patience), Is.Zero);
        Assert.That(await _pair.Server.ReceiveAsync(new byte[16]).AsTask().WaitAsync(WireClient.Patience), Is.Zero);
    }
}
