using System.Diagnostics.CodeAnalysis;

namespace RawWs.Server.Transport.Loops;

/// <summary>
/// Some of a server's connections, and the one thread that waits for them and handles what they bring, one after
/// the other: no message changes threads.
/// </summary>
/// <remarks>
/// A handler that blocks the thread must not hold back the other connections. The loop then goes on with another
/// thread (<see cref="TryTakeOver"/>), and the blocked one leaves it when its handler returns.
/// </remarks>
[SuppressMessage("Reliability", "CA1001", Justification = "The thread that ends the loop disposes of its epoll.")]
internal sealed class EventLoop(EventLoops loops)
{
    private readonly Epoll _epoll = new();
    private readonly Lock _lock = new();
    private readonly Stack<int> _freeSlots = [];
    private LoopTransport?[] _transports = new LoopTransport?[64];
    private int _used;
    private uint _generation;
    private bool _isStopping;
    private bool _isEnded;

    // The batch belongs to the thread that waits; while a connection is handled, to whoever sets this to null.
    private LoopThread? _handling;
    private int _batchNext;
    private int _batchCount;

    /// <summary>Waits that have ended: the watchdog may sleep while this stays.</summary>
    public long Waits { get; private set; }

    /// <summary>The thread that handles a connection right now, if one does.</summary>
    public LoopThread? Handling => Volatile.Read(ref _handling);

    /// <summary>Whether its connections may be sent to by io_uring.</summary>
    public bool AllowsRing => loops.AllowsRing;

    public void Add(LoopTransport transport)
    {
        lock (_lock)
        {
            ObjectDisposedException.ThrowIf(_isEnded, this);
            if (!_freeSlots.TryPop(out var slot))
            {
                slot = _used++;
                if (slot == _transports.Length)
                    Array.Resize(ref _transports, slot * 2);
            }

            // What is still told of a closed socket must not be taken for the next one's in its slot.
            transport.Key = ((ulong)++_generation << 32) | (uint)slot;
            Volatile.Write(ref _transports[slot], transport);
            try
            {
                _epoll.Watch(transport.Handle, transport.Key);
            }
            catch
            {
                Free(transport);
                throw;
            }
        }
    }

    /// <summary>Tells the transport again, after the others, whether there is something to receive.</summary>
    public void Rewatch(LoopTransport transport)
    {
        lock (_lock)
        {
            ObjectDisposedException.ThrowIf(_isEnded, this);
            _epoll.Rewatch(transport.Handle, transport.Key);
        }
    }

    /// <summary>Forgets a transport; without effect if it was not added.</summary>
    public void Remove(LoopTransport transport)
    {
        lock (_lock)
        {
            if (transport.Key != 0)
                Free(transport);
        }
    }

    /// <summary>Lets the thread leave once it has handled what was told before.</summary>
    public void Stop()
    {
        lock (_lock)
        {
            Volatile.Write(ref _isStopping, true);
            if (!_isEnded)
                _epoll.Wake();
        }
    }

    /// <summary>Takes the loop from a thread that is handling a connection; another is to run it.</summary>
    /// <returns>False if it has come back meanwhile.</returns>
    public bool TryTakeOver(LoopThread thread) =>
        Interlocked.CompareExchange(ref _handling, null, thread) == thread;

    /// <summary>Runs until the loop is stopped, or taken over by another thread.</summary>
    public void Run(LoopThread thread)
    {
        while (true)
        {
            if (_batchNext < _batchCount)
            {
                if (!_epoll.TryGet(_batchNext++, out var key, out var events))
                    continue;
                thread.OnHandling();
                Volatile.Write(ref _handling, thread);
                Handle(key, events);
                if (Interlocked.CompareExchange(ref _handling, null, thread) != thread)
                    return;
                continue;
            }

            if (Volatile.Read(ref _isStopping))
            {
                End();
                return;
            }

            (_batchNext, _batchCount) = (0, _epoll.Wait());
            Waits++;
            loops.OnWaited();
        }
    }

    private void Handle(ulong key, EpollEvents events)
    {
        try
        {
            if (Volatile.Read(ref Volatile.Read(ref _transports)[(uint)key]) is { } transport && transport.Key == key)
                transport.OnEvents(events);
        }
        catch (Exception e)
        {
            loops.OnFault(e);
        }
    }

    private void Free(LoopTransport transport)
    {
        var slot = (int)(uint)transport.Key;
        transport.Key = 0;
        _transports[slot] = null;
        _freeSlots.Push(slot);
    }

    private void End()
    {
        lock (_lock)
        {
            _isEnded = true;
            _epoll.Dispose();
        }
    }
}
