using System.Collections.Immutable;

namespace RawWs.Server.Events;

// What servers of a cluster say to each other, past the clients.
public sealed partial class EventNamespace
{
    private ImmutableDictionary<string, ImmutableArray<Action<EventArguments>>> _onServerSide =
        ImmutableDictionary.Create<string, ImmutableArray<Action<EventArguments>>>(StringComparer.Ordinal);

    /// <summary>Emits an event to this namespace on the other servers of the cluster; not to this one, nor to clients.</summary>
    /// <exception cref="ArgumentException">The name is reserved.</exception>
    public void ServerSideEmit(string name) => Rooms.ServerSideEmit(CheckName(name), EventArguments.None);

    /// <inheritdoc cref="ServerSideEmit(string)"/>
    public void ServerSideEmit<T>(string name, T value) =>
        Rooms.ServerSideEmit(CheckName(name), Hub.Json.Encode(value));

    /// <inheritdoc cref="ServerSideEmit(string)"/>
    public void ServerSideEmit<T1, T2>(string name, T1 value1, T2 value2) =>
        Rooms.ServerSideEmit(CheckName(name), Hub.Json.Encode(value1, value2));

    /// <summary>Runs a handler for events that another server of the cluster has emitted to this namespace.</summary>
    public void OnServerSide(string name, Action<EventArguments> handler)
    {
        ArgumentNullException.ThrowIfNull(handler);
        CheckName(name);
        ImmutableInterlocked.AddOrUpdate(
            ref _onServerSide, name, [handler], (_, present) => present.Add(handler));
    }

    /// <summary>Another server has emitted an event to this namespace.</summary>
    internal void OnServerSideEvent(string name, EventArguments arguments)
    {
        foreach (Action<EventArguments> handler in _definition._onServerSide.GetValueOrDefault(name, []))
            Hub.Run(Callback<EventArguments>.From(handler), arguments, "server side", Name);
    }
}
