using System.Text.RegularExpressions;
using RawWs.Server.Events;

namespace RawWs.Server;

// What is said to the server itself is said to its namespace "/".
public sealed partial class RawWsServer : Emitter
{
    /// <summary>The clients that are connected to <c>/</c> now.</summary>
    public IReadOnlyList<EventSocket> Sockets => Hub.Root.Sockets;

    /// <inheritdoc cref="EventNamespace.Volatile"/>
    public BroadcastOperator Volatile => Hub.Root.Volatile;

    /// <inheritdoc cref="EventNamespace.Local"/>
    public BroadcastOperator Local => Hub.Root.Local;

    internal override EventHub Hub { get; }

    /// <summary>
    /// The namespace of a name, such as <c>/admin</c>: made at the first call, the same at each further one. Of a name
    /// that a pattern matches it is a member of that family, which goes with its last client.
    /// </summary>
    public EventNamespace Of(string name) => Hub.Of(name);

    /// <summary>
    /// All namespaces whose names a predicate accepts: each is made when a client asks for it and goes with
    /// its last client. Of several predicates that accept a name the first counts, and a namespace named
    /// before any.
    /// </summary>
    /// <param name="accepts">
    /// Gets the name that a client asks for, with its slash. It must be quick and safe for any thread; when
    /// it throws, it has not accepted.
    /// </param>
    public EventNamespace Of(Func<string, bool> accepts) => Hub.Of(accepts);

    /// <summary>All namespaces whose names a pattern matches; otherwise as with a predicate.</summary>
    /// <param name="pattern">
    /// Matched against names that clients choose: give it a timeout, or options that exclude backtracking.
    /// </param>
    public EventNamespace Of(Regex pattern) => Hub.Of(pattern);

    /// <inheritdoc cref="EventNamespace.OnConnection(Action{EventSocket})"/>
    public void OnConnection(Action<EventSocket> handler) => Hub.Root.OnConnection(handler);

    /// <inheritdoc cref="EventNamespace.OnConnection(Action{EventSocket})"/>
    public void OnConnection(Func<EventSocket, Task> handler) => Hub.Root.OnConnection(handler);

    /// <inheritdoc cref="EventNamespace.Use(Action{EventSocket})"/>
    public void Use(Action<EventSocket> middleware) => Hub.Root.Use(middleware);

    /// <inheritdoc cref="EventNamespace.Use(Action{EventSocket})"/>
    public void Use(Func<EventSocket, Task> middleware) => Hub.Root.Use(middleware);

    /// <inheritdoc cref="EventNamespace.Use(Func{EventSocket, CancellationToken, Task})"/>
    public void Use(Func<EventSocket, CancellationToken, Task> middleware) => Hub.Root.Use(middleware);

    /// <summary>
    /// Runs a callback for each namespace that is made, by <see cref="Of(string)"/> or for a pattern or predicate, before
    /// its first client is in.
    /// </summary>
    public void OnNewNamespace(Action<EventNamespace> handler) =>
        Hub.OnNewNamespace.Add(Callback<EventNamespace>.From(handler));

    /// <inheritdoc cref="EventNamespace.ServerSideEmit(string)"/>
    public void ServerSideEmit(string name) => Hub.Root.ServerSideEmit(name);

    /// <inheritdoc cref="EventNamespace.ServerSideEmit(string)"/>
    public void ServerSideEmit<T>(string name, T value) => Hub.Root.ServerSideEmit(name, value);

    /// <inheritdoc cref="EventNamespace.ServerSideEmit(string)"/>
    public void ServerSideEmit<T1, T2>(string name, T1 value1, T2 value2) =>
        Hub.Root.ServerSideEmit(name, value1, value2);

    /// <inheritdoc cref="EventNamespace.ServerSideEmit(string)"/>
    public void ServerSideEmit<T1, T2, T3>(string name, T1 value1, T2 value2, T3 value3) =>
        Hub.Root.ServerSideEmit(name, value1, value2, value3);

    /// <inheritdoc cref="EventNamespace.ServerSideEmitWithAckAsync{TResult}(string, TimeSpan?)"/>
    public Task<BroadcastAnswers<TResult>> ServerSideEmitWithAckAsync<TResult>(
        string name, TimeSpan? timeout = null) =>
        Hub.Root.ServerSideEmitWithAckAsync<TResult>(name, timeout);

    /// <inheritdoc cref="EventNamespace.ServerSideEmitWithAckAsync{TResult}(string, TimeSpan?)"/>
    public Task<BroadcastAnswers<TResult>> ServerSideEmitWithAckAsync<T, TResult>(
        string name, T value, TimeSpan? timeout = null) =>
        Hub.Root.ServerSideEmitWithAckAsync<T, TResult>(name, value, timeout);

    /// <inheritdoc cref="EventNamespace.OnServerSide(string, Action{EventArguments})"/>
    public void OnServerSide(string name, Action<EventArguments> handler) => Hub.Root.OnServerSide(name, handler);

    /// <inheritdoc cref="EventNamespace.OnServerSide{TResult}(string, Func{EventArguments, TResult})"/>
    public void OnServerSide<TResult>(string name, Func<EventArguments, TResult> handler) =>
        Hub.Root.OnServerSide(name, handler);

    /// <inheritdoc cref="EventNamespace.FetchSockets"/>
    public IReadOnlyList<EventSocket> FetchSockets() => Hub.Root.FetchSockets();

    /// <inheritdoc cref="BroadcastOperator.SocketsJoin"/>
    public void SocketsJoin(params ReadOnlySpan<string> rooms) => Hub.Root.SocketsJoin(rooms);

    /// <inheritdoc cref="BroadcastOperator.SocketsLeave"/>
    public void SocketsLeave(params ReadOnlySpan<string> rooms) => Hub.Root.SocketsLeave(rooms);

    /// <inheritdoc cref="BroadcastOperator.DisconnectSockets"/>
    public void DisconnectSockets(bool close = false) => Hub.Root.DisconnectSockets(close);

    /// <inheritdoc cref="BroadcastOperator.Compress"/>
    public BroadcastOperator Compress(bool compress) => Hub.Root.Compress(compress);

    /// <inheritdoc cref="BroadcastOperator.Timeout"/>
    public BroadcastOperator Timeout(TimeSpan timeout) => Hub.Root.Timeout(timeout);

    /// <inheritdoc cref="EventNamespace.To"/>
    public BroadcastOperator To(params ReadOnlySpan<string> rooms) => Hub.Root.To(rooms);

    /// <inheritdoc cref="EventNamespace.To"/>
    public BroadcastOperator In(params ReadOnlySpan<string> rooms) => Hub.Root.To(rooms);

    /// <inheritdoc cref="EventNamespace.Except"/>
    public BroadcastOperator Except(params ReadOnlySpan<string> rooms) => Hub.Root.Except(rooms);

    internal override void Send(string name, EventArguments arguments) => Hub.Root.Send(name, arguments);
}
