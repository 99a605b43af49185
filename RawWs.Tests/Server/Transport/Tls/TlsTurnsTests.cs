using RawWs.Server.Transport.Tls;
using RawWs.Tests.Support;

namespace RawWs.Tests.Server.Transport.Tls;

public class TlsTurnsTests
{
    private int _ends;

    [SetUp]
    public void Reset() => _ends = 0;

    [Test]
    public void End_waits_for_who_is_inside_and_comes_once()
    {
        var turns = Create();
        turns.BeginReading();
        Assert.That(turns.TryBeginWriting(), Is.True);
        turns.End();
        turns.End();
        Assert.That(_ends, Is.Zero);
        turns.EndReading();
        Assert.That(_ends, Is.Zero);
        turns.EndWriting();
        Assert.That(_ends, Is.EqualTo(1));
        turns.BeginReading();
        turns.EndReading();
        turns.End();
        Assert.That(_ends, Is.EqualTo(1));
    }

    [Test]
    public void Nothing_is_written_once_the_end_is_wanted()
    {
        var turns = Create();
        turns.BeginReading();
        turns.End();
        Assert.That(turns.TryBeginWriting(), Is.False);
        turns.EndReading();
        Assert.That(_ends, Is.EqualTo(1));
    }

    // Readers and writers are inside at the same time, the end with neither of them.
    [Test]
    public async Task End_is_alone()
    {
        for (var round = 0; round < 2_000; round++)
        {
            var inside = 0;
            var wasAlone = true;
            var ended = new TaskCompletionSource();
            var turns = new TlsTurns(() =>
            {
                wasAlone &= Volatile.Read(ref inside) == 0;
                Thread.SpinWait(20);
                wasAlone &= Volatile.Read(ref inside) == 0;
                ended.SetResult();
                return Task.CompletedTask;
            });
            var reading = Task.Run(() =>
            {
                for (var i = 0; i < 20; i++)
                {
                    turns.BeginReading();
                    Interlocked.Increment(ref inside);
                    Interlocked.Decrement(ref inside);
                    turns.EndReading();
                }
            });
            var writing = Task.Run(() =>
            {
                while (turns.TryBeginWriting())
                {
                    Interlocked.Increment(ref inside);
                    Interlocked.Decrement(ref inside);
                    turns.EndWriting();
                }
            });
            turns.End();
            await Task.WhenAll(reading, writing, ended.Task).WaitAsync(WireClient.Patience);
            Assert.That(wasAlone, Is.True);
        }
    }

    private TlsTurns Create() => new(() =>
    {
        _ends++;
        return Task.CompletedTask;
    });
}
