using Microsoft.Extensions.Time.Testing;
using RawWs.Server.Diagnostics;
using RawWs.Server.Transport;
using RawWs.Server.Transport.Tls;
using RawWs.Tests.Support;

namespace RawWs.Tests.Server.Transport.Tls;

public class HandshakeGateTests
{
    private readonly ServerMetrics _metrics = new();
    private readonly FakeTimeProvider _clock = new();

    [OneTimeTearDown]
    public void StopMetrics() => _metrics.Dispose();

    [Test]
    public void At_the_bound_the_one_that_waits_for_its_peer_the_longest_makes_room()
    {
        var gate = new HandshakeGate(maxHandshakes: 3, threads: 1, _metrics, _clock);
        ByteTransport[] transports = [.. Enumerable.Range(0, 5).Select(_ => MemoryTransport.CreatePair().Item1)];
        using var first = gate.Enter(transports[0]);
        using var second = gate.Enter(transports[1]);
        using var third = gate.Enter(transports[2]);
        second.BeginWait();
        first.BeginWait();
        third.BeginWait();
        // It has been heard, and waits again behind the others.
        second.EndWait();
        second.BeginWait();
        _clock.Advance(TimeSpan.FromSeconds(1));
        using var fourth = gate.Enter(transports[3]);
        Assert.That(transports.Select(IsClosed), Is.EqualTo([true, false, false, false, false]));
        using var fifth = gate.Enter(transports[4]);
        Assert.That(transports.Select(IsClosed), Is.EqualTo([true, false, true, false, false]));
        Assert.That(gate.Count, Is.EqualTo(3));
    }

    [Test]
    public void At_the_bound_a_new_one_is_refused_if_all_wait_for_the_server()
    {
        var gate = new HandshakeGate(maxHandshakes: 2, threads: 1, _metrics, _clock);
        using var first = gate.Enter(MemoryTransport.CreatePair().Item1);
        var second = gate.Enter(MemoryTransport.CreatePair().Item1);
        Assert.That(() => gate.Enter(MemoryTransport.CreatePair().Item1), Throws.TypeOf<IOException>());
        second.Dispose();
        using var third = gate.Enter(MemoryTransport.CreatePair().Item1);
        Assert.That(gate.Count, Is.EqualTo(2));
    }

    [Test]
    public void One_that_has_just_been_answered_keeps_its_place()
    {
        var gate = new HandshakeGate(maxHandshakes: 1, threads: 1, _metrics, _clock);
        using var answered = gate.Enter(MemoryTransport.CreatePair().Item1);
        answered.BeginWait();
        _clock.Advance(TimeSpan.FromMilliseconds(999));
        Assert.That(() => gate.Enter(MemoryTransport.CreatePair().Item1), Throws.TypeOf<IOException>());
        Assert.That(answered.HasLeft, Is.False);
    }

    [Test]
    public void Place_is_freed_once()
    {
        var gate = new HandshakeGate(maxHandshakes: 1, threads: 1, _metrics, _clock);
        var shed = gate.Enter(MemoryTransport.CreatePair().Item1);
        shed.BeginWait();
        _clock.Advance(TimeSpan.FromSeconds(1));
        var next = gate.Enter(MemoryTransport.CreatePair().Item1);
        shed.Dispose();
        Assert.That(gate.Count, Is.EqualTo(1), "its place is the next one's");
        next.Dispose();
        next.Dispose();
        Assert.That(gate.Count, Is.Zero);
    }

    [Test]
    public void One_that_has_had_to_make_room_has_no_place_to_give_though_it_waits_again()
    {
        var gate = new HandshakeGate(maxHandshakes: 1, threads: 1, _metrics, _clock);
        ByteTransport[] transports = [.. Enumerable.Range(0, 3).Select(_ => MemoryTransport.CreatePair().Item1)];
        using var shed = gate.Enter(transports[0]);
        shed.BeginWait();
        _clock.Advance(TimeSpan.FromSeconds(1));
        using var next = gate.Enter(transports[1]);
        // It was just being computed, and does not know yet that it is over.
        shed.BeginWait();
        next.BeginWait();
        _clock.Advance(TimeSpan.FromSeconds(1));
        using var last = gate.Enter(transports[2]);
        Assert.That(transports.Select(IsClosed), Is.EqualTo([true, true, false]));
        Assert.That(gate.Count, Is.EqualTo(1));
    }

    [Test]
    public async Task Turn_is_given_back_by_who_waits_for_the_peer_and_by_who_is_done()
    {
        var gate = new HandshakeGate(maxHandshakes: 10, threads: 1, _metrics, _clock);
        using var first = gate.Enter(MemoryTransport.CreatePair().Item1);
        var second = gate.Enter(MemoryTransport.CreatePair().Item1);
        await first.BeginTurnAsync();
        var secondTurn = second.BeginTurnAsync();
        Assert.That(secondTurn.IsCompleted, Is.False);
        first.BeginWait();
        await secondTurn.WaitAsync(WireClient.Patience);
        first.EndWait();
        var firstTurn = first.BeginTurnAsync();
        Assert.That(firstTurn.IsCompleted, Is.False);
        second.Dispose();
        await firstTurn.WaitAsync(WireClient.Patience);
    }

    [Test]
    public async Task Turn_is_on_a_thread_of_the_pool_also_if_it_is_free()
    {
        var gate = new HandshakeGate(maxHandshakes: 10, threads: 1, _metrics, _clock);
        using var handshake = gate.Enter(MemoryTransport.CreatePair().Item1);
        var isOnPool = new TaskCompletionSource<bool>();
        var thread = new Thread(() => _ = BeginAsync());

        async Task BeginAsync()
        {
            await handshake.BeginTurnAsync();
            isOnPool.SetResult(Thread.CurrentThread.IsThreadPoolThread);
        }

        thread.Start();
        thread.Join();
        Assert.That(await isOnPool.Task.WaitAsync(WireClient.Patience), Is.True);
    }

    // Nobody sends anything here: there is nothing to receive but the end.
    private static bool IsClosed(ByteTransport transport) => transport.IsReadable;
}
