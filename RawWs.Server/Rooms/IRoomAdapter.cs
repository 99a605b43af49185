using RawWs.Server.Events;

namespace RawWs.Server.Rooms;

/// <summary>Who is in which room of one namespace, and the way of a broadcast to them.</summary>
/// <remarks>
/// Safe for any thread. Broadcasts of one node reach all their receivers in one order, and no member of this
/// interface waits for a client or calls anything of the application's.
/// </remarks>
internal interface IRoomAdapter
{
    /// <summary>Takes a socket in and tells its client so, in one step: no broadcast comes between.</summary>
    void Add(EventSocket socket);

    /// <summary>
    /// Puts a socket in the place of its former one, in all its rooms, and sends its client what it missed and that it is
    /// connected, in one step.
    /// </summary>
    void Resume(EventSocket socket, EventSocket former);

    /// <summary>Takes a socket out of all its rooms and of the namespace; it cannot join any more.</summary>
    void Remove(EventSocket socket);

    /// <summary>
    /// Puts a socket into rooms: all of them, or none. Without effect for a socket that is not in.
    /// </summary>
    /// <exception cref="InvalidOperationException">It would be in too many rooms.</exception>
    void Join(EventSocket socket, ReadOnlySpan<string> rooms);

    /// <summary>Takes a socket out of a room. It cannot leave the room of its own id.</summary>
    void Leave(EventSocket socket, string room);

    /// <summary>The rooms a socket is in, that of its own id first.</summary>
    string[] RoomsOf(EventSocket socket);

    /// <summary>Puts a message into the outbox of every socket that is meant, once each.</summary>
    void Broadcast(OutboundMessage message, in Audience audience);

    /// <summary>
    /// Puts a message into the outbox of one socket, or keeps it for its client that may come back, in the order of the
    /// broadcasts.
    /// </summary>
    void Send(EventSocket socket, OutboundMessage message);

    /// <summary>Emits an event to this namespace on the other servers of the cluster.</summary>
    /// <param name="name">The name of the event.</param>
    /// <param name="arguments">Its arguments.</param>
    /// <param name="answers">Expects the answer of each other server, before this returns; null if none is wanted.</param>
    void ServerSideEmit(string name, EventArguments arguments, AckCollector? answers);

    /// <summary>The sockets that are meant.</summary>
    EventSocket[] Members(in Audience audience);

    /// <summary>The socket with an id, or null.</summary>
    EventSocket? Find(string id);
}
