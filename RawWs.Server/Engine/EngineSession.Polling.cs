using RawWs.Protocol.EngineIO;
using RawWs.Server.Sessions;
using RawWs.Server.Transport;

namespace RawWs.Server.Engine;

// Packets in HTTP requests: one that waits for what there is to say, and one that brings what the client says.
public sealed partial class EngineSession
{
    private TaskCompletionSource<PollAnswer>? _poll;
    private TaskCompletionSource? _post;
    private FlushBatch? _deferredTo;

    /// <summary>A poll waits for something to say.</summary>
    internal bool IsPolled
    {
        get
        {
            lock (_lock)
                return _poll is not null;
        }
    }

    void IDeferredFlush.FlushDeferred()
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
    /// <returns>False if another is being read, which costs the session.</returns>
    internal bool TryBeginPost()
    {
        lock (_lock)
        {
            if (_post is null && _webSocket is null && _phase == Phase.Open)
            {
                _post = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
                return true;
            }
        }

        Fail(DisconnectReason.TransportError);
        return false;
    }

    /// <summary>The request with packets is over, whatever became of it.</summary>
    internal void EndPost()
    {
        TaskCompletionSource? post;
        lock (_lock)
            (post, _post) = (_post, null);
        post?.TrySetResult();
    }

    /// <summary>Handles the packets of one request in order.</summary>
    /// <param name="payload">Decoded in place.</param>
    /// <returns>False if it was malformed, which costs the session.</returns>
    internal async ValueTask<bool> ReceiveAsync(Memory<byte> payload)
    {
        var packets = new PayloadReader(payload);
        while (StopsWhileHandling(ref packets, out var pending))
            await pending.ConfigureAwait(false);
        if (!packets.IsMalformed)
            return true;
        Fail(DisconnectReason.ParseError);
        return false;
    }

    private bool StopsWhileHandling(ref PayloadReader packets, out ValueTask pending)
    {
        var batch = FlushBatch.Open();
        try
        {
            var stops = HandleBuffered(ref packets, out pending);
            Handler.OnBatchEnd(this);
            return stops;
        }
        finally
        {
            batch?.Close();
        }
    }

    private bool HandleBuffered(ref PayloadReader packets, out ValueTask pending)
    {
        while (packets.TryRead(out var packet))
        {
            pending = OnPacketAsync(packet);
            if (!pending.IsCompletedSuccessfully)
                return true;
        }

        pending = default;
        return false;
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
    }
}
