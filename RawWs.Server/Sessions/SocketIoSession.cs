using System.Buffers;
using System.Text;
using RawWs.Protocol.SocketIO;
using RawWs.Protocol.WebSockets;
using RawWs.Server.Engine;
using RawWs.Server.Events;
using RawWs.Server.Transport;

namespace RawWs.Server.Sessions;

/// <summary>A client that speaks Socket.IO: packets of any number of namespaces over one Engine.IO session.</summary>
internal sealed class SocketIoSession : Session
{
    private readonly EngineSession _engine;
    private readonly SocketPacketAssembler _assembler;

    // Joining and leaving take effect when everything that came in together has been looked at.
    private readonly List<(string Namespace, byte[] Auth)> _joining = [];
    private readonly List<EventSocket> _leaving = [];

    // Namespaces that the server has taken the client out of: what it sends there before it knows is dropped.
    private readonly HashSet<string> _dismissedFrom = new(StringComparer.Ordinal);
    private long _connectBy;
    private volatile bool _hasJoined;

    public SocketIoSession(EventHub hub, EngineSession engine)
        : base(hub, engine.Handshake)
    {
        _engine = engine;
        _assembler = new SocketPacketAssembler(new SocketPacketLimits
        {
            MaxDepth = hub.Options.MaxJsonDepth,
            MaxAttachments = hub.Options.MaxAttachments,
        });
        _connectBy = engine.Context.Now + (long)hub.Options.ConnectTimeout.TotalMilliseconds;
    }

    public override bool CanRecover => Hub.Recovery is not null;

    public override string TransportName => _engine.TransportName;

    /// <summary>Takes one message. Incomplete while a socket of the client has too many handlers under way.</summary>
    public ValueTask ReceiveAsync(Opcode type, ReadOnlyMemory<byte> payload)
    {
        SocketPacketError error;
        SocketPacket packet;
        bool isComplete;
        lock (_assembler)
        {
            error = type == Opcode.Binary
                ? _assembler.AddBinary(payload, out packet, out isComplete)
                : _assembler.AddText(payload, out packet, out isComplete);
        }

        if (error != SocketPacketError.None)
            return Refuse();
        return isComplete ? HandleAsync(packet) : default;
    }

    /// <summary>What came in together has been handled.</summary>
    public void OnBatchEnd()
    {
        if (_leaving.Count == 0 && _joining.Count == 0)
            return;
        foreach (var socket in _leaving)
            socket.Close(DisconnectReason.ClientNamespaceDisconnect);
        _leaving.Clear();
        foreach (var (name, auth) in _joining)
        {
            // The outcome is told to the client by the namespace.
            _ = ConnectAsync(name, auth);
        }

        _joining.Clear();
    }

    /// <summary>A client that joins no namespace in time has no business here.</summary>
    public void OnTick(long now)
    {
        if (now < _connectBy)
            return;
        _connectBy = long.MaxValue;
        if (!_hasJoined)
            ThreadPool.UnsafeQueueUserWorkItem(static session => session.CloseConnection(), this, preferLocal: false);
    }

    public override SendResult Post(EventSocket socket, OutboundMessage message) => _engine.Post(
        message,
        message.IsVolatile,
        static (message, format) => format switch
        {
            EngineFormat.WebSocket => message.GetFrames(
                WireFormat.SocketIo, static message => Encode(message, EngineFormat.WebSocket)),
            EngineFormat.WebSocketBase64 => message.GetFrames(
                WireFormat.SocketIoBase64, static message => Encode(message, EngineFormat.WebSocketBase64)),
            _ => message.GetFrames(
                WireFormat.SocketIoPolling, static message => Encode(message, EngineFormat.Polling)),
        },
        message.Compressed);

    public override SendResult SendAck(EventSocket socket, long ackId, EventArguments arguments) =>
        _engine.Post((socket.Namespace.Name, ackId, arguments), isVolatile: false, static (ack, format) =>
        {
            var (name, id, arguments) = ack;
            var packet = BeginPacket();
            SocketPacketWriter.WriteAck(packet, name, id, arguments.Json.Span, arguments.AttachmentSpan.Length);
            return EndPacket(packet, format, arguments.AttachmentSpan);
        });

    // Socket.IO has no word for it: the client's own timeout tells it.
    public override SendResult SendAckError(EventSocket socket, long ackId, string code, string message) =>
        SendResult.Sent;

    public override void SendConnect(EventSocket socket)
    {
        _hasJoined = true;
        var packet = BeginPacket();
        SocketPacketWriter.WriteConnect(packet, socket.Namespace.Name, socket.Id, socket.RecoveryId);
        Send(packet);
    }

