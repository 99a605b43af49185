using System.Collections.Concurrent;
using System.Collections.Immutable;
using RawWs.Server.Diagnostics;
using RawWs.Server.Rooms;

namespace RawWs.Server.Events;

/// <summary>
/// A part of the server with clients, rooms, handlers and middleware of its own, such as <c>/admin</c>; or a
/// whole family of them, made on demand for the names that a predicate accepts.
/// </summary>
/// <remarks>
/// A member of a family is there while it has clients. It has the handlers and the middleware of the family,
/// before its own, and what is emitted to the family goes to the clients of all its members.
/// </remarks>
public sealed partial class EventNamespace : Emitter
{
    private readonly Callbacks<EventSocket> _guards = new();
    private readonly Callbacks<EventSocket> _onConnection = new();
    private readonly ConcurrentDictionary<string, EventNamespace>? _members;
    private long _lastAckId = -1;
    private bool _isMade;

    internal EventNamespace(EventHub hub, string name, EventNamespace? family = null)
    {
        Hub = hub;
        Name = name;
        Family = family;
        Rooms = new LocalRooms(hub.Options.MaxRoomsPerSocket, hub.Recovery);
    }

    internal EventNamespace(EventHub hub, Func<string, bool> accepts, bool isPattern)
        : this(hub, "*")
    {
        Accepts = accepts;
        IsPattern = isPattern;
        _members = new(StringComparer.Ordinal);
    }

    /// <summary>The name, with its leading slash; <c>*</c> for a family.</summary>
    public string Name { get; }

    /// <summary>The clients that are connected now.</summary>
    public IReadOnlyList<EventSocket> Sockets =>
        new BroadcastOperator(this, Audience.Everyone).FetchSockets();

    /// <summary>
    /// Everyone in the namespace, for events that may be dropped when a receiver is not ready for them.
    /// </summary>
    public BroadcastOperator Volatile => new BroadcastOperator(this, Audience.Everyone).Volatile;

    /// <summary>Everyone in the namespace who is connected to this server, whatever others the cluster has.</summary>
    public BroadcastOperator Local => new BroadcastOperator(this, Audience.Everyone).Local;

    internal override EventHub Hub { get; }

    internal IRoomAdapter Rooms { get; }

    internal EventNamespace? Family { get; }

    internal Func<string, bool>? Accepts { get; }

    /// <summary>A family whose names are known by a pattern, also before a client asks for one.</summary>
    internal bool IsPattern { get; }

    internal ConcurrentDictionary<string, EventNamespace> Members => _members!;

    /// <summary>The application has been told of it.</summary>
    internal bool IsMade
    {
        get => System.Threading.Volatile.Read(ref _isMade);
        set => System.Threading.Volatile.Write(ref _isMade, value);
    }

    /// <summary>Sockets that are in or about to be; under the lock of the hub.</summary>
    internal int Users { get; set; }

    /// <summary>
    /// The namespaces with clients that this one stands for: itself, or the members of the family.
    /// </summary>
    internal IEnumerable<EventNamespace> Reached => _members is null ? [this] : _members.Values;

    /// <summary>
    /// Runs a handler for every client that has joined; it adds the handlers of that client's events.
    /// </summary>
    /// <remarks>
    /// Events of the client wait until the handler returns, or comes to its first await. What it throws is
    /// logged; the client stays.
    /// </remarks>
    public void OnConnection(Action<EventSocket> handler) =>
        _onConnection.Add(Callback<EventSocket>.From(handler));

    /// <inheritdoc cref="OnConnection(Action{EventSocket})"/>
    public void OnConnection(Func<EventSocket, Task> handler) =>
        _onConnection.Add(Callback<EventSocket>.From(handler));

    /// <summary>
    /// Asks a middleware before a client may join; it refuses by throwing a
    /// <see cref="ConnectionRefusedException"/>, whose message and details go to the client. Of any other
    /// exception the client learns nothing.
    /// </summary>
    /// <remarks>
    /// Middleware runs in the order in which it was added, and the socket is not in any room yet.
    /// </remarks>
    public void Use(Action<EventSocket> middleware) => _guards.Add(Callback<EventSocket>.From(middleware));

    /// <inheritdoc cref="Use(Action{EventSocket})"/>
    public void Use(Func<EventSocket, Task> middleware) =>
        _guards.Add(Callback<EventSocket>.From(middleware));

    /// <inheritdoc cref="Use(Action{EventSocket})"/>
    /// <param name="middleware">It gets a token that is cancelled when the connection dies.</param>
    public void Use(Func<EventSocket, CancellationToken, Task> middleware)
    {
        ArgumentNullException.ThrowIfNull(middleware);
        _guards.Add(new(middleware, socket => middleware(socket, socket.Gone)));
    }

    /// <summary>Everyone in any of the rooms; everyone in the namespace if none is given.</summary>
    public BroadcastOperator To(params ReadOnlySpan<string> rooms) =>
        new BroadcastOperator(this, Audience.Everyone).To(rooms);

