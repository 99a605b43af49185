using RawWs.Server.Sessions;
using RawWs.Server.Transport;

namespace RawWs.Server.Events;

// A client that is cut off and comes back: its former socket stays in its rooms, unseen, and gathers what it misses.
public sealed partial class EventSocket
{
    private MissedEvents? _missed;
    private FormerSocket? _former;

    /// <summary>The client was cut off and has its former id, rooms and data, and the events that it missed.</summary>
    public bool Recovered { get; private set; }

    /// <summary>The private id by which the client may come back; null if it may not.</summary>
    internal string? RecoveryId { get; private set; }

    /// <summary>It is gone and may come back.</summary>
    internal bool IsSuspended { get; private set; }

    /// <summary>Whether every event that it missed after one is still there.</summary>
    internal bool CanGiveAfter(long received) => _missed?.After(received) is not null;

    /// <summary>Its client has not come back. Any thread; calls nothing of the application's.</summary>
    internal void Expire()
    {
        Namespace.Rooms.Remove(this);
        Hub.Exit(Namespace);
    }

    /// <summary>
    /// Called by the adapter in the step in which this socket takes the place of its former one: what was missed, then
    /// the news that it is connected.
    /// </summary>
    internal void CompleteResume()
    {
        if (TryPostMissed())
            CompleteConnect();
        else
            // More has been missed meanwhile than can be kept, or taken: it must come back as a client anew.
            ThreadPool.UnsafeQueueUserWorkItem(static session => session.Abort(), Session, preferLocal: false);
    }

    private bool TryPostMissed() =>
        _missed!.After(_former!.Received) is { } missed
        && missed.TrueForAll(message => Session.Post(this, message) != SendResult.Dropped);

    private void TakeOver(FormerSocket? former)
    {
        if (!Session.CanRecover)
            return;

        if (former is null)
        {
            RecoveryId = Recovery.CreateId();
            _missed = new MissedEvents(Hub.Options.Recovery!.MaxMissedEvents);
            return;
        }

        (_former, Recovered) = (former, true);
        (RecoveryId, _missed, _data) = (former.Socket.RecoveryId, former.Socket._missed, former.Socket.Data);
    }

    /// <summary>Takes it out of its rooms, or leaves it there to gather what its client misses.</summary>
    private bool TrySuspend()
    {
        // Of one whose middleware was still at work when it went, the former socket is lost too.
        _former?.Socket.Expire();
        if (_isJoined && RecoveryId is not null && IsRecoverable(_reason.GetValueOrDefault()))
        {
            IsSuspended = true;
            Hub.Recovery!.Add(this);
            return true;
        }

        Namespace.Rooms.Remove(this);
        return false;
    }

    private static bool IsRecoverable(DisconnectReason reason) =>
        reason == DisconnectReason.TransportError
        || reason == DisconnectReason.TransportClose
        || reason == DisconnectReason.ForcedClose
        || reason == DisconnectReason.PingTimeout
        || reason == DisconnectReason.ServerShuttingDown
        || reason == DisconnectReason.ForcedServerClose;
}

/// <summary>The former socket of a client that comes back.</summary>
/// <param name="Socket">The socket; it is in its rooms still.</param>
/// <param name="Received">The sequence of the event that the client has received last.</param>
internal sealed record FormerSocket(EventSocket Socket, long Received);
