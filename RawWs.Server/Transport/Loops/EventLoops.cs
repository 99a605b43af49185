using System.Diagnostics;
using System.Diagnostics.CodeAnalysis;
using RawWs.Server.Diagnostics;

namespace RawWs.Server.Transport.Loops;

/// <summary>
/// The event loops of one server, and the watchdog that gives a loop another thread when a handler blocks the one
/// it has.
/// </summary>
internal sealed class EventLoops : IDisposable
{
    // A blocking handler holds up the others of its loop for at most two looks.
    private static readonly TimeSpan LookEvery = TimeSpan.FromMilliseconds(10);

    // Once one has blocked, others may: each of many on one loop costs the others a look.
    private static readonly TimeSpan LookEveryWhenAlert = TimeSpan.FromMilliseconds(2);
    private static readonly TimeSpan AlertFor = TimeSpan.FromSeconds(5);

    // Whoever looks so late was not run, and the loops may not have been either.
    private static readonly TimeSpan Late = TimeSpan.FromMilliseconds(5);

    // Processor time at one connection: a thread that has had less, and that could run, was merely not run, which another
    // in its place would not be either.
    private const long LeastWork = 1_000_000;

    // After so many looks at nothing the watchdog sleeps: an idle server costs nothing.
    private const int LooksBeforeSleep = 50;

    private const int MaxSpares = 8;

    private readonly EventLoop[] _loops;
    private readonly Sighting[] _seen;
    private readonly List<LoopThread> _spares = [];
    private readonly Lock _lock = new();
    [SuppressMessage("Usage", "CA2213", Justification = "The watchdog disposes of it when it ends.")]
    private readonly SemaphoreSlim _awake = new(0);
    private readonly int _maxThreads;
    private readonly ServerContext _context;
    private int _threads;
    private int _awayAtWork;
    private int _next;
    private int _sleeps;
    private bool _isStopping;

    private EventLoops(ServerContext context)
    {
        _context = context;
        var count = context.Options.EventLoops;
        _maxThreads = count + context.Options.MaxBlockedThreads;
        _seen = new Sighting[count];
        _loops = new EventLoop[count];
        for (var i = 0; i < count; i++)
            _loops[i] = new EventLoop(this);
        try
        {
            foreach (var loop in _loops)
                RentThread().Assign(loop);
        }
        catch
        {
            Dispose();
            throw;
        }

        new Thread(Watch) { IsBackground = true, Name = "RawWs watchdog" }.UnsafeStart();
    }

    /// <returns>Null if no loops are wanted, or the system has none: then threads of the pool do their work.</returns>
    public static EventLoops? TryStart(ServerContext context) =>
        context.Options.EventLoops > 0 && OperatingSystem.IsLinux() ? new EventLoops(context) : null;

    /// <summary>Nothing goes on, and the watchdog does not look.</summary>
    public bool IsAsleep => Volatile.Read(ref _sleeps) != 0;

    /// <summary>Whether what goes to many may be sent by io_uring.</summary>
    public bool AllowsRing => _context.Options.UseIoUring;

    /// <summary>The loop of the next connection; they take turns.</summary>
    public EventLoop Next() => _loops[(uint)Interlocked.Increment(ref _next) % (uint)_loops.Length];

    /// <summary>Ends the loops. A handler that still runs is not waited for.</summary>
    public void Dispose()
    {
        lock (_lock)
        {
            Volatile.Write(ref _isStopping, true);
            foreach (var spare in _spares)
                spare.Assign(null);
            _spares.Clear();
        }

        foreach (var loop in _loops)
            loop.Stop();
        WakeWatchdog();
    }

    /// <summary>Called by a loop when its wait is over.</summary>
    public void OnWaited()
    {
        // A full fence: the watchdog, which says that it sleeps and then looks once more, must not miss this wait.
        Interlocked.MemoryBarrier();
        if (Volatile.Read(ref _sleeps) != 0)
            WakeWatchdog();
    }

    // Nothing that goes wrong with a log may end a loop.
    public void OnFault(Exception fault)
    {
        try
        {
            Log.LoopFailed(_context.Logger, fault);
        }
        catch (Exception)
        {
            // There is nobody left to tell.
        }
    }

    /// <summary>Keeps a thread that has nothing to run.</summary>
    /// <returns>False if it is to end.</returns>
    public bool TryKeep(LoopThread thread)
    {
        lock (_lock)
        {
            if (thread.IsAwayAtWork)
                _awayAtWork--;
            thread.IsAwayAtWork = false;
            if (_isStopping || _spares.Count == MaxSpares)
                return false;
            _spares.Add(thread);
            return true;
        }
    }

