using RawWs.Protocol.WebSockets;
using RawWs.Server.Transport.Loops;

namespace RawWs.Server.Transport;

// The one drainer: whoever has taken a piece sends it, and what has gathered meanwhile, until nothing waits.
internal sealed partial class Outbox
{
    /// <summary>Flushes what a <see cref="FlushBatch"/> has held back.</summary>
    public void FlushDeferred(SendRing? ring)
    {
        FrameQueue.Piece first;
        lock (_lock)
        {
            _deferredTo = null;
            if (_isDraining || _queue.Bytes == 0)
                return;
            first = Take();
        }

        // Others may wait for the ring, and must not for the application.
        if (ring is null || !ring.TryAdd(this, transport, first))
            Drain(first, mayTell: ring is null);
    }

    /// <summary>Called by the ring that was left a piece, with how much of it the system has taken at once.</summary>
    public void OnSent(FrameQueue.Piece piece, int bytes) => _ = DrainAsync(piece, bytes, mayTell: false);

    // This thread is the drainer, and the frame is counted.
    private void SendDirect(Opcode opcode, ReadOnlySpan<byte> payload)
    {
        try
        {
            Span<byte> header = stackalloc byte[FrameHeader.MaxSize];
            header = header[..FrameWriter.WriteHeader(header, opcode, payload.Length)];
            var sent = transport.TrySend(header, payload);
            if (sent == header.Length + payload.Length)
            {
                Drain(OnTaken(sent, mayTell: true));
                return;
            }

            var rest = Rest(header, payload, sent);
            owner.OnBytesSent(sent);
            lock (_lock)
                _queue.OnSent(sent);
            Drain(rest);
        }
        catch (Exception e)
        {
            Fail(e);
        }
    }

    private static FrameQueue.Piece Rest(ReadOnlySpan<byte> header, ReadOnlySpan<byte> payload, int sent)
    {
        var rest = FrameQueue.Piece.Rent(header.Length + payload.Length - sent);
        if (sent < header.Length)
            header[sent..].CopyTo(rest.Append(header.Length - sent));
        payload = payload[Math.Max(sent - header.Length, 0)..];
        payload.CopyTo(rest.Append(payload.Length));
        return rest;
    }

    private void Drain(FrameQueue.Piece first, bool mayTell = true)
    {
        if (first.Length > 0)
            _ = DrainAsync(first, sent: 0, mayTell);
    }

    /// <param name="piece">What is sent first.</param>
    /// <param name="sent">How much of it has been.</param>
    /// <param name="mayTell">Whether the application may be told of room on the thread that calls this.</param>
    private async Task DrainAsync(FrameQueue.Piece piece, int sent, bool mayTell)
    {
        try
        {
            while (piece.Length > 0)
            {
                try
                {
                    if (sent < piece.Length)
                    {
                        var sending = transport.SendAsync(piece.Memory[sent..]);
                        mayTell |= !sending.IsCompleted;
                        await sending.ConfigureAwait(false);
                    }
                }
                finally
                {
                    piece.Return();
                }

                sent = 0;
                piece = OnTaken(piece.Length, mayTell);
            }
        }
        catch (Exception e)
        {
            Fail(e);
        }
    }

    private void Fail(Exception fault)
    {
        Discard();
        owner.OnSendFailed(fault);
    }

    // Under the lock.
    private FrameQueue.Piece Take()
    {
        var piece = _queue.Take();
        _isDraining = piece.Length > 0;
        return piece;
    }

    /// <returns>What to send next, if anything.</returns>
    private FrameQueue.Piece OnTaken(int bytes, bool mayTell)
    {
        FrameQueue.Piece next = default;
        owner.OnBytesSent(bytes);
        TaskCompletionSource? room = null;
        TaskCompletionSource? empty = null;
        var drained = false;
        lock (_lock)
        {
            _queue.OnSent(bytes);
            if (_queue.Bytes <= highWaterBytes / 2)
            {
                (room, _room) = (_room, null);
                drained = _owesDrained && !_isComplete;
                _owesDrained = false;
            }

            if (_queue.Bytes == 0)
                (empty, _empty) = (_empty, null);
            if (!drained)
                next = Take();
        }

        room?.TrySetResult();
        empty?.TrySetResult();
        if (!drained)
            return next;
        if (mayTell && !TickThread.IsCurrent)
            return TellDrained();
        // The timer, which has flushed what a busy handler left, or a ring, which has the others to tell: the application may
        // not hold it up.
        ThreadPool.UnsafeQueueUserWorkItem(static outbox => outbox.Drain(outbox.TellDrained()), this, preferLocal: false);
        return default;
    }

    // What is posted meanwhile is this drainer's: nothing is sent, or told, from inside the callback.
    private FrameQueue.Piece TellDrained()
    {
        owner.OnDrained();
        lock (_lock)
            return Take();
    }

    private void Discard()
    {
        TaskCompletionSource? room;
        TaskCompletionSource? empty;
        lock (_lock)
        {
            _isComplete = true;
            _isDraining = false;
            _queue.Clear();
            (room, _room) = (_room, null);
            (empty, _empty) = (_empty, null);
        }

        room?.TrySetResult();
        empty?.TrySetResult();
    }
}
