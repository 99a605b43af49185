using System.Diagnostics.CodeAnalysis;

namespace RawWs.Server.Transport.Loops;

/// <summary>A thread that runs one event loop after another, and waits in between as a spare.</summary>
[SuppressMessage("Reliability", "CA1001", Justification = "The thread disposes of its semaphore when it ends.")]
internal sealed class LoopThread
{
    // What is rarely needed is not kept for long.
    private static readonly TimeSpan SpareFor = TimeSpan.FromSeconds(10);

    private readonly EventLoops _loops;
    private readonly SemaphoreSlim _assigned = new(0);
    private EventLoop? _loop;
    private long _handled;

    /// <exception cref="OutOfMemoryException">The system gives the process no more threads.</exception>
    public LoopThread(EventLoops loops)
    {
        _loops = loops;
        new Thread(Run) { IsBackground = true, Name = "RawWs event loop" }.UnsafeStart();
    }

    /// <summary>How often it has begun to handle a connection: while this stays, it is at the same one.</summary>
    public long Handled => Volatile.Read(ref _handled);

    /// <summary>Called by the thread itself.</summary>
    public void OnHandling() => Volatile.Write(ref _handled, _handled + 1);

    /// <summary>Gives a thread without a loop one to run; <c>null</c> ends it.</summary>
    public void Assign(EventLoop? loop)
    {
        _loop = loop;
        _assigned.Release();
    }

    private void Run()
    {
        while (true)
        {
            if (!_assigned.Wait(SpareFor))
            {
                if (_loops.TryDiscard(this))
                    break;
                // No spare any more: it is about to be given something to do.
                _assigned.Wait();
            }

            if (Interlocked.Exchange(ref _loop, null) is not { } loop)
                break;
            loop.Run(this);
            if (!_loops.TryKeep(this))
                break;
        }

        _assigned.Dispose();
        _loops.OnThreadEnded();
    }
}
