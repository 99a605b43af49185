using RawWs.Protocol.WebSockets;
using RawWs.Server.Sessions;
using RawWs.Server.Transport;

namespace RawWs.Server.Engine;

// From polling to a WebSocket: the client probes one, then says that it will use it from now on.
public sealed partial class EngineSession
{
    private WebSocketConnection? _probe;
    private EngineFormat _probeFormat;
    private bool _isProbed;

    /// <summary>A WebSocket has come in for this session.</summary>
    /// <returns>False if the session has one, or is over.</returns>
    internal bool TryBeginProbe(WebSocketConnection connection, bool isBase64)
    {
        lock (_lock)
        {
            if (_webSocket is not null || _probe is not null || _phase != Phase.Open)
                return false;
            _probe = connection;
            _probeFormat = FormatOf(isBase64);
            _isProbed = false;
            ScheduleUpgradeTimeout();
            return true;
        }
    }

    private ValueTask OnProbeMessageAsync(
        WebSocketConnection connection, Opcode type, ReadOnlyMemory<byte> payload)
    {
        if (type == Opcode.Text && payload.Span.SequenceEqual("2probe"u8))
        {
            AnswerProbe(connection);
            return default;
        }

        if (type == Opcode.Text && payload.Span.SequenceEqual("5"u8))
            return UpgradeAsync(connection);

        // The session goes on over polling.
        connection.Close(CloseCode.PolicyViolation, "not an upgrade", DisconnectReason.TransportError);
        return default;
    }

    private void AnswerProbe(WebSocketConnection connection)
    {
        lock (_lock)
        {
            if (_probe != connection)
                return;
            _isProbed = true;
            connection.Send(Opcode.Text, "3probe"u8);
            // The client says "5" once its poll is answered.
            ReleasePoll();
        }
    }

    private async ValueTask UpgradeAsync(WebSocketConnection connection)
    {
        // What the client has said over polling comes before what it says from now on.
        while (PostBeforeUpgrade(connection) is { } post)
            await post.ConfigureAwait(false);
        if (_webSocket == connection)
            Handler.OnUpgrade(this);
    }

    /// <summary>Moves to the WebSocket, unless a request with packets is under way: then it is to be waited for.</summary>
    private Task? PostBeforeUpgrade(WebSocketConnection connection)
    {
        lock (_lock)
        {
            if (!_posts.IsCompleted)
                return _posts;
            if (_probe != connection || _phase != Phase.Open)
                return null;
            ReleasePoll();
            if (!_queue.IsEmpty)
                MoveQueue(connection);
            (_probe, _isProbed, _upgradeBy) = (null, false, Never);
            _format = _probeFormat;
            // Last: whoever sees it posts behind what waited.
            _webSocket = connection;
            return null;
        }
    }

    // Under the lock.
    private void MoveQueue(WebSocketConnection connection)
    {
        // What somebody wanted sent as it is must not be compressed together with what others choose.
        var compressed = _queue.HasIncompressible ? CompressedFrames.Never : null;
        connection.SendFrames(
            EngineFrames.FromPayload(_probeFormat, _queue.TakePayload().Payload), compressed: compressed);
    }

    // Under the lock.
    private void ReleasePoll()
    {
        if (_poll is null)
            return;
        if (_queue.IsEmpty)
            _queue.Add(s_noop);
        CompletePoll();
    }
}
