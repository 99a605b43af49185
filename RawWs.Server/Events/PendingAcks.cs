using RawWs.Server.Sessions;

namespace RawWs.Server.Events;

/// <summary>The acks that one socket has yet to give.</summary>
/// <remarks>
/// Safe for any thread. Whoever takes a wait out of the table ends it, outside the lock: each ends once.
/// </remarks>
internal sealed class PendingAcks(EventHub hub)
{
    private readonly Lock _gate = new();
    private Dictionary<long, PendingAck>? _waits;
    private bool _isClosed;

    public int Count
    {
        get
        {
            lock (_gate)
                return _waits?.Count ?? 0;
        }
    }

    /// <summary>Adds a wait, if the socket is still there and does not owe too many acks.</summary>
    public AckAdded TryAdd(long id, PendingAck wait)
    {
        lock (_gate)
        {
            if (_isClosed)
                return AckAdded.Disconnected;

            _waits ??= [];
            if (_waits.Count >= hub.Options.MaxPendingAcks)
                return AckAdded.TooMany;

            if (_waits.Count == 0)
                hub.Watch(this);

            _waits.Add(id, wait);
            return AckAdded.Added;
        }
    }

    /// <summary>
    /// Takes a wait out; null if there is none, such as for an ack that came too late or twice.
    /// </summary>
    public PendingAck? Take(long id)
    {
        lock (_gate)
            return _waits is not null && _waits.Remove(id, out PendingAck? wait) ? wait : null;
    }

    /// <summary>Fails every wait whose time is over.</summary>
    /// <param name="now">A timestamp of the server's clock.</param>
    /// <returns>How many there were.</returns>
    public int ExpireBefore(long now)
    {
        List<PendingAck>? expired = null;
        lock (_gate)
        {
            foreach ((long id, PendingAck wait) in _waits ?? [])
            {
                if (wait.Deadline > now)
                    continue;

                (expired ??= []).Add(wait);
                _waits!.Remove(id);
            }

            if (_waits is not { Count: > 0 })
                hub.Unwatch(this);
        }

        foreach (PendingAck wait in expired ?? [])
            wait.Fail(new TimeoutException("The client gave no ack in time."));

        return expired?.Count ?? 0;
    }

    /// <summary>Fails every wait: the client is gone. Nothing can be added any more.</summary>
    public void Close(DisconnectReason reason)
    {
        Dictionary<long, PendingAck>? waits;
        lock (_gate)
        {
            _isClosed = true;
            waits = _waits;
            _waits = null;
            hub.Unwatch(this);
        }

        foreach (PendingAck wait in waits?.Values ?? Enumerable.Empty<PendingAck>())
            wait.Fail(Gone(reason));
    }

    public static AckException Gone(DisconnectReason? reason) => new(
        AckException.Disconnected, $"The client is disconnected: {reason}.", isReceived: true, inner: null);
}

/// <summary>Whether a wait for an ack was added, or why not.</summary>
internal enum AckAdded
{
    Added,
    TooMany,
    Disconnected,
}
