using RawWs.Protocol.EngineIO;
using RawWs.Protocol.WebSockets;
using RawWs.Server.Sessions;
using RawWs.Server.Transport;
using RawWs.Server.Transport.Limits;
using RawWs.Server.Transport.Loops;

namespace RawWs.Server.Engine;

// Packets in HTTP requests: one that waits for what there is to say, and one that brings what the client says.
public sealed partial class EngineSession
{
    // A client polls again at once. So long its next poll may be on its way, even from a phone at the network's edge.
    private const long MaxPollGap = 1000;

    private TaskCompletionSource<PollAnswer>? _poll;

    // When a poll was last answered, or the request that opened the session.
    private long _lastAnswer;

    private FlushBatch? _deferredTo;

    // The end of the request with packets that began last, and of all before it.
    private Task _posts = Task.CompletedTask;
    private bool _isReadingPost;

    /// <summary>A poll waits for something to say.</summary>
    internal bool IsPolled
    {
        get
        {
            lock (_lock)
                return _poll is not null;
        }
    }

    // Under the lock. A poll waits, or is on its way: it may have left the client before what is handled now, and come by
    // another connection.
    private bool IsReady =>
        !_queue.IsAboveHighWater && (_poll is not null || Context.Now - _lastAnswer <= MaxPollGap);

    /// <summary>Completes with the request with packets that began last.</summary>
    internal Task LastPost
    {
        get
        {
            lock (_lock)
                return _posts;
        }
    }

    void IDeferredFlush.FlushDeferred(SendRing? ring)
    {
        lock (_lock)
        {
            _deferredTo = null;
            if (!_queue.IsEmpty)
                CompletePoll();
        }
    }

    /// <summary>A poll has come in.</summary>
    /// <returns>
    /// Completes with the payload of the answer; null if another poll waits, which costs the session, or if there is no
    /// session to poll any more.
    /// </returns>
    internal Task<PollAnswer>? BeginPoll()
    {
        lock (_lock)
        {
            if (_webSocket is not null || _phase == Phase.Closed)
                return null;
            if (_poll is null)
            {
                _poll = new TaskCompletionSource<PollAnswer>(
                    TaskCreationOptions.RunContinuationsAsynchronously);
                var answer = _poll.Task;
                if (_queue.IsEmpty && _phase == Phase.Closing)
                {
                    _queue.Add(s_close);
                    _phase = Phase.Closed;
                    _endpoint.Remove(this);
                }

                if (!_queue.IsEmpty)
                    CompletePoll();
                else if (_isProbed)
                    ReleasePollSoon();
                return answer;
            }
        }

        Fail(DisconnectReason.TransportError);
        return null;
    }

    /// <summary>A request with packets has come in.</summary>
    /// <remarks>
    /// A client may answer what a handler has told it by its poll before that handler has returned, and so before the
    /// request that it handles is answered: such requests are handled one after the other. They overlap only while one
    /// is being read.
    /// </remarks>
    /// <param name="isRead">Its body has come with its head; if not, <see cref="EndReading"/> tells when it is in.</param>
    /// <returns>Its turn; null if another is being read, which costs the session.</returns>
    internal PostTurn? BeginPost(bool isRead)
    {
        lock (_lock)
        {
            if (!_isReadingPost && _webSocket is null && _phase == Phase.Open)
            {
                _isReadingPost = !isRead;
                var turn = new PostTurn(_posts);
                _posts = turn.Ended;
                return turn;
            }
        }

        Fail(DisconnectReason.TransportError);
        return null;
    }

    /// <summary>The body is in, or will never be.</summary>
    internal void EndReading()
    {
        lock (_lock)
            _isReadingPost = false;
    }

    /// <summary>Handles the packets of one request in order.</summary>
    /// <param name="payload">Decoded in place.</param>
    /// <param name="limits">Of the connection that brings it. What they hold back holds back the answer.</param>
    /// <returns>False if it was malformed, which costs the session.</returns>
    internal async ValueTask<bool> ReceiveAsync(Memory<byte> payload, ConnectionLimits? limits)
    {
        var packets = new PayloadReader(payload);
        while (StopsWhileHandling(ref packets, limits, out var pending))
            await pending.ConfigureAwait(false);
        if (!packets.IsMalformed)
            return true;
        Fail(DisconnectReason.ParseError);
        return false;
    }

    private bool StopsWhileHandling(ref PayloadReader packets, ConnectionLimits? limits, out ValueTask pending)
    {
        var batch = FlushBatch.Open();
        try
        {
            var stops = HandleBuffered(ref packets, limits, out pending);
            Handler.OnBatchEnd(this);
            return stops;
        }
        finally
        {
            batch?.Close();
        }
    }

    private bool HandleBuffered(ref PayloadReader packets, ConnectionLimits? limits, out ValueTask pending)
    {
        while (true)
        {
            if (IsOpen && limits is { MustWait: true })
            {
                pending = HoldBackAsync(limits);
                return true;
            }

            pending = default;
            if (!packets.TryRead(out var packet))
                return false;
            limits?.OnMessage();
            if (IsOpen && limits is not null && limits.MustDisconnect())
                End(DisconnectReason.ForcedServerClose, s_close, CloseCode.PolicyViolation);
            pending = OnPacketAsync(packet);
            if (!pending.IsCompletedSuccessfully)
                return true;
        }
    }

    private async ValueTask HoldBackAsync(ConnectionLimits limits)
    {
        // A pong may wait behind, as behind a handler.
        _isHandling = true;
        await limits.HoldBackAsync(() => !IsOpen).ConfigureAwait(false);
        EndHoldingBack();
    }

    // Under the lock. What one read causes goes out together.
    private void FlushPoll()
    {
        if (_poll is null)
            return;
        if (FlushBatch.OfThread is not { } batch)
            CompletePoll();
        else if (_deferredTo != batch)
            (_deferredTo = batch).Defer(this);
    }

    // Under the lock.
    private void CompletePoll()
    {
        if (_poll is null)
            return;
        _poll.TrySetResult(_queue.TakePayload());
        _poll = null;
        _lastAnswer = Context.Now;
    }
}
