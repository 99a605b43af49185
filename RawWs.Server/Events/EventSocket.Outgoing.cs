namespace RawWs.Server.Events;

// What is emitted to the client, seen by the application that emits it.
public sealed partial class EventSocket
{
    private readonly Callbacks<OutgoingEvent> _anyOutgoing = new();

    /// <summary>Somebody watches what is emitted to the client.</summary>
    internal bool IsWatched => !_anyOutgoing.Items.IsEmpty;

    /// <summary>
    /// Runs a callback for every event that is emitted to this client, alone or with others; not for acks. Over a
    /// broadcast it runs once all receivers have been given the event.
    /// </summary>
    public void OnAnyOutgoing(Action<OutgoingEvent> handler) =>
        _anyOutgoing.Add(Callback<OutgoingEvent>.From(handler));

    /// <inheritdoc cref="OnAnyOutgoing(Action{OutgoingEvent})"/>
    public void OnAnyOutgoing(Func<OutgoingEvent, Task> handler) =>
        _anyOutgoing.Add(Callback<OutgoingEvent>.From(handler));

    /// <summary>As <see cref="OnAnyOutgoing(Action{OutgoingEvent})"/>, before all that were added so far.</summary>
    public void PrependAnyOutgoing(Action<OutgoingEvent> handler) =>
        _anyOutgoing.Prepend(Callback<OutgoingEvent>.From(handler));

    /// <inheritdoc cref="PrependAnyOutgoing(Action{OutgoingEvent})"/>
    public void PrependAnyOutgoing(Func<OutgoingEvent, Task> handler) =>
        _anyOutgoing.Prepend(Callback<OutgoingEvent>.From(handler));

    /// <summary>Takes away one callback of <see cref="OnAnyOutgoing(Action{OutgoingEvent})"/>.</summary>
    public void OffAnyOutgoing(Delegate handler) => _anyOutgoing.Remove(handler);

    /// <summary>Takes away all callbacks of <see cref="OnAnyOutgoing(Action{OutgoingEvent})"/>.</summary>
    public void OffAnyOutgoing() => _anyOutgoing.Clear();

    internal void OnSent(OutboundMessage message)
    {
        foreach (Callback<OutgoingEvent> handler in _anyOutgoing.Items)
            Hub.Run(handler, new OutgoingEvent(message.Name, message.Arguments), "any outgoing", this);
    }
}

/// <summary>An event on its way to a client.</summary>
/// <param name="Name">Its name.</param>
/// <param name="Arguments">Its arguments.</param>
public sealed record OutgoingEvent(string Name, EventArguments Arguments);
