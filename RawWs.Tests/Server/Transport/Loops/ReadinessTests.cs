using RawWs.Server.Transport.Loops;
using RawWs.Tests.Support;

namespace RawWs.Tests.Server.Transport.Loops;

public class ReadinessTests
{
    private Readiness _readiness = null!;

    [SetUp]
    public void Create() => _readiness = new Readiness();

    [Test]
    public void Whoever_comes_when_it_is_ready_does_not_wait()
    {
        _readiness.Set();
        Assert.That(_readiness.WaitAsync().AsTask().IsCompletedSuccessfully, Is.True);
        Assert.That(_readiness.WaitAsync().AsTask().IsCompletedSuccessfully, Is.True);
    }

    [Test]
    public void Reset_makes_the_next_one_wait()
    {
        _readiness.Set();
        _readiness.Reset();
        Assert.That(_readiness.WaitAsync().AsTask().IsCompleted, Is.False);
    }

    [Test]
    public async Task Whoever_waits_goes_on_on_the_thread_that_sets_it()
    {
        var thread = 0;
        var waiting = WaitAsync();
        _readiness.Set();
        Assert.That(thread, Is.EqualTo(Environment.CurrentManagedThreadId));
        await waiting;

        async Task WaitAsync()
        {
            await _readiness.WaitAsync().ConfigureAwait(false);
            thread = Environment.CurrentManagedThreadId;
        }
    }

    [Test]
    public void Reset_leaves_alone_who_waits()
    {
        var waiting = _readiness.WaitAsync().AsTask();
        _readiness.Reset();
        Assert.That(waiting.IsCompleted, Is.False);
        _readiness.Set();
        Assert.That(waiting.IsCompletedSuccessfully, Is.True);
    }

    [Test]
    public void Second_wait_beside_one_that_waits_is_refused()
    {
        var waiting = _readiness.WaitAsync().AsTask();
        Assert.That(async () => await _readiness.WaitAsync(), Throws.InvalidOperationException);
        Assert.That(waiting.IsCompleted, Is.False);
        _readiness.Set();
        Assert.That(waiting.IsCompletedSuccessfully, Is.True);
    }

    [Test]
    public void Close_fails_who_waits_and_who_comes_later_and_nothing_makes_it_ready_again()
    {
        var waiting = _readiness.WaitAsync().AsTask();
        _readiness.Close();
        Assert.That(
            async () => await waiting.WaitAsync(WireClient.Patience), Throws.InstanceOf<ObjectDisposedException>());
        _readiness.Set();
        Assert.That(
            async () => await _readiness.WaitAsync(), Throws.InstanceOf<ObjectDisposedException>());
    }

    [Test]
    public async Task No_signal_is_lost_between_a_reset_and_a_wait()
    {
        const int Count = 50_000;
        var produced = 0;
        var producer = Task.Run(() =>
        {
            for (var i = 0; i < Count; i++)
            {
                Interlocked.Increment(ref produced);
                _readiness.Set();
            }
        });
        // As a socket's reader does: it forgets the signal, takes what is there, and waits if that was nothing.
        for (var taken = 0; taken < Count;)
        {
            _readiness.Reset();
            var available = Volatile.Read(ref produced);
            if (available == taken)
                await _readiness.WaitAsync().AsTask().WaitAsync(WireClient.Patience);
            taken = available;
        }

        await producer;
    }
}
