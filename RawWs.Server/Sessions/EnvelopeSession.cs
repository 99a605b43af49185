using System.Buffers;
using System.Text;
using RawWs.Protocol.Envelope;
using RawWs.Protocol.SocketIO;
using RawWs.Protocol.WebSockets;
using RawWs.Server.Events;
using RawWs.Server.Transport;

namespace RawWs.Server.Sessions;

/// <summary>A client that speaks JSON event envelopes over one WebSocket, in the one namespace that its path names.</summary>
internal sealed class EnvelopeSession : Session
{
    private readonly WebSocketConnection _connection;
    private readonly EnvelopeLimits _limits;
    private readonly string _namespace;
    private readonly long _graceEnds;

    // Set by whoever starts to connect: the receive loop at the first message, or the timer when none comes.
    private TaskCompletionSource? _connecting;
    private EventSocket? _socket;
    private int _malformed;
    private bool _isConnectQueued;

    public EnvelopeSession(EventHub hub, WebSocketConnection connection, Handshake handshake, string namespaceName)
        : base(hub, handshake)
    {
        _connection = connection;
        _namespace = namespaceName;
        _limits = new EnvelopeLimits { MaxDepth = hub.Options.MaxJsonDepth };
        _graceEnds = connection.Context.Now + (long)hub.Options.ConnectGracePeriod.TotalMilliseconds;
    }

    public override string TransportName => "websocket";

    /// <summary>Takes one message. Incomplete while the client has too many handlers under way.</summary>
    public ValueTask ReceiveAsync(Opcode type, ReadOnlyMemory<byte> payload)
    {
        if (type == Opcode.Binary)
        {
            _connection.Close(CloseCode.UnsupportedData, "envelopes are text", DisconnectReason.ParseError);
            return default;
        }

        var error = EnvelopeReader.TryRead(payload, _limits, out var packet);
        var action = EnvelopeAction.Event;
        if (error == EnvelopeError.None)
            error = EnvelopeRules.Check(packet, _connecting is not null, out action);
        if (error != EnvelopeError.None)
        {
            Refuse(error);
            return default;
        }

        var auth = action == EnvelopeAction.Connect ? packet.Values.Span : default;
        return TryConnect(auth) ? HandleAsync(action, packet) : HandleWhenConnectedAsync(action, packet);
    }

    /// <summary>A client that has said nothing for a while only wants to listen: it is connected without credentials.</summary>
    public void OnTick(long now)
    {
        if (_isConnectQueued || _connecting is not null || now < _graceEnds || CloseReason is not null)
            return;
        // Callbacks of the application may block: never on the timer, which serves every connection.
        _isConnectQueued = true;
        ThreadPool.UnsafeQueueUserWorkItem(static session => session.TryConnect(default), this, preferLocal: false);
    }

    public override SendResult Post(EventSocket socket, OutboundMessage message) =>
        _connection.SendFrames(
            message.GetFrames(WireFormat.Envelope, Encode), message.IsVolatile, message.Compressed);

    public override SendResult SendAck(EventSocket socket, long ackId, EventArguments arguments)
    {
        var output = Scratch.Take();
        EnvelopeWriter.WriteAck(output, ackId, InText(arguments), arguments.Count);
        return Send(output);
    }

    public override SendResult SendAckError(EventSocket socket, long ackId, string code, string message)
    {
        var output = Scratch.Take();
        EnvelopeWriter.WriteAckError(output, ackId, code, message);
        return Send(output);
    }

    public override void SendConnect(EventSocket socket)
    {
        var output = Scratch.Take();
        EnvelopeWriter.WriteConnect(output, socket.Id);
        Send(output);
    }

    public override void SendConnectError(string namespaceName, string message, ReadOnlyMemory<byte> details)
    {
        var output = Scratch.Take();
        EnvelopeWriter.WriteConnectError(output, message, details.Span);
        Send(output);
        // The path names the one namespace of this connection: there is nothing else to do on it.
        _connection.Close(CloseCode.PolicyViolation, "connection refused", DisconnectReason.ForcedServerClose);
    }