    /// <summary>Lets a spare thread end, unless it has been given a loop meanwhile.</summary>
    public bool TryDiscard(LoopThread thread)
    {
        lock (_lock)
            return _spares.Remove(thread);
    }

    public void OnThreadEnded()
    {
        lock (_lock)
            _threads--;
    }

    private LoopThread RentThread()
    {
        lock (_lock)
        {
            if (_spares is [.., var spare])
            {
                _spares.RemoveAt(_spares.Count - 1);
                return spare;
            }

            var thread = new LoopThread(this);
            _threads++;
            return thread;
        }
    }

    private void Watch()
    {
        long waits = 0;
        var looksAtNothing = 0;
        var wasLate = false;
        var alertUntil = long.MinValue;
        while (!Volatile.Read(ref _isStopping))
        {
            var start = Stopwatch.GetTimestamp();
            var period = start < alertUntil ? LookEveryWhenAlert : LookEvery;
            Thread.Sleep(period);
            // Once in a row: a machine that is always short of time must not be left without a watchdog.
            wasLate = !wasLate && Stopwatch.GetElapsedTime(start) > period + Late;
            if (Look(mayTakeOver: !wasLate))
                alertUntil = start + (long)(AlertFor.TotalSeconds * Stopwatch.Frequency);

            var (before, now) = (waits, CountWaits());
            waits = now;
            looksAtNothing = before == now && !IsHandling() ? looksAtNothing + 1 : 0;
            if (looksAtNothing == LooksBeforeSleep)
            {
                looksAtNothing = 0;
                Sleep(waits);
            }
        }

        _awake.Dispose();
    }

    /// <returns>True if a loop was found blocked.</returns>
    private bool Look(bool mayTakeOver)
    {
        var hasFound = false;
        for (var i = 0; i < _loops.Length; i++)
        {
            var loop = _loops[i];
            var thread = loop.Handling;
            if (thread is null || !_seen[i].IsOf(thread))
            {
                _seen[i] = thread is null ? default : new(thread, thread.Handled, thread.Worked);
                continue;
            }

            if (mayTakeOver)
                hasFound |= TakeOver(loop, _seen[i]);
        }

        return hasFound;
    }

    /// <returns>False if the thread was merely not run.</returns>
    private bool TakeOver(EventLoop loop, Sighting seen)
    {
        var blocked = seen.Thread!;
        try
        {
            var works = blocked.IsRunning();
            if (works && blocked.Worked - seen.Worked < LeastWork)
                return false;
            // More threads than processors do not make work go faster; those that wait for something cost nothing.
            lock (_lock)
            {
                if ((_spares.Count == 0 && _threads >= _maxThreads) || (works && _awayAtWork >= _loops.Length))
                    return true;
            }

            // First the thread: a loop must not be left without one.
            var thread = RentThread();
            lock (_lock)
            {
                if (loop.TryTakeOver(blocked))
                {
                    blocked.IsAwayAtWork = works;
                    _awayAtWork += works ? 1 : 0;
                    thread.Assign(loop);
                    _context.Metrics.LoopBlocked();
                    return true;
                }
            }

            if (!TryKeep(thread))
                thread.Assign(null);
        }
        catch (Exception e)
        {
            OnFault(e);
        }

        return true;
    }

    private void Sleep(long waits)
    {
        Volatile.Write(ref _sleeps, 1);
        Interlocked.MemoryBarrier();
        // A loop that has woken since may not have seen that there is someone to wake.
        if ((waits != CountWaits() || IsHandling() || Volatile.Read(ref _isStopping))
            && Interlocked.Exchange(ref _sleeps, 0) != 0)
            return;
        _awake.Wait();
    }

    private void WakeWatchdog()
    {
        if (Interlocked.Exchange(ref _sleeps, 0) != 0)
            _awake.Release();
    }

    private bool IsHandling() => Array.Exists(_loops, static loop => loop.Handling is not null);

    private long CountWaits() => _loops.Sum(static loop => loop.Waits);

    /// <summary>A thread as it was seen at a connection for the first time.</summary>
    private readonly record struct Sighting(LoopThread? Thread, long Handled, long Worked)
    {
        public bool IsOf(LoopThread thread) => Thread == thread && Handled == thread.Handled;
    }
}
