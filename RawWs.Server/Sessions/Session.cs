using System.Text;
using RawWs.Server.Events;
using RawWs.Server.Transport;

namespace RawWs.Server.Sessions;

/// <summary>
/// One client, whatever it speaks and whatever carries it: the sockets that it has in the namespaces. A
/// dialect derives from it, turns what comes in into calls of the inbound half and writes what the outbound
/// half is given.
/// </summary>
/// <remarks>
/// The inbound half is called by one receive loop, one call at a time, but for <see cref="Close"/>, which
/// any thread may call. The outbound half may be called by any thread, also under the lock that keeps
/// broadcasts in order: it puts bytes into an outbox and returns, never waits, and calls nothing of the
/// application's.
/// </remarks>
internal abstract class Session(EventHub hub, Handshake handshake)
{
    private readonly Lock _gate = new();

    // Never changed, but replaced: each event looks for its socket.
    private volatile Dictionary<byte[], EventSocket> _sockets = new(Utf8NameComparer.Instance);
    private DisconnectReason? _reason;

    public EventHub Hub { get; } = hub;

    public Handshake Handshake { get; } = handshake;

    /// <summary>What carries it at the moment: <c>websocket</c> or <c>polling</c>.</summary>
    public abstract string TransportName { get; }

    /// <summary>Its dialect can tell a client how to recover what it misses.</summary>
    public virtual bool CanRecover => false;

    /// <summary>Why the session has ended; null while it lives.</summary>
    public DisconnectReason? CloseReason
    {
        get
        {
            lock (_gate)
                return _reason;
        }
    }

    /// <summary>Puts an event into the outbox.</summary>
    public abstract SendResult Post(EventSocket socket, OutboundMessage message);

    /// <summary>Answers an event of the client's.</summary>
    public abstract SendResult SendAck(EventSocket socket, long ackId, EventArguments arguments);

    /// <summary>
    /// Answers an event of the client's with an error; a dialect that knows none sends nothing.
    /// </summary>
    public abstract SendResult SendAckError(EventSocket socket, long ackId, string code, string message);

    /// <summary>Tells the client that it has joined a namespace, and the id of its socket there.</summary>
    public abstract void SendConnect(EventSocket socket);

    /// <summary>Tells the client that it may not join a namespace.</summary>
    /// <param name="namespaceName">As the client asked for it.</param>
    /// <param name="message">Why.</param>
    /// <param name="details">More, as UTF-8 JSON, or empty.</param>
    public abstract void SendConnectError(string namespaceName, string message, ReadOnlyMemory<byte> details);

    /// <summary>Tells the client that the server took it out of a namespace.</summary>
    public abstract void SendDisconnect(EventSocket socket);

    /// <summary>Ends the connection once everything in the outbox is written. Returns at once.</summary>
    public abstract void CloseConnection();

    /// <summary>
    /// Ends the connection without regard to the outbox, which is full: the client is too slow. Without
    /// effect if the connection is ending anyhow. Returns at once; <see cref="Close"/> follows from the
    /// transport.
    /// </summary>
    public abstract void Abort();

    /// <summary>The socket in a namespace, joined or about to; null if there is none.</summary>
    public EventSocket? Find(ReadOnlySpan<byte> utf8Namespace)
    {
        var byUtf8 = _sockets.GetAlternateLookup<ReadOnlySpan<byte>>();
        return byUtf8.TryGetValue(utf8Namespace, out EventSocket? socket) ? socket : null;
    }

    /// <summary>
    /// Takes the client into a namespace, if that exists and its middleware agrees, and tells it the outcome.
    /// </summary>
    /// <param name="namespaceName">The namespace; <see cref="Find"/> must not know it yet.</param>
    /// <param name="auth">The client's credentials as JSON, or empty; copied.</param>
    /// <returns>
    /// Completes with the outcome and never fails. The receive loop need not wait for it: events that come
    /// in for the socket meanwhile are held back until its connection handlers have run.
    /// </returns>
    public Task ConnectAsync(string namespaceName, ReadOnlySpan<byte> auth)
    {
        if (!TryReserve(namespaceName))
        {
            RefuseNamespace(namespaceName);
            return Task.CompletedTask;
        }

        EventNamespace? space = Hub.Enter(namespaceName);
        if (space is null)
        {
            SendConnectError(namespaceName, "Invalid namespace", default);
            return Task.CompletedTask;
        }

        var socket = new EventSocket(
            this,
            space,
            Handshake with { AuthJson = auth.ToArray(), Codec = Hub.Json },
            CanRecover ? space.TakeFormer(auth) : null);
        lock (_gate)
        {
            if (_reason is null)
                _sockets = new Dictionary<byte[], EventSocket>(_sockets, Utf8NameComparer.Instance)
                {
                    { Encoding.UTF8.GetBytes(namespaceName), socket },
                };
        }

        if (CloseReason is not { } reason)
            return space.ConnectAsync(socket);

        socket.Close(reason);
        return Task.CompletedTask;
    }

    /// <summary>The one exit: the client is gone, from every namespace. The first reason counts.</summary>
    public void Close(DisconnectReason reason)
    {
        EventSocket[] sockets;
        lock (_gate)
        {
            if (_reason is not null)
                return;

            _reason = reason;
            sockets = [.. _sockets.Values];
        }

        foreach (EventSocket socket in sockets)
            socket.Close(reason);
    }

    /// <summary>Takes the client out of every namespace and ends its connection.</summary>
    internal void Disconnect()
    {
        EventSocket[] sockets;
        lock (_gate)
            sockets = [.. _sockets.Values];

        foreach (EventSocket socket in sockets)
            socket.Disconnect();

        CloseConnection();
    }

    internal void Forget(EventSocket socket)
    {
        byte[] name = Encoding.UTF8.GetBytes(socket.Namespace.Name);
        lock (_gate)
        {
            if (!_sockets.TryGetValue(name, out EventSocket? present) || present != socket)
                return;

            var others = new Dictionary<byte[], EventSocket>(_sockets, Utf8NameComparer.Instance);
            others.Remove(name);
            _sockets = others;
        }
    }

    /// <summary>Tells the client that this namespace would be one too many.</summary>
    protected void RefuseNamespace(string namespaceName) =>
        SendConnectError(namespaceName, "Too many namespaces", default);

    private bool TryReserve(string namespaceName)
    {
        byte[] name = Encoding.UTF8.GetBytes(namespaceName);
        lock (_gate)
        {
            if (_sockets.ContainsKey(name))
                throw new InvalidOperationException("The client has joined this namespace already.");

            return _sockets.Count < Hub.Options.MaxNamespacesPerConnection;
        }
    }
}
