namespace RawWs.Server.Events;

/// <summary>
/// The last events that were sent to one client: what it has missed is known when it comes back. Safe for any thread.
/// </summary>
internal sealed class MissedEvents(int maxEvents)
{
    private readonly Lock _gate = new();
    private readonly Queue<KeptEvent> _events = [];
    private long _lastForgotten;
    private long _last;

    public void Add(KeptEvent sent)
    {
        lock (_gate)
        {
            _last = sent.Sequence;
            while (_events.Count >= maxEvents || (_events.TryPeek(out KeptEvent? oldest) && oldest.Message is null))
                _lastForgotten = _events.Dequeue().Sequence;

            _events.Enqueue(sent);
        }
    }

    /// <summary>The events after that which the client has received last.</summary>
    /// <param name="received">Its sequence; 0 if it has received none.</param>
    /// <returns>Null if some are not there any more, or if no such event was ever sent to it.</returns>
    public List<OutboundMessage>? After(long received)
    {
        lock (_gate)
        {
            if (received < _lastForgotten || received > _last)
                return null;

            var missed = new List<OutboundMessage>();
            foreach (KeptEvent sent in _events)
            {
                if (sent.Sequence <= received)
                    continue;

                if (sent.Message is not { } message)
                    return null;

                missed.Add(message);
            }

            return missed;
        }
    }
}
