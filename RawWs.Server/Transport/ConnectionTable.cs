using RawWs.Server.Transport.Limits;

namespace RawWs.Server.Transport;

/// <summary>A connection as the timer and the stopping server see it.</summary>
internal interface ITimedConnection
{
    /// <summary>Called at every tick, from the timer: acts on a deadline that has passed. Must not block.</summary>
    void OnTick(long now);

    /// <summary>Asks the connection to end in good order.</summary>
    void Stop();

    /// <summary>Ends the connection at once.</summary>
    void Abort();

    /// <summary>Bytes that wait for the peer to read.</summary>
    int PendingBytes => 0;
}

/// <summary>Every TCP connection of a server, and the one coarse timer that serves them all.</summary>
internal sealed class ConnectionTable(
    TimeProvider timeProvider, TimeSpan resolution, Action<Exception> onFault) : IDisposable
{
    // A process that was stopped, or starved, for longer than this must not take the peers' silence for theirs.
    private const long MaxStep = 1000;

    private readonly Lock _lock = new();
    private readonly Stack<int> _freeSlots = [];
    private ITimedConnection?[] _slots = new ITimedConnection?[16];
    private int _used;
    private int _count;
    private long _now;
    private long _lastTick;
    private int _isTicking;
    private bool _isStopping;
    private IDisposable? _timer;
    private Action _onTick = static () => { };
    private TaskCompletionSource? _changed;

    /// <summary>Milliseconds that the server has run, as of the last tick.</summary>
    public long Now => Volatile.Read(ref _now);

    /// <summary>Milliseconds that the server has run, to the moment: for a deadline that must not be missed.</summary>
    public long PreciseNow
    {
        get
        {
            // In this order: a tick between the two makes the sum too small for a moment, never too large.
            var now = Now;
            var sinceTick = timeProvider.GetElapsedTime(Volatile.Read(ref _lastTick)).TotalMilliseconds;
            return now + Math.Clamp((long)sinceTick, 0, MaxStep);
        }
    }

    /// <summary>For those who wait for a tick rather than for a time.</summary>
    public TickSignal Ticks { get; } = new();

    /// <summary>Connections that are in the table.</summary>
    public int Count => Volatile.Read(ref _count);

    /// <summary>Bytes that wait for all peers to read. It looks at every connection.</summary>
    public long PendingBytes
    {
        get
        {
            var (slots, used) = Snapshot();
            var bytes = 0L;
            for (var i = 0; i < used; i++)
                bytes += Volatile.Read(ref slots[i])?.PendingBytes ?? 0;
            return bytes;
        }
    }

    /// <summary>
    /// Whether every connection has been asked to end; one that becomes a WebSocket from now on is asked at once.
    /// </summary>
    public bool IsStopping => Volatile.Read(ref _isStopping);

    /// <param name="onTick">Runs at every tick, before the connections are looked at.</param>
    public void Start(Action onTick)
    {
        _onTick = onTick;
        _lastTick = timeProvider.GetTimestamp();
        // Handlers that block the threads of the pool, where the system's timers run, must delay no ping.
        _timer = timeProvider == TimeProvider.System
            ? new TickThread(Tick, resolution)
            : timeProvider.CreateTimer(static table => ((ConnectionTable)table!).Tick(), this, resolution, resolution);
    }

    /// <returns>The slot of the connection, to remove it by.</returns>
    public int Add(ITimedConnection connection)
    {
        lock (_lock)
        {
            if (!_freeSlots.TryPop(out var slot))
            {
                slot = _used++;
                if (slot == _slots.Length)
                    Array.Resize(ref _slots, slot * 2);
            }

            _slots[slot] = connection;
            _count++;
            return slot;
        }
    }

    /// <summary>Puts the WebSocket connection in the place of the HTTP connection that it grew from.</summary>
    public void Replace(int slot, ITimedConnection connection)
    {
        lock (_lock)
            _slots[slot] = connection;
        if (IsStopping)
            connection.Stop();
    }

    public void Remove(int slot)
    {
        TaskCompletionSource? changed;
        lock (_lock)
        {
            _slots[slot] = null;
            _freeSlots.Push(slot);
            _count--;
            (changed, _changed) = (_changed, null);
        }

        changed?.TrySetResult();
    }

    /// <summary>Completes when fewer than so many connections are left.</summary>
    public async Task WaitForFewerThanAsync(int count, CancellationToken cancellationToken)
    {
        while (NextChangeUnlessFewerThan(count) is { } changed)
            await changed.WaitAsync(cancellationToken).ConfigureAwait(false);
    }

    /// <summary>Blocks until fewer than so many connections are left.</summary>
    public void WaitForFewerThan(int count, CancellationToken cancellationToken)
    {
        while (NextChangeUnlessFewerThan(count) is { } changed)
            changed.Wait(cancellationToken);
    }

    public void StopAll()
    {
        Volatile.Write(ref _isStopping, true);
        ForEach(static (connection, _) => connection.Stop());
        Ticks.OnTick();
    }

    public void AbortAll()
    {
        ForEach(static (connection, _) => connection.Abort());
        Ticks.OnTick();
    }

    public void Dispose() => _timer?.Dispose();

    private Task? NextChangeUnlessFewerThan(int count)
    {
        lock (_lock)
        {
            if (_count < count)
                return null;
            _changed ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            return _changed.Task;
        }
    }

    private void Tick()
    {
        // A tick that takes longer than the step is not overtaken by the next.
        if (Interlocked.Exchange(ref _isTicking, 1) != 0)
            return;
        var timestamp = timeProvider.GetTimestamp();
        var step = (long)timeProvider.GetElapsedTime(_lastTick, timestamp).TotalMilliseconds;
        // What is less than a millisecond counts at the next tick.
        Volatile.Write(ref _lastTick, _lastTick + (step * timeProvider.TimestampFrequency / 1000));
        Volatile.Write(ref _now, _now + Math.Min(step, MaxStep));
        Guard(static (table, _) => table._onTick(), this);
        ForEach(static (connection, now) => connection.OnTick(now));
        Ticks.OnTick();
        Volatile.Write(ref _isTicking, 0);
    }

    private void ForEach(Action<ITimedConnection, long> action)
    {
        var (slots, used) = Snapshot();
        var now = Now;
        for (var i = 0; i < used; i++)
            if (Volatile.Read(ref slots[i]) is { } connection)
                Guard(action, connection, now);
    }

    private (ITimedConnection?[] Slots, int Used) Snapshot()
    {
        lock (_lock)
            return (_slots, _used);
    }

    // A fault of one connection must not cost the others their timer.
    private void Guard<T>(Action<T, long> action, T argument, long now = 0)
    {
        try
        {
            action(argument, now);
        }
        catch (Exception e)
        {
            Report(e);
        }
    }

    // Nothing that goes wrong with a log may end the timer.
    private void Report(Exception fault)
    {
        try
        {
            onFault(fault);
        }
        catch (Exception)
        {
            // There is nobody left to tell.
        }
    }
}
