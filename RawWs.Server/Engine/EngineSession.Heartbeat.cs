using RawWs.Protocol.WebSockets;
using RawWs.Server.Sessions;
using RawWs.Server.Transport;

namespace RawWs.Server.Engine;

// Deadlines, in milliseconds of the server's clock; one timer looks at those of every session.
public sealed partial class EngineSession
{
    private const long Never = long.MaxValue;

    // A poll during a probe is answered after so long, lest the client poll in a tight loop.
    private const long PollDuringProbe = 100;

    private static readonly byte[] s_ping = "2"u8.ToArray();

    private long _pingAt;
    private long _pongBy = Never;
    private volatile bool _isHandling;
    private long _upgradeBy = Never;
    private long _releasePollAt = Never;
    private long _closeBy = Never;

    /// <summary>Ends the session if its client owes a pong by now, to the moment and not to the tick.</summary>
    internal void CheckPong()
    {
        bool isLate;
        lock (_lock)
            isLate = _phase == Phase.Open && !_isHandling && Context.Connections.PreciseNow >= _pongBy;
        if (isLate)
            Fail(DisconnectReason.PingTimeout);
    }

    /// <summary>Called from the timer: callbacks of the application must not run here.</summary>
    internal void OnTick(long now)
    {
        WebSocketConnection? lateProbe = null;
        var isPingDue = false;
        lock (_lock)
        {
            if (now >= _closeBy && _phase == Phase.Closing)
            {
                _phase = Phase.Closed;
                _endpoint.Remove(this);
            }

            if (_phase != Phase.Open)
                return;
            if (now >= _upgradeBy)
            {
                (lateProbe, _probe, _isProbed) = (_probe, null, false);
                _upgradeBy = Never;
            }

            if (now >= _releasePollAt)
            {
                ReleasePoll();
                _releasePollAt = Never;
            }

            // A handler that blocks its thread holds back what its batch has gathered by no more than a tick.
            if (!_queue.IsEmpty)
                CompletePoll();
            if (now >= _pongBy && _isHandling)
            {
                _pongBy = now + _endpoint.PingTimeout;
            }
            else if (now >= _pongBy)
            {
                _pongBy = Never;
                ThreadPool.UnsafeQueueUserWorkItem(
                    static session => session.Fail(DisconnectReason.PingTimeout), this, preferLocal: false);
            }
            else if (now >= _pingAt)
            {
                isPingDue = true;
                ExpectPong(now);
            }
        }

        if (isPingDue)
            SendPacket(s_ping);
        lateProbe?.Close(CloseCode.PolicyViolation, "upgrade timeout", DisconnectReason.TransportError);
        Handler.OnTick(this, now);
    }

    private void ScheduleFirstPing() => _pingAt = Context.Connections.PreciseNow + _endpoint.PingInterval;

    // Under the lock.
    private void ScheduleUpgradeTimeout() => _upgradeBy = Context.Connections.PreciseNow + _endpoint.UpgradeTimeout;

    // Under the lock.
    private void ReleasePollSoon() => _releasePollAt = Context.Now + PollDuringProbe;

    // Under the lock.
    private void ScheduleEnd() => _closeBy = Context.Now + _endpoint.CloseTimeout;

    // Under the lock.
    private void ExpectPong(long now)
    {
        // The client counts from when the ping was due. A tick that is late beyond the timer's step, because the process
        // was stopped or starved, is ours to bear.
        var lateness = now - _pingAt;
        var sentAt = lateness <= 2 * _endpoint.TimerStep ? _pingAt : now;
        _pingAt = Never;
        _pongBy = sentAt + _endpoint.PingTimeout;
    }

    // What has come in meanwhile is read now, and the pong may be among it.
    private void EndHoldingBack()
    {
        lock (_lock)
        {
            var now = Context.Connections.PreciseNow;
            if (now >= _pongBy)
                _pongBy = now + _endpoint.PingTimeout;
            _isHandling = false;
        }
    }

    private void OnPong()
    {
        lock (_lock)
        {
            _pongBy = Never;
            _pingAt = Context.Connections.PreciseNow + _endpoint.PingInterval;
        }
    }
}
