using System.Diagnostics.CodeAnalysis;
using RawWs.Server.Transport.Loops;

namespace RawWs.Server.Transport;

/// <summary>What holds back its output until the end of a <see cref="FlushBatch"/>.</summary>
internal interface IDeferredFlush
{
    /// <summary>Sends what was held back.</summary>
    /// <param name="ring">May be left to send it, if not null.</param>
    void FlushDeferred(SendRing? ring);
}

/// <summary>
/// The outboxes that messages were posted to while one read was handled: each is flushed once, when the read has
/// been handled, however many messages it was given.
/// </summary>
/// <remarks>Belongs to a thread. Posts from other threads flush at once.</remarks>
[SuppressMessage("Reliability", "CA1001", Justification = "EndThread disposes of the ring, or the collector frees it.")]
internal sealed class FlushBatch
{
    [ThreadStatic]
    private static FlushBatch? s_ofThread;

    private readonly List<IDeferredFlush> _outboxes = [];
    private SendRing? _ring;
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

    /// <summary>The open batch of this thread, if there is one.</summary>
    public static FlushBatch? OfThread => s_ofThread is { _isOpen: true } batch ? batch : null;

    /// <summary>Whether this thread has sent something to many by io_uring.</summary>
    public bool HasRing => _ring is { IsOpen: true };

    /// <summary>Puts together what this batch posts to many.</summary>
    public SharedRun Run { get; } = new();

    /// <summary>Frees what this thread has, which is about to end.</summary>
    public static void EndThread() => s_ofThread?._ring?.Dispose();

    /// <summary>Leaves the flush of an outbox to the end of the batch.</summary>
    public void Defer(IDeferredFlush outbox) => _outboxes.Add(outbox);

    /// <summary>Flushes every outbox of the batch.</summary>
    public void Close()
    {
        var ring = _outboxes.Count < SendRing.LeastReceivers ? null : _ring ??= new SendRing();
        try
        {
            // A flush may run callbacks that post again: what they defer is flushed here, too.
            for (var i = 0; i < _outboxes.Count; i++)
            {
                _outboxes[i].FlushDeferred(ring);
                if (i == _outboxes.Count - 1)
                    ring?.Submit();
            }
        }
        finally
        {
            // Also after a fault: the outboxes that have left it something wait for that.
            ring?.Submit();
            _outboxes.Clear();
            Run.Clear();
            _isOpen = false;
        }
    }
}
