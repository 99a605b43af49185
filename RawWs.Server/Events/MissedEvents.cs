namespace RawWs.Server.Events;

/// <summary>
/// The last events that were sent to one client: what it has missed is known when it comes back. Safe for any thread.
/// </summary>
internal sealed class MissedEvents(int maxEvents)
{
    private readonly Lock _gate = new();
    private readonly Queue<KeptEvent> _events = [];
    private long _lastForgotten;

    public void Add(KeptEvent sent)
    {
        lock (_gate)
        {
            while (_events.Count >= maxEvents || (_events.TryPeek(out KeptEvent? oldest) && oldest.Message is null))
                _lastForgotten = _events.Dequeue().Sequence;

            _events.Enqueue(sent);
        }
    }

    /// <summary>The events after that which the client has received last.</summary>
    /// <param name="received">
    /// Its sequence; 0, or that of an event before the first that was sent to this client, if it has received none.
    /// </param>
    /// <returns>Null if some are not there any more, or if no such event was ever sent to it.</returns>
    public List<OutboundMessage>? After(long received)
    {
        lock (_gate)
        {
            // Before the first event nothing was received, as long as that event is not forgotten.
            bool isKnown = _lastForgotten == 0
                ? !_events.TryPeek(out KeptEvent? first) || received < first.Sequence
                : received == _lastForgotten;
            var missed = new List<OutboundMessage>();
            foreach (KeptEvent sent in _events)
            {
                isKnown |= sent.Sequence == received;
                if (sent.Sequence <= received)
                    continue;

                if (sent.Message is not { } message)
                    return null;

                missed.Add(message);
            }

            return isKnown ? missed : null;
        }
    }
}
