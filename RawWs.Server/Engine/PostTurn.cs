namespace RawWs.Server.Engine;

/// <summary>The place of a request with packets among those of its session.</summary>
/// <param name="before">Completes when those before it have been handled. Never fails.</param>
internal sealed class PostTurn(Task before)
{
    private readonly TaskCompletionSource _ended = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Completes when the requests before it have been handled.</summary>
    public Task Before => before;

    /// <summary>Completes when it has been handled itself.</summary>
    public Task Ended => _ended.Task;

    /// <summary>It has been handled, or never will be.</summary>
    public void End() => _ended.TrySetResult();
}
