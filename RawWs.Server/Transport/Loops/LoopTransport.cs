using System.Net;
using System.Net.Sockets;

namespace RawWs.Server.Transport.Loops;

/// <summary>
/// A TCP socket on an event loop: bytes move by calls that never wait, and whoever waits for the peer goes on on the
/// very thread that the system told of it.
/// </summary>
internal sealed class LoopTransport : ByteTransport
{
    // A peer that always has more to say must let the others of its loop have their turn.
    private const int MaxReadsInARow = 16;

    private readonly Socket _socket;
    private readonly EventLoop _loop;
    private readonly Readiness _readable = new();
    private Readiness? _writable;
    private int _readsInARow;
    private bool _hasEnded;
    private bool _mayHaveMore;
    private volatile bool _hasEndedSending;
    private int _isClosed;

    public LoopTransport(Socket socket, EventLoop loop)
    {
        _socket = socket;
        _loop = loop;
        _socket.NoDelay = true;
        RemoteEndPoint = socket.RemoteEndPoint;
    }

    public override EndPoint? RemoteEndPoint { get; }

    public override bool IsSecure => false;

    public override bool WaitsWithoutBuffer => true;

    public override bool IsReadable
    {
        get
        {
            if (!_socket.Poll(0, SelectMode.SelectRead))
                return false;
            // Who waits for that need not wait until the loop tells.
            _readable.Set();
            return true;
        }
    }

    /// <summary>By what the loop knows it; 0 before <see cref="Start"/>.</summary>
    public ulong Key { get; set; }

    public SafeSocketHandle Handle => _socket.SafeHandle;

    /// <summary>Whether a <see cref="SendRing"/> may send what goes to many.</summary>
    public bool AllowsRing => _loop.AllowsRing;

    /// <summary>Lets the loop tell of the socket; until then a wait lasts.</summary>
    /// <exception cref="IOException">The system can watch no more sockets.</exception>
    public void Start() => _loop.Add(this);

    /// <summary>Called by the loop.</summary>
    public void OnEvents(EpollEvents events)
    {
        const EpollEvents End = EpollEvents.PeerHangUp | EpollEvents.HangUp | EpollEvents.Error;
        if ((events & End) != 0)
            Volatile.Write(ref _hasEnded, true);
        if ((events & (EpollEvents.Out | EpollEvents.HangUp | EpollEvents.Error)) != 0)
            Volatile.Read(ref _writable)?.Set();
        if ((events & (EpollEvents.In | End)) != 0)
            _readable.Set();
    }

    public override ValueTask<int> ReceiveAsync(Memory<byte> buffer, CancellationToken cancellationToken)
    {
        if (buffer.IsEmpty)
            return WaitReadableAsync();
        return TryReceive(buffer.Span, out var count) ? new ValueTask<int>(count) : WaitAndReceiveAsync(buffer);
    }

    public override LoopAwaitable ReturnToLoop() => new(this);

    /// <summary>Runs an action on the loop; on the thread pool if the transport is closed.</summary>
    public void RunOnLoop(Action action)
    {
        // The loop is made to tell whether the socket can be written to, once there is someone to be told.
        var writable = Writable();
        ValueTask<int> wait;
        do
        {
            // An event that is under way completes a wait here, and not on the loop.
            writable.Reset();
            wait = writable.WaitAsync();
        }
        while (wait.IsCompletedSuccessfully);

        RunAfter(wait, action);
        try
        {
            _loop.Rewatch(this);
        }
        catch (Exception e) when (TransportFaults.Includes(e))
        {
            // The loop has ended, or the socket is closed: nobody else would tell.
            Close();
        }
    }

    public override int TrySend(ReadOnlySpan<byte> first, ReadOnlySpan<byte> second) =>
        Math.Max(SocketCalls.Send(Handle, first, second), 0);

    public override ValueTask SendAsync(ReadOnlyMemory<byte> buffer)
    {
        var sent = Send(buffer.Span);
        return sent == buffer.Length ? default : SendRestAsync(buffer[sent..]);
    }

    public override void ShutdownSend()
    {
        _hasEndedSending = true;
        SocketTransport.Shutdown(_socket, SocketShutdown.Send);
    }

    public override void ShutdownReceive() => SocketTransport.Shutdown(_socket, SocketShutdown.Receive);

    public override void Close()
    {
        if (Interlocked.Exchange(ref _isClosed, 1) != 0)
            return;
        _loop.Remove(this);
        if (_hasEndedSending)
            _socket.Dispose();
        else
            // Cut off: what a peer does not take must not stay with the system, which would go on offering it.
            _socket.Close(0);
        _readable.Close();
        Volatile.Read(ref _writable)?.Close();
    }

    private ValueTask<int> WaitReadableAsync()
    {
        if (_mayHaveMore)
        {
            // Ask, rather than have a buffer made ready for nothing.
            _mayHaveMore = false;
            _readable.Reset();
            _ = IsReadable;
        }

        if (!_readable.IsReady)
        {
            _readsInARow = 0;
        }
        else if (++_readsInARow > MaxReadsInARow)
        {
            _readsInARow = 0;
            _readable.Reset();
            _loop.Rewatch(this);
        }

        return _readable.WaitAsync();
    }

    private async ValueTask<int> WaitAndReceiveAsync(Memory<byte> buffer)
    {
        int count;
        do
            await _readable.WaitAsync().ConfigureAwait(false);
        while (!TryReceive(buffer.Span, out count));
        return count;
    }

    private bool TryReceive(Span<byte> buffer, out int count)
    {
        _readable.Reset();
        _mayHaveMore = false;
        count = SocketCalls.Receive(Handle, buffer);
        if (count < 0)
            return false;
        // The system tells of changes only: what was left behind, and the end, are still to be received.
        if (Volatile.Read(ref _hasEnded))
        {
            _readable.Set();
        }
        else if (count == buffer.Length)
        {
            _mayHaveMore = true;
            _readable.Set();
        }

        return true;
    }

    private async ValueTask SendRestAsync(ReadOnlyMemory<byte> rest)
    {
        var writable = Writable();
        while (true)
        {
            writable.Reset();
            rest = rest[Send(rest.Span)..];
            if (rest.IsEmpty)
                return;
            await writable.WaitAsync().ConfigureAwait(false);
        }
    }

    private static void RunAfter(ValueTask<int> wait, Action action)
    {
        // Closed meanwhile: whoever runs next will see.
        if (wait.IsFaulted)
            _ = wait.AsTask().Exception;
        wait.ConfigureAwait(false).GetAwaiter().UnsafeOnCompleted(action);
    }

    private Readiness Writable()
    {
        var writable = Volatile.Read(ref _writable);
        if (writable is null)
        {
            Volatile.Write(ref _writable, writable = new Readiness());
            // Whoever closes it at this moment may not have seen that there is one.
            if (Volatile.Read(ref _isClosed) != 0)
                writable.Close();
        }

        return writable;
    }

    /// <returns>The bytes that the system has taken at once.</returns>
    private int Send(ReadOnlySpan<byte> bytes) => Math.Max(SocketCalls.Send(Handle, bytes), 0);
}
