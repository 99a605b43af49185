using RawWs.Server.Events;
using RawWs.Server.Transport;

namespace RawWs.Server.Rooms;

/// <summary>The rooms of one namespace, in the memory of this process.</summary>
/// <remarks>
/// One lock per namespace is held while a broadcast walks its receivers. That is what gives all of them one
/// order, also across rooms, and it is short: a post per receiver, without waiting and without calling the
/// application. The room named by a socket's own id is not stored: it is the entry in the table of all
/// sockets.
/// </remarks>
internal sealed class LocalRooms(int maxRoomsPerSocket, Recovery? recovery = null) : IRoomAdapter
{
    private readonly Lock _gate = new();
    private readonly Dictionary<string, Member> _sockets = new(StringComparer.Ordinal);
    private readonly Dictionary<string, HashSet<Member>> _rooms = new(StringComparer.Ordinal);
    private long _walk;

    /// <summary>The number of rooms with members, not counting those named by a socket's own id.</summary>
    public int RoomCount
    {
        get
        {
            lock (_gate)
                return _rooms.Count;
        }
    }

    public void Add(EventSocket socket)
    {
        lock (_gate)
        {
            _sockets.Add(socket.Id, new Member(socket));
            socket.CompleteConnect();
        }
    }

    public void Resume(EventSocket socket, EventSocket former)
    {
        lock (_gate)
        {
            _sockets[former.Id].Socket = socket;
            socket.CompleteResume();
        }
    }

    public void Remove(EventSocket socket)
    {
        lock (_gate)
        {
            // The place may be another's by now, who has recovered it.
            if (!_sockets.TryGetValue(socket.Id, out Member? member) || member.Socket != socket)
                return;

            _sockets.Remove(socket.Id);

            foreach (string room in member.Rooms ?? [])
                RemoveFrom(room, member);

            member.Rooms = null;
        }
    }

    public void Join(EventSocket socket, ReadOnlySpan<string> rooms)
    {
        foreach (string room in rooms)
            ArgumentNullException.ThrowIfNull(room, nameof(rooms));

        lock (_gate)
        {
            if (Find(socket) is not { } member)
                return;

            member.Rooms ??= new HashSet<string>(StringComparer.Ordinal);
            if (CountWith(member.Rooms, rooms, socket.Id) > maxRoomsPerSocket)
            {
                throw new InvalidOperationException(
                    $"{nameof(EventOptions.MaxRoomsPerSocket)} is {maxRoomsPerSocket}; it would be in more.");
            }

            foreach (string room in rooms)
            {
                if (room == socket.Id || !member.Rooms.Add(room))
                    continue;

                if (!_rooms.TryGetValue(room, out HashSet<Member>? members))
                    _rooms.Add(room, members = []);

                members.Add(member);
            }
        }
    }

    public void Leave(EventSocket socket, string room)
    {
        ArgumentNullException.ThrowIfNull(room);
        lock (_gate)
        {
            if (Find(socket) is { } member && member.Rooms?.Remove(room) == true)
                RemoveFrom(room, member);
        }
    }

    public string[] RoomsOf(EventSocket socket)
    {
        lock (_gate)
        {
            return Find(socket) is { } member
                ? [socket.Id, .. member.Rooms ?? []]
                : [];
        }
    }

    public void Broadcast(OutboundMessage message, in Audience audience)
    {
        List<EventSocket>? refused = null;
        List<EventSocket>? watched = null;
        // The lock fixes the order of the outboxes; what they send is sent outside of it.
        FlushBatch? batch = FlushBatch.Open();
        try
        {
            lock (_gate)
            {
                Keep(message);
                var walk = new Walk(this, audience);
                while (walk.TryNext(out EventSocket? socket))
                {
                    if (!socket.Deliver(message))
                        (refused ??= []).Add(socket);
                    else if (socket is { IsWatched: true, Connected: true })
                        (watched ??= []).Add(socket);
                }
            }
        }
        finally
        {
            batch?.Close();
        }

        foreach (EventSocket socket in refused ?? [])
            socket.Session.Abort();

        foreach (EventSocket socket in watched ?? [])
            socket.OnSent(message);
    }

    public void Send(EventSocket socket, OutboundMessage message)
    {
        EventSocket receiver;
        bool isDelivered;
        // What is sent is sent outside of the lock, as with broadcasts.
        FlushBatch? batch = FlushBatch.Open();
        try
        {
            lock (_gate)
            {
                // The place is that of the client: another socket's by now, if it has come back.
                if (!_sockets.TryGetValue(socket.Id, out Member? member))
                    return;

                Keep(message);
                receiver = member.Socket;
                isDelivered = receiver.Deliver(message);
            }
        }
        finally
        {
            batch?.Close();
        }

        receiver.CompleteDelivery(message, isDelivered);
    }

