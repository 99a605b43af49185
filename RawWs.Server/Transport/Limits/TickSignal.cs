namespace RawWs.Server.Transport.Limits;

/// <summary>The next tick of a timer, for all who wait for it together: one task per tick, and none if nobody waits.</summary>
internal sealed class TickSignal
{
    private TaskCompletionSource? _next;

    /// <summary>Completes at the next tick.</summary>
    public Task NextAsync()
    {
        while (true)
        {
            if (Volatile.Read(ref _next) is { } present)
                return present.Task;
            var next = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            if (Interlocked.CompareExchange(ref _next, next, null) is null)
                return next.Task;
        }
    }

    public void OnTick() => Interlocked.Exchange(ref _next, null)?.TrySetResult();
}
