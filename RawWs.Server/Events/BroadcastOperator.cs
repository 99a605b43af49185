using RawWs.Server.Rooms;

namespace RawWs.Server.Events;

/// <summary>A selection of the clients of a namespace, to be emitted to.</summary>
/// <remarks>
/// Immutable: each step makes another selection, which may be kept and used again. Who is selected is
/// decided anew at each use, and nobody gets an event twice, in however many of the rooms it is.
/// </remarks>
public sealed class BroadcastOperator : Emitter
{
    private readonly EventNamespace _space;
    private readonly Audience _audience;
    private readonly EmitFlags _flags;

    internal BroadcastOperator(EventNamespace space, in Audience audience, EmitFlags flags = default)
    {
        _space = space;
        _audience = audience;
        _flags = flags;
    }

    /// <summary>
    /// The same clients, for events that may be dropped when a receiver is not ready for them.
    /// </summary>
    public BroadcastOperator Volatile => new(_space, _audience, _flags with { IsVolatile = true });

    /// <summary>Of the same clients those that are connected to this server, whatever others the cluster has.</summary>
    public BroadcastOperator Local => new(_space, _audience, _flags with { IsLocal = true });

    internal override EventHub Hub => _space.Hub;

    /// <summary>
    /// Also everyone in any of these rooms; the first rooms that are named narrow the namespace to them.
    /// </summary>
    public BroadcastOperator To(params ReadOnlySpan<string> rooms)
    {
        CheckRooms(rooms);
        return new(_space, _audience with { Rooms = [.. _audience.Rooms, .. rooms] }, _flags);
    }

    /// <inheritdoc cref="To"/>
    public BroadcastOperator In(params ReadOnlySpan<string> rooms) => To(rooms);

    /// <summary>Without those in any of these rooms.</summary>
    public BroadcastOperator Except(params ReadOnlySpan<string> rooms)
    {
        CheckRooms(rooms);
        return new(_space, _audience with { Except = [.. _audience.Except, .. rooms] }, _flags);
    }

    /// <summary>The same clients, for events that are worth compressing, or not, where the transport does so at all.</summary>
    public BroadcastOperator Compress(bool compress) =>
        new(_space, _audience, _flags with { IsIncompressible = !compress });

    /// <summary>The same clients, for events whose acks must come in this time when the call names no other.</summary>
    public BroadcastOperator Timeout(TimeSpan timeout) => new(_space, _audience, _flags with { Timeout = timeout });

    /// <summary>The selected clients.</summary>
    public IReadOnlyList<EventSocket> FetchSockets() =>
        [.. _space.Reached.SelectMany(space => space.Rooms.Members(_audience))];

    /// <summary>Puts every selected client into rooms.</summary>
    /// <exception cref="InvalidOperationException">
    /// One would be in too many rooms; those before it have joined.
    /// </exception>
    public void SocketsJoin(params ReadOnlySpan<string> rooms)
    {
        foreach (EventSocket socket in FetchSockets())
            socket.Join(rooms);
    }

    /// <summary>Takes every selected client out of rooms.</summary>
    public void SocketsLeave(params ReadOnlySpan<string> rooms)
    {
        foreach (EventSocket socket in FetchSockets())
        {
            foreach (string room in rooms)
                socket.Leave(room);
        }
    }

    /// <summary>Disconnects every selected client.</summary>
    /// <param name="close">From every namespace, and closes its connection.</param>
    public void DisconnectSockets(bool close = false)
    {
        foreach (EventSocket socket in FetchSockets())
            socket.Disconnect(close);
    }

    /// <summary>Emits an event and gathers the acks of all receivers.</summary>
    /// <typeparam name="TResult">The type of the first value in each ack.</typeparam>
    /// <param name="name">The name of the event.</param>
    /// <param name="timeout">
    /// How long to wait; <see cref="EventOptions.AckTimeout"/> if it is not given.
    /// </param>
    /// <returns>
    /// Complete when all have answered or the time is over; who is missing makes it no failure.
    /// </returns>
    /// <exception cref="ArgumentException">The name is reserved, or the arguments cannot be sent.</exception>
    public Task<BroadcastAnswers<TResult>> EmitWithAckAsync<TResult>(string name, TimeSpan? timeout = null) =>
        AskAsync<TResult>(CheckName(name), EventArguments.None, timeout);

    /// <inheritdoc cref="EmitWithAckAsync{TResult}(string, TimeSpan?)"/>
    public Task<BroadcastAnswers<TResult>> EmitWithAckAsync<T, TResult>(
        string name, T value, TimeSpan? timeout = null) =>
        AskAsync<TResult>(CheckName(name), Hub.Json.Encode(value), timeout);

    /// <inheritdoc cref="EmitWithAckAsync{TResult}(string, TimeSpan?)"/>
    public Task<BroadcastAnswers<TResult>> EmitWithAckAsync<T1, T2, TResult>(
        string name, T1 value1, T2 value2, TimeSpan? timeout = null) =>
        AskAsync<TResult>(CheckName(name), Hub.Json.Encode(value1, value2), timeout);

    /// <inheritdoc cref="EmitWithAckAsync{TResult}(string, TimeSpan?)"/>
    public Task<BroadcastAnswers<TResult>> EmitWithAckAsync<T1, T2, T3, TResult>(
        string name, T1 value1, T2 value2, T3 value3, TimeSpan? timeout = null) =>
        AskAsync<TResult>(CheckName(name), Hub.Json.Encode(value1, value2, value3), timeout);

    internal override void Send(string name, EventArguments arguments)
    {
        foreach (EventNamespace space in _space.Reached)
        {
            var message = new OutboundMessage(space.Name, name, arguments)
            {
                IsVolatile = _flags.IsVolatile,
                IsIncompressible = _flags.IsIncompressible,
            };
            space.Rooms.Broadcast(message, _audience);
        }
    }

    private Task<BroadcastAnswers<TResult>> AskAsync<TResult>(
        string name, EventArguments arguments, TimeSpan? timeout)
    {
        var answers = new AckCollector<TResult>(Hub.DeadlineAfter(timeout ?? _flags.Timeout));
        foreach (EventNamespace space in _space.Reached)
        {
            var message = new OutboundMessage(space.Name, name, arguments)
            {
                IsVolatile = _flags.IsVolatile,
                IsIncompressible = _flags.IsIncompressible,
                AckId = space.NextAckId(),
                Acks = answers,
            };
            space.Rooms.Broadcast(message, _audience);
        }

        answers.Complete();
        return answers.Task;
    }

    private static void CheckRooms(ReadOnlySpan<string> rooms)
    {
        foreach (string room in rooms)
            ArgumentNullException.ThrowIfNull(room, nameof(rooms));
    }
}
