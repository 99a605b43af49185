namespace RawWs.Server.Transport;

/// <summary>
/// The outboxes that messages were posted to while one read was handled: each is flushed once, when the read has
/// been handled, however many messages it was given.
/// </summary>
/// <remarks>Belongs to a thread. Posts from other threads flush at once.</remarks>
internal sealed class FlushBatch
{
    [ThreadStatic]
    private static FlushBatch? s_ofThread;

    private readonly List<Outbox> _outboxes = [];
    private bool _isOpen;

    /// <summary>Opens the batch of this thread.</summary>
    /// <returns>The batch, to be closed by the caller on the same thread; <c>null</c> if one is open already.</returns>
    public static FlushBatch? Open()
    {
        var batch = s_ofThread ??= new FlushBatch();
        if (batch._isOpen)
            return null;
        batch._isOpen = true;
        return batch;
    }

    /// <summary>Leaves the flush of an outbox to the open batch of this thread.</summary>
    /// <returns>False if there is none: the caller flushes.</returns>
    public static bool TryDefer(Outbox outbox)
    {
        if (s_ofThread is not { _isOpen: true } batch)
            return false;
        batch._outboxes.Add(outbox);
        return true;
    }

    /// <summary>Flushes every outbox of the batch.</summary>
    public void Close()
    {
        _isOpen = false;
        // A flush may run callbacks that post again: those flush at once, the list no longer grows.
        foreach (var outbox in _outboxes)
            outbox.FlushDeferred();
        _outboxes.Clear();
    }
}
