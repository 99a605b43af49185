using System.Collections.Immutable;

namespace RawWs.Server.Events;

// What servers of a cluster say to each other, past the clients.
public sealed partial class EventNamespace
{
    private ImmutableDictionary<string, ImmutableArray<Func<EventArguments, EventArguments?>>> _onServerSide =
        ImmutableDictionary.Create<string, ImmutableArray<Func<EventArguments, EventArguments?>>>(
            StringComparer.Ordinal);

    /// <summary>Emits an event to this namespace on the other servers of the cluster; not to this one, nor to clients.</summary>
    /// <exception cref="ArgumentException">The name is reserved, or the arguments cannot be sent.</exception>
    public void ServerSideEmit(string name) =>
        Rooms.ServerSideEmit(CheckName(name), EventArguments.None, answers: null);

    /// <inheritdoc cref="ServerSideEmit(string)"/>
    public void ServerSideEmit<T>(string name, T value) =>
        Rooms.ServerSideEmit(CheckName(name), Hub.Json.Encode(value), answers: null);

    /// <inheritdoc cref="ServerSideEmit(string)"/>
    public void ServerSideEmit<T1, T2>(string name, T1 value1, T2 value2) =>
        Rooms.ServerSideEmit(CheckName(name), Hub.Json.Encode(value1, value2), answers: null);

    /// <inheritdoc cref="ServerSideEmit(string)"/>
    public void ServerSideEmit<T1, T2, T3>(string name, T1 value1, T2 value2, T3 value3) =>
        Rooms.ServerSideEmit(CheckName(name), Hub.Json.Encode(value1, value2, value3), answers: null);

    /// <summary>Emits an event to this namespace on the other servers of the cluster, and gathers what they answer.</summary>
    /// <typeparam name="TResult">The type of the first value in each answer.</typeparam>
    /// <param name="name">The name of the event.</param>
    /// <param name="timeout">How long to wait; <see cref="EventOptions.AckTimeout"/> if it is not given.</param>
    /// <returns>
    /// Complete when all have answered or the time is over; at once, with no answers, where there is no other server.
    /// </returns>
    /// <exception cref="ArgumentException">The name is reserved, or the arguments cannot be sent.</exception>
    public Task<BroadcastAnswers<TResult>> ServerSideEmitWithAckAsync<TResult>(
        string name, TimeSpan? timeout = null) =>
        ServerSideAskAsync<TResult>(name, EventArguments.None, timeout);

    /// <inheritdoc cref="ServerSideEmitWithAckAsync{TResult}(string, TimeSpan?)"/>
    public Task<BroadcastAnswers<TResult>> ServerSideEmitWithAckAsync<T, TResult>(
        string name, T value, TimeSpan? timeout = null) =>
        ServerSideAskAsync<TResult>(name, Hub.Json.Encode(value), timeout);

    /// <summary>Runs a handler for events that another server of the cluster has emitted to this namespace.</summary>
    public void OnServerSide(string name, Action<EventArguments> handler)
    {
        ArgumentNullException.ThrowIfNull(handler);
        AddServerSide(name, arguments =>
        {
            handler(arguments);
            return null;
        });
    }

    /// <summary>
    /// Runs a handler whose result answers the server that has emitted the event, if it asks for answers; of several
    /// handlers the first answer counts.
    /// </summary>
    public void OnServerSide<TResult>(string name, Func<EventArguments, TResult> handler)
    {
        ArgumentNullException.ThrowIfNull(handler);
        AddServerSide(name, arguments => Hub.Json.Encode(handler(arguments)));
    }

    /// <summary>Another server has emitted an event to this namespace.</summary>
    /// <returns>The answer; null if no handler gives one.</returns>
    internal EventArguments? OnServerSideEvent(string name, EventArguments arguments)
    {
        EventArguments? answer = null;
        foreach (Func<EventArguments, EventArguments?> handler in ServerSideHandlers(name))
        {
            Hub.Run(
                Callback<EventArguments>.From(passed =>
                {
                    EventArguments? given = handler(passed);
                    answer ??= given;
                }),
                arguments, "server side", Name);
        }

        return answer;
    }

    private IEnumerable<Func<EventArguments, EventArguments?>> ServerSideHandlers(string name) =>
        [.. Family?._onServerSide.GetValueOrDefault(name, []) ?? [], .. _onServerSide.GetValueOrDefault(name, [])];

    private void AddServerSide(string name, Func<EventArguments, EventArguments?> handler) =>
        ImmutableInterlocked.AddOrUpdate(
            ref _onServerSide, CheckName(name), [handler], (_, present) => present.Add(handler));

    private Task<BroadcastAnswers<TResult>> ServerSideAskAsync<TResult>(
        string name, EventArguments arguments, TimeSpan? timeout)
    {
        var answers = new AckCollector<TResult>(Hub.DeadlineAfter(timeout));
        Rooms.ServerSideEmit(CheckName(name), arguments, answers);
        answers.Complete();
        return answers.Task;
    }
}
