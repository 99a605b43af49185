using System.Diagnostics.CodeAnalysis;

namespace RawWs.Server.Transport;

/// <summary>A timer with a thread of its own, late by no more than its callback takes.</summary>
[SuppressMessage("Usage", "CA2213", Justification = "The thread disposes of its semaphore when it ends.")]
internal sealed class TickThread : IDisposable
{
    [ThreadStatic]
    private static bool s_isCurrent;

    private readonly Action _onTick;
    private readonly TimeSpan _period;
    private readonly SemaphoreSlim _stopped = new(0);
    private int _isDisposed;

    /// <param name="onTick">Must not throw.</param>
    /// <param name="period">From the end of one call to the next.</param>
    public TickThread(Action onTick, TimeSpan period)
    {
        (_onTick, _period) = (onTick, period);
        new Thread(Run) { IsBackground = true, Name = "RawWs timer" }.UnsafeStart();
    }

    /// <summary>Whether this thread is a timer's: what may take long has no place here.</summary>
    public static bool IsCurrent => s_isCurrent;

    /// <summary>Ends the ticks; one that is under way is not waited for.</summary>
    public void Dispose()
    {
        if (Interlocked.Exchange(ref _isDisposed, 1) == 0)
            _stopped.Release();
    }

    private void Run()
    {
        s_isCurrent = true;
        while (!_stopped.Wait(_period))
            _onTick();
        _stopped.Dispose();
    }
}