    public override void SendDisconnect(EventSocket socket)
    {
        var output = Scratch.Take();
        EnvelopeWriter.WriteDisconnect(output, DisconnectReason.ServerNamespaceDisconnect.ToString());
        Send(output);
        CloseConnection();
    }

    public override void CloseConnection() =>
        _connection.Close(CloseCode.NormalClosure, "", DisconnectReason.ForcedServerClose);

    // The close frame waits behind what the client does not read; the close timeout ends that.
    public override void Abort() =>
        _connection.Close(CloseCode.TryAgainLater, "reads too slowly", DisconnectReason.TransportError);

    private static ReadOnlyMemory<byte> Encode(OutboundMessage message)
    {
        var output = Scratch.Take();
        EnvelopeWriter.WriteEvent(
            output, message.Name, InText(message.Arguments), message.Arguments.Count, message.AckId);
        var frame = new byte[FrameWriter.FrameSize(output.WrittenCount, Role.Server)];
        FrameWriter.Write(frame, Opcode.Text, output.WrittenSpan);
        Scratch.Return(output);
        return frame;
    }

    // An envelope is one text message: bytes are base64 in it.
    private static ReadOnlySpan<byte> InText(EventArguments arguments)
    {
        if (arguments.AttachmentSpan.IsEmpty)
            return arguments.Json.Span;
        var json = new ArrayBufferWriter<byte>();
        Placeholders.WriteBase64(json, arguments.Json.Span, arguments.AttachmentSpan);
        return json.WrittenSpan;
    }

    private SendResult Send(ArrayBufferWriter<byte> envelope)
    {
        var result = _connection.Send(Opcode.Text, envelope.WrittenSpan);
        Scratch.Return(envelope);
        // An answer is not volatile: whoever cannot take it is too slow.
        if (result == SendResult.Dropped)
            Abort();
        return result;
    }

    private ValueTask HandleAsync(EnvelopeAction action, EnvelopePacket packet)
    {
        if (_socket is not { } socket)
            return default;
        switch (action)
        {
            case EnvelopeAction.Event:
                return socket.DispatchAsync(packet.Name.Span, packet.Values.Span, packet.Id);
            case EnvelopeAction.Ack when packet.Kind == EnvelopeKind.Ack:
                socket.OnAck(packet.Id.GetValueOrDefault(), packet.Values.Span);
                return default;
            case EnvelopeAction.Ack:
                socket.OnAckError(
                    packet.Id.GetValueOrDefault(),
                    Encoding.UTF8.GetString(packet.ErrorCode.Span),
                    Encoding.UTF8.GetString(packet.ErrorMessage.Span));
                return default;
            case EnvelopeAction.Disconnect:
                socket.Close(DisconnectReason.ClientNamespaceDisconnect);
                _connection.Close(CloseCode.NormalClosure, "", DisconnectReason.ClientNamespaceDisconnect);
                return default;
            default:
                return default;
        }
    }

    private async ValueTask HandleWhenConnectedAsync(EnvelopeAction action, EnvelopePacket packet)
    {
        await _connecting!.Task.ConfigureAwait(false);
        await HandleAsync(action, packet).ConfigureAwait(false);
    }

    /// <returns>False if the timer has begun to connect at this very moment: what comes in waits for that.</returns>
    private bool TryConnect(ReadOnlySpan<byte> auth)
    {
        if (_connecting is { } before)
            return before.Task.IsCompleted;
        var connecting = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        if (Interlocked.CompareExchange(ref _connecting, connecting, null) is not null)
            return false;
        // The outcome is told to the client by the session; events wait for the connection handlers in the socket.
        _ = ConnectAsync(_namespace, auth);
        _socket = Find(Encoding.UTF8.GetBytes(_namespace));
        connecting.SetResult();
        return true;
    }

    private void Refuse(EnvelopeError error)
    {
        var output = Scratch.Take();
        EnvelopeWriter.WriteError(output, error);
        Send(output);
        if (++_malformed >= Hub.Options.MaxMalformedEnvelopes)
            _connection.Close(CloseCode.PolicyViolation, "too many malformed envelopes", DisconnectReason.ParseError);
    }
}
