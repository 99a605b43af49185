namespace RawWs.Server.Transport.Limits;

/// <summary>The connections whose first request head has not come in, in the order in which they came.</summary>
internal sealed class PendingHandshakes
{
    // A client that has something to say has said it by then, in milliseconds.
    private const long Patience = 1000;

    private readonly Lock _lock = new();
    private readonly LinkedList<(HttpConnection Connection, long Since)> _pending = [];

    public int Count
    {
        get
        {
            lock (_lock)
                return _pending.Count;
        }
    }

    /// <returns>The place of the connection, to remove it by.</returns>
    public LinkedListNode<(HttpConnection Connection, long Since)> Add(HttpConnection connection, long now)
    {
        lock (_lock)
            return _pending.AddLast((connection, now));
    }

    /// <summary>Removes a connection; without effect if it has had to make room.</summary>
    public void Remove(LinkedListNode<(HttpConnection Connection, long Since)> place)
    {
        lock (_lock)
        {
            if (place.List is not null)
                _pending.Remove(place);
        }
    }

    /// <summary>Cuts off the one that has kept the server waiting the longest, if that is long enough.</summary>
    public bool TryMakeRoom(long now)
    {
        HttpConnection slowest;
        lock (_lock)
        {
            if (_pending.First is not { } first || now - first.Value.Since < Patience)
                return false;
            slowest = first.Value.Connection;
            _pending.RemoveFirst();
        }

        slowest.Abort();
        return true;
    }
}