    /// <inheritdoc cref="To"/>
    public BroadcastOperator In(params ReadOnlySpan<string> rooms) => To(rooms);

    /// <inheritdoc cref="BroadcastOperator.Compress"/>
    public BroadcastOperator Compress(bool compress) =>
        new BroadcastOperator(this, Audience.Everyone).Compress(compress);

    /// <inheritdoc cref="BroadcastOperator.Timeout"/>
    public BroadcastOperator Timeout(TimeSpan timeout) =>
        new BroadcastOperator(this, Audience.Everyone).Timeout(timeout);

    /// <summary>Everyone in the namespace but those in any of the rooms.</summary>
    public BroadcastOperator Except(params ReadOnlySpan<string> rooms) =>
        new BroadcastOperator(this, Audience.Everyone).Except(rooms);

    /// <summary>The clients that are connected now: those of <see cref="Sockets"/>.</summary>
    public IReadOnlyList<EventSocket> FetchSockets() => Sockets;

    /// <inheritdoc cref="BroadcastOperator.SocketsJoin"/>
    public void SocketsJoin(params ReadOnlySpan<string> rooms) =>
        new BroadcastOperator(this, Audience.Everyone).SocketsJoin(rooms);

    /// <inheritdoc cref="BroadcastOperator.SocketsLeave"/>
    public void SocketsLeave(params ReadOnlySpan<string> rooms) =>
        new BroadcastOperator(this, Audience.Everyone).SocketsLeave(rooms);

    /// <inheritdoc cref="BroadcastOperator.DisconnectSockets"/>
    public void DisconnectSockets(bool close = false) =>
        new BroadcastOperator(this, Audience.Everyone).DisconnectSockets(close);

    /// <summary>The connected client with an id, or null.</summary>
    public EventSocket? Find(string id)
    {
        ArgumentNullException.ThrowIfNull(id);
        return Reached.Select(space => space.Rooms.Find(id)).FirstOrDefault(socket => socket is not null);
    }

    internal override void Send(string name, EventArguments arguments) =>
        new BroadcastOperator(this, Audience.Everyone).Send(name, arguments);

    // One counter for all sockets of the namespace, so that one encoding of a broadcast serves every
    // receiver.
    internal long NextAckId() => Interlocked.Increment(ref _lastAckId);

    /// <summary>The former socket of a client that comes back, and what it has missed; null for any other.</summary>
    internal FormerSocket? TakeFormer(ReadOnlySpan<byte> auth)
    {
        if (Hub.Recovery?.TryTake(Name, auth, out EventSocket? former, out long received) is not true)
            return null;

        return former!.CanGiveAfter(received) ? new FormerSocket(former, received) : Expire(former);

        static FormerSocket? Expire(EventSocket former)
        {
            former.Expire();
            return null;
        }
    }

    /// <summary>
    /// Asks middleware, then joins the client and runs the connection handlers. Never fails.
    /// </summary>
    internal async Task ConnectAsync(EventSocket socket)
    {
        try
        {
            bool isKnown = socket.Recovered && Hub.Recovery is { Options.SkipMiddlewares: true };
            foreach (Callback<EventSocket> guard in isKnown ? [] : OwnAndFamily(space => space._guards))
            {
                if (guard.Invoke(socket) is { } pending)
                    await pending.ConfigureAwait(false);
            }
        }
        catch (Exception e)
        {
            Refuse(socket, e);
            return;
        }

        socket.Open(OwnAndFamily(space => space._onConnection));
    }

    private ImmutableArray<Callback<EventSocket>> OwnAndFamily(
        Func<EventNamespace, Callbacks<EventSocket>> callbacks) =>
        Family is null ? callbacks(this).Items : callbacks(Family).Items.AddRange(callbacks(this).Items);

    private void Refuse(EventSocket socket, Exception error)
    {
        if (!socket.TryRefuse())
            return;

        if (error is not ConnectionRefusedException refusal)
        {
            Hub.Metrics.HandlerFailed();
            Log.ConnectMiddlewareFailed(Hub.Logger, error, Name, socket.Id);
            socket.Session.SendConnectError(Name, "Internal error", default);
            return;
        }

        Log.ConnectionRefused(Hub.Logger, Name, socket.Id, refusal.Message);
        socket.Session.SendConnectError(Name, refusal.Message, EncodeDetails(refusal));
    }

    private ReadOnlyMemory<byte> EncodeDetails(ConnectionRefusedException refusal)
    {
        if (refusal.Details is null)
            return default;

        try
        {
            return Hub.Json.EncodeObject(refusal.Details);
        }
        // A converter of the application's may throw anything.
        catch (Exception e)
        {
            Log.CallbackFailed(Hub.Logger, e, "refusal details", Name);
            return default;
        }
    }
}
