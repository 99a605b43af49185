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
    /// The namespace of a name, such as <c>/admin</c>: made at the first call, the same at each further one.
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

    /// <summary>Runs a callback for each namespace that is made for a pattern or predicate, before its first client is in.</summary>
    public void OnNewNamespace(Action<EventNamespace> handler) =>
        Hub.OnNewNamespace.Add(Callback<EventNamespace>.From(handler));

    /// <inheritdoc cref="EventNamespace.ServerSideEmit(string)"/>
    public void ServerSideEmit(string name) => Hub.Root.ServerSideEmit(name);

    /// <inheritdoc cref="EventNamespace.ServerSideEmit(string)"/>
    public void ServerSideEmit<T>(string name, T value) => Hub.Root.ServerSideEmit(name, value);

    /// <inheritdoc cref="EventNamespace.ServerSideEmit(string)"/>
    public void ServerSideEmit<T1, T2>(string name, T1 value1, T2 value2) =>
        Hub.Root.ServerSideEmit(name, value1, value2);

    /// <inheritdoc cref="EventNamespace.OnServerSide"/>
    public void OnServerSide(string name, Action<EventArguments> handler) => Hub.Root.OnServerSide(name, handler);

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