    public override void SendConnectError(string namespaceName, string message, ReadOnlyMemory<byte> details)
    {
        var packet = BeginPacket();
        SocketPacketWriter.WriteConnectError(packet, namespaceName, message, details.Span);
        Send(packet);
    }

    public override void SendDisconnect(EventSocket socket)
    {
        lock (_dismissedFrom)
        {
            // A client that is taken out of so many without joining again does not deserve the courtesy.
            if (_dismissedFrom.Count >= Hub.Options.MaxNamespacesPerConnection)
                _dismissedFrom.Clear();
            _dismissedFrom.Add(socket.Namespace.Name);
        }

        var packet = BeginPacket();
        SocketPacketWriter.WriteDisconnect(packet, socket.Namespace.Name);
        Send(packet);
    }

    public override void CloseConnection() => _engine.Close();

    // May be called under the lock of the rooms, and the end of the session calls the application.
    public override void Abort() => ThreadPool.UnsafeQueueUserWorkItem(
        static engine => engine.Abort(), _engine, preferLocal: false);

    /// <summary>The session is over.</summary>
    public void OnClosed(DisconnectReason reason)
    {
        Close(reason);
        // A client that may come back leaves this behind for a while.
        lock (_assembler)
            _assembler.Clear();
    }

    private static ArrayBufferWriter<byte> BeginPacket()
    {
        var packet = Scratch.Take();
        // The Engine.IO type of a message.
        packet.Write("4"u8);
        return packet;
    }

    private static ReadOnlyMemory<byte> EndPacket(
        ArrayBufferWriter<byte> packet, EngineFormat format, ReadOnlySpan<ReadOnlyMemory<byte>> attachments = default)
    {
        var frames = EngineFrames.Encode(format, packet.WrittenSpan, attachments);
        Scratch.Return(packet);
        return frames;
    }

    private static ReadOnlyMemory<byte> Encode(OutboundMessage message, EngineFormat format)
    {
        var packet = BeginPacket();
        var arguments = message.Arguments;
        SocketPacketWriter.WriteEvent(
            packet,
            message.NamespaceName,
            message.Name,
            arguments.Json.Span,
            message.AckId,
            arguments.AttachmentSpan.Length,
            message.Offset);
        return EndPacket(packet, format, arguments.AttachmentSpan);
    }

    private void Send(ArrayBufferWriter<byte> packet)
    {
        var result = _engine.Post(packet, isVolatile: false, static (packet, format) => EndPacket(packet, format));
        // It is not volatile: whoever cannot take it is too slow.
        if (result == SendResult.Dropped)
            Abort();
    }

    private ValueTask HandleAsync(in SocketPacket packet)
    {
        if (packet.Type == SocketPacketType.Connect)
            return Join(packet);
        if (packet.Type == SocketPacketType.ConnectError)
            return Refuse();
        if (Find(packet.Namespace.Span) is not { HasJoined: true } socket)
            return WasDismissedFrom(packet.Namespace.Span) ? default : Refuse();
        if (_leaving.Contains(socket))
            return default;
        switch (packet.Type)
        {
            case SocketPacketType.Disconnect:
                _leaving.Add(socket);
                return default;
            case SocketPacketType.Ack or SocketPacketType.BinaryAck:
                if (packet.AckId is { } id)
                    socket.OnAck(id, packet.Values.Span, _assembler.Attachments);
                return default;
            default:
                // "2" alone says nothing, and says it silently.
                return packet.Name.IsEmpty
                    ? default
                    : socket.DispatchAsync(
                        packet.Name.Span, packet.Values.Span, packet.AckId, _assembler.Attachments);
        }
    }

    private ValueTask Join(in SocketPacket packet)
    {
        var name = Encoding.UTF8.GetString(packet.Namespace.Span);
        if (Find(packet.Namespace.Span) is not null || _joining.Exists(joining => joining.Namespace == name))
            return Refuse();
        // One payload may ask for a hundred thousand.
        if (_joining.Count >= Hub.Options.MaxNamespacesPerConnection)
        {
            RefuseNamespace(name);
            return default;
        }

        _joining.Add((name, packet.Values.ToArray()));
        lock (_dismissedFrom)
            _dismissedFrom.Remove(name);
        return default;
    }

    private bool WasDismissedFrom(ReadOnlySpan<byte> utf8Name)
    {
        lock (_dismissedFrom)
            return _dismissedFrom.Count > 0 && _dismissedFrom.Contains(Encoding.UTF8.GetString(utf8Name));
    }

    private ValueTask Refuse()
    {
        _engine.Close(DisconnectReason.ForcedClose);
        return default;
    }
}
