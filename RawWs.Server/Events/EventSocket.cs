using System.Buffers.Text;
using System.Security.Cryptography;
using RawWs.Server.Diagnostics;
using RawWs.Server.Sessions;
using RawWs.Server.Transport;
using RawWs.Server.Transport.Limits;

namespace RawWs.Server.Events;

/// <summary>One client in one namespace.</summary>
/// <remarks>
/// Every member may be called from any thread and from inside any callback. While the client is not
/// connected, before and after, what is emitted to it goes nowhere.
/// </remarks>
public sealed partial class EventSocket : Emitter
{
    private readonly Lock _gate = new();
    private readonly PendingAcks _acks;
    private SocketData? _data;
    private volatile bool _isJoined;
    private volatile bool _isLeaving;

    internal EventSocket(Session session, EventNamespace space, Handshake handshake, FormerSocket? former = null)
    {
        Session = session;
        Namespace = space;
        Handshake = handshake;
        _acks = new PendingAcks(space.Hub);
        _entry = _opened.Task;
        Id = former?.Socket.Id ?? Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(15));
        TakeOver(former);
        if (Hub.Options.EventsPerSocket is { } rate)
            _rate = new TokenBucket(rate, Hub.Now);
    }

    /// <summary>
    /// The public name of this socket: 20 characters with 120 random bits. It is also the name of a room.
    /// </summary>
    /// <remarks>A reconnected client is another socket with another id, unless it is recovered.</remarks>
    public string Id { get; }

    /// <summary>The namespace it is in.</summary>
    public EventNamespace Namespace { get; }

    /// <summary>What the client said about itself when it connected.</summary>
    public Handshake Handshake { get; }

    /// <summary>Whatever the application keeps beside this socket.</summary>
    public SocketData Data
    {
        get
        {
            if (_data is null)
                Interlocked.CompareExchange(ref _data, new SocketData(), null);

            return _data;
        }
    }

    /// <summary>The client has joined the namespace and has not left it.</summary>
    public bool Connected => _isJoined && !_isLeaving;

    /// <summary>The rooms it is in, that of its own id first; empty when it is not connected.</summary>
    public IReadOnlyCollection<string> Rooms => Namespace.Rooms.RoomsOf(this);

    /// <summary>Everyone in the namespace but this client.</summary>
    public BroadcastOperator Broadcast => new(Namespace, new([], [], this));

    /// <summary>This client, for events that may be dropped when it is not ready for them.</summary>
    public SocketOperator Volatile => new(this, new EmitFlags(IsVolatile: true));

    /// <summary>Everyone else in the namespace who is connected to this server, whatever others the cluster has.</summary>
    public BroadcastOperator Local => Broadcast.Local;

    /// <summary>What carries the client's messages at the moment: <c>websocket</c> or <c>polling</c>.</summary>
    public string Transport => Session.TransportName;

    internal override EventHub Hub => Namespace.Hub;

    /// <summary>The client has been told that it has joined.</summary>
    internal bool HasJoined => _isJoined;

    internal Session Session { get; }

    internal PendingAcks PendingAcks => _acks;

    /// <summary>
    /// Puts the socket into rooms: all of them, or none. Without effect when it is not connected.
    /// </summary>
    /// <exception cref="InvalidOperationException">
    /// It would be in more than <see cref="EventOptions.MaxRoomsPerSocket"/> rooms.
    /// </exception>
    public void Join(params ReadOnlySpan<string> rooms) => Namespace.Rooms.Join(this, rooms);

    /// <summary>Takes the socket out of a room. It stays in the room of its own id.</summary>
    public void Leave(string room) => Namespace.Rooms.Leave(this, room);

    /// <summary>Everyone in any of the rooms but this client.</summary>
    public BroadcastOperator To(params ReadOnlySpan<string> rooms) => Broadcast.To(rooms);

    /// <inheritdoc cref="To"/>
    public BroadcastOperator In(params ReadOnlySpan<string> rooms) => To(rooms);

    /// <summary>Everyone in the namespace but this client and those in any of the rooms.</summary>
    public BroadcastOperator Except(params ReadOnlySpan<string> rooms) => Broadcast.Except(rooms);

    /// <inheritdoc cref="SocketOperator.Compress"/>
    public SocketOperator Compress(bool compress) => new(this, new EmitFlags(IsIncompressible: !compress));

    /// <inheritdoc cref="SocketOperator.Timeout"/>
    public SocketOperator Timeout(TimeSpan timeout) => new(this, new EmitFlags(Timeout: timeout));

    /// <summary>
    /// Takes the client out of this namespace and tells it so; without effect when it is not connected. The
    /// disconnect callbacks run before this returns, unless a connection handler is what calls it.
    /// </summary>
    /// <param name="close">
    /// Out of every namespace, and its connection is closed once everything is written.
    /// </param>
    public void Disconnect(bool close = false)
    {
        if (close)
        {
            Session.Disconnect();
            return;
        }

        if (!Connected || !TryBeginClose(DisconnectReason.ServerNamespaceDisconnect, out bool isOpening))
            return;

        Session.SendDisconnect(this);
        if (!isOpening)
            FinishClose();
    }

    internal override void Send(string name, EventArguments arguments) => Send(name, arguments, default);

    internal void Send(string name, EventArguments arguments, EmitFlags flags) =>
        Send(new OutboundMessage(Namespace.Name, name, arguments)
        {
            IsVolatile = flags.IsVolatile,
            IsIncompressible = flags.IsIncompressible,
        });

    /// <summary>Puts a message into the client's outbox.</summary>
    /// <returns>False if it was refused and must not be lost: the caller then aborts the session.</returns>
    internal bool Deliver(OutboundMessage message)
    {
        if (message.Kept is { } kept)
            _missed?.Add(kept);

        if (!Connected)
            return true;

        if (message.Acks is { } collector && !TryExpect(message.AckId!.Value, collector))
            return true;

        if (Session.Post(this, message) != SendResult.Dropped)
        {
            Hub.Metrics.EventSent();
            return true;
        }

        Hub.Metrics.MessageDropped(message.IsVolatile);
        if (message.IsVolatile)
            return true;

        Hub.Limits.Reached(LimitKind.Outbox, Handshake.Address);
        return Hub.Options.SlowConsumerPolicy == SlowConsumerPolicy.Drop;
    }

    internal void SendAck(long id, EventArguments arguments) =>
        AbortIfDropped(Connected ? Session.SendAck(this, id, arguments) : SendResult.Sent);

    internal void SendAckError(long id, string code, string message) =>
        AbortIfDropped(Connected ? Session.SendAckError(this, id, code, message) : SendResult.Sent);

    /// <summary>Runs what follows a delivery, outside of any lock.</summary>
    internal void CompleteDelivery(OutboundMessage message, bool isDelivered)
    {
        if (!isDelivered)
            Session.Abort();
        else if (IsWatched && Connected)
            OnSent(message);
    }

    private void Send(OutboundMessage message)
    {
        if (_missed is not null && message is { IsVolatile: false, AckId: null })
        {
            // What it may recover needs one order with its broadcasts.
            Namespace.Rooms.Send(this, message);
            return;
        }

        CompleteDelivery(message, Deliver(message));
    }

    private void AbortIfDropped(SendResult result)
    {
        if (result != SendResult.Dropped)
            return;

        Hub.Metrics.MessageDropped(isVolatile: false);
        Hub.Limits.Reached(LimitKind.Outbox, Handshake.Address);
        Session.Abort();
    }
}