    /// <summary>There is no other server.</summary>
    public void ServerSideEmit(string name, EventArguments arguments, AckCollector? answers)
    {
    }

    public EventSocket[] Members(in Audience audience)
    {
        var members = new List<EventSocket>();
        lock (_gate)
        {
            var walk = new Walk(this, audience);
            while (walk.TryNext(out EventSocket? socket))
            {
                if (!socket.IsSuspended)
                    members.Add(socket);
            }
        }

        return [.. members];
    }

    public EventSocket? Find(string id)
    {
        lock (_gate)
            return _sockets.TryGetValue(id, out Member? member) && !member.Socket.IsSuspended ? member.Socket : null;
    }

    // Under the lock. Of a client that is gone nothing is found, though it may come back.
    private Member? Find(EventSocket socket) =>
        _sockets.TryGetValue(socket.Id, out Member? member) && member.Socket == socket && !socket.IsSuspended
            ? member
            : null;

    private void Keep(OutboundMessage message)
    {
        if (message is { IsVolatile: false, AckId: null })
            recovery?.Keep(message);
    }

    private static int CountWith(HashSet<string> present, ReadOnlySpan<string> joined, string ownId)
    {
        int count = present.Count;
        foreach (string room in joined)
        {
            // A name given twice counts twice here; that errs on the safe side only at the very bound.
            if (room != ownId && !present.Contains(room))
                count++;
        }

        return count;
    }

    private void RemoveFrom(string room, Member member)
    {
        if (!_rooms.TryGetValue(room, out HashSet<Member>? members))
            return;

        members.Remove(member);
        if (members.Count == 0)
            _rooms.Remove(room);
    }

    /// <summary>One socket and what the adapter knows about it.</summary>
    private sealed class Member(EventSocket socket)
    {
        public EventSocket Socket { get; set; } = socket;

        public HashSet<string>? Rooms { get; set; }

        /// <summary>The last walk that has met it.</summary>
        public long LastWalk { get; set; }
    }

    /// <summary>
    /// Visits every socket of an audience once, in time proportional to the members of its rooms.
    /// </summary>
    private ref struct Walk
    {
        private readonly LocalRooms _owner;
        private readonly Audience _audience;
        private readonly long _number;
        private int _nextRoom;
        private bool _inRoom;
        private Dictionary<string, Member>.ValueCollection.Enumerator _all;
        private HashSet<Member>.Enumerator _members;

        public Walk(LocalRooms owner, in Audience audience)
        {
            _owner = owner;
            _audience = audience;
            _number = ++owner._walk;
            _all = owner._sockets.Values.GetEnumerator();
            MarkExcepted();
        }

        public bool TryNext(out EventSocket socket)
        {
            while (TryNextMember(out Member? member))
            {
                if (member.LastWalk == _number)
                    continue;

                member.LastWalk = _number;
                socket = member.Socket;
                return true;
            }

            socket = null!;
            return false;
        }

        // A member that must not be met is one that has been met already.
        private readonly void MarkExcepted()
        {
            if (_audience.Sender is { } sender && _owner._sockets.TryGetValue(sender.Id, out Member? self))
                self.LastWalk = _number;

            foreach (string room in _audience.Except)
            {
                if (_owner._sockets.TryGetValue(room, out Member? named))
                    named.LastWalk = _number;

                if (!_owner._rooms.TryGetValue(room, out HashSet<Member>? members))
                    continue;

                foreach (Member member in members)
                    member.LastWalk = _number;
            }
        }

        private bool TryNextMember(out Member member)
        {
            if (_audience.Rooms.IsEmpty)
            {
                bool found = _all.MoveNext();
                member = found ? _all.Current : null!;
                return found;
            }

            while (true)
            {
                if (_inRoom && _members.MoveNext())
                {
                    member = _members.Current;
                    return true;
                }

                _inRoom = false;
                if (_nextRoom == _audience.Rooms.Length)
                {
                    member = null!;
                    return false;
                }

                string room = _audience.Rooms[_nextRoom++];
                if (_owner._rooms.TryGetValue(room, out HashSet<Member>? members))
                {
                    _members = members.GetEnumerator();
                    _inRoom = true;
                }

                if (_owner._sockets.TryGetValue(room, out Member? named))
                {
                    member = named;
                    return true;
                }
            }
        }
    }
}
