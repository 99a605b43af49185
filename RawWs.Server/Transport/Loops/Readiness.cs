using System.Diagnostics;
using System.Threading.Tasks.Sources;

namespace RawWs.Server.Transport.Loops;

/// <summary>Whether one direction of a socket may be ready, and the one who waits for it.</summary>
/// <remarks>
/// Set from any thread, mostly the event loop's: whoever waits goes on there. One waits at a time.
/// </remarks>
internal sealed class Readiness : IValueTaskSource<int>
{
    private const int Idle = 0;
    private const int Ready = 1;
    private const int Waiting = 2;
    private const int Closed = 3;

    private ManualResetValueTaskSourceCore<int> _waiter;
    private int _state;

    public bool IsReady => Volatile.Read(ref _state) == Ready;

    /// <summary>Forgets that it is ready. Comes before the attempt: what becomes ready meanwhile is not forgotten.</summary>
    public void Reset() => Interlocked.CompareExchange(ref _state, Idle, Ready);

    /// <summary>Makes it ready, and runs who waits for that.</summary>
    public void Set()
    {
        var state = Volatile.Read(ref _state);
        while (state is not (Ready or Closed))
        {
            var seen = Interlocked.CompareExchange(ref _state, Ready, state);
            if (seen == state)
            {
                if (state == Waiting)
                    _waiter.SetResult(0);
                return;
            }

            state = seen;
        }
    }

    /// <summary>Fails who waits, on a thread of the pool, and whoever comes later.</summary>
    public void Close()
    {
        if (Interlocked.Exchange(ref _state, Closed) == Waiting)
            ThreadPool.UnsafeQueueUserWorkItem(
                static readiness => readiness._waiter.SetException(NewFault()), this, preferLocal: false);
    }

    /// <summary>Completes with 0 when it is ready, or soon after that was reset.</summary>
    /// <exception cref="ObjectDisposedException">It has been closed.</exception>
    /// <exception cref="InvalidOperationException">Another waits already.</exception>
    public ValueTask<int> WaitAsync()
    {
        while (true)
        {
            switch (Volatile.Read(ref _state))
            {
                case Ready:
                    return new ValueTask<int>(0);
                case Closed:
                    return ValueTask.FromException<int>(NewFault());
                case Waiting:
                    throw new InvalidOperationException("Another waits already.");
                default:
                    _waiter.Reset();
                    if (Interlocked.CompareExchange(ref _state, Waiting, Idle) == Idle)
                        return new ValueTask<int>(this, _waiter.Version);
                    break;
            }
        }
    }

    int IValueTaskSource<int>.GetResult(short token) => _waiter.GetResult(token);

    ValueTaskSourceStatus IValueTaskSource<int>.GetStatus(short token) => _waiter.GetStatus(token);

    void IValueTaskSource<int>.OnCompleted(
        Action<object?> continuation, object? state, short token, ValueTaskSourceOnCompletedFlags flags) =>
        _waiter.OnCompleted(continuation, state, token, flags);

    [StackTraceHidden]
    private static ObjectDisposedException NewFault() => new(nameof(LoopTransport));
}
