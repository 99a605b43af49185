using System.Diagnostics.CodeAnalysis;
using System.Runtime.InteropServices;

namespace RawWs.Server.Transport.Loops;

/// <summary>A thread that runs one event loop after another, and waits in between as a spare.</summary>
[SuppressMessage("Reliability", "CA1001", Justification = "The thread disposes of its semaphore when it ends.")]
internal sealed partial class LoopThread
{
    // What is rarely needed is not kept for long.
    private static readonly TimeSpan SpareFor = TimeSpan.FromSeconds(10);

    private readonly EventLoops _loops;
    private readonly SemaphoreSlim _assigned = new(0);
    private EventLoop? _loop;
    private long _handled;
    private int _id;

    /// <exception cref="OutOfMemoryException">The system gives the process no more threads.</exception>
    public LoopThread(EventLoops loops)
    {
        _loops = loops;
        new Thread(Run) { IsBackground = true, Name = "RawWs event loop" }.UnsafeStart();
    }

    /// <summary>How often it has begun to handle a connection: while this stays, it is at the same one.</summary>
    public long Handled => Volatile.Read(ref _handled);

    /// <summary>Called by the thread itself.</summary>
    public void OnHandling() => Volatile.Write(ref _handled, _handled + 1);

    /// <summary>It was taken from its loop while it ran, and has not come back.</summary>
    public bool IsAwayAtWork { get; set; }

    /// <summary>The processor time that it has had, in nanoseconds.</summary>
    public unsafe long Worked
    {
        get
        {
            // As Linux numbers clocks: the complement of the thread's own number, above three bits that say what of it
            // is measured.
            const int TimeOfThread = 0b110;
            var time = stackalloc nint[2];
            return GetTime((~Volatile.Read(ref _id) << 3) | TimeOfThread, time) == 0 ? (time[0] * 1_000_000_000L) + time[1] : 0;
        }
    }

    /// <summary>Whether it runs, or would if a processor were free; not if it waits for something.</summary>
    public bool IsRunning()
    {
        // The state follows the name, which ends with the last parenthesis; it is early in the line.
        Span<byte> stat = stackalloc byte[128];
        try
        {
            using var file = File.OpenHandle($"/proc/self/task/{Volatile.Read(ref _id)}/stat");
            stat = stat[..RandomAccess.Read(file, stat, 0)];
        }
        catch (IOException)
        {
            return false;
        }

        var state = stat.LastIndexOf((byte)')') + 2;
        return state < stat.Length && stat[state] == (byte)'R';
    }

    /// <summary>Gives a thread without a loop one to run; <c>null</c> ends it.</summary>
    public void Assign(EventLoop? loop)
    {
        _loop = loop;
        _assigned.Release();
    }

    private void Run()
    {
        Volatile.Write(ref _id, GetThreadId());
        while (true)
        {
            if (!_assigned.Wait(SpareFor))
            {
                if (_loops.TryDiscard(this))
                    break;
                // No spare any more: it is about to be given something to do.
                _assigned.Wait();
            }

            if (Interlocked.Exchange(ref _loop, null) is not { } loop)
                break;
            loop.Run(this);
            if (!_loops.TryKeep(this))
                break;
        }

        FlushBatch.EndThread();
        _assigned.Dispose();
        _loops.OnThreadEnded();
    }

    [LibraryImport("libc", EntryPoint = "gettid")]
    private static partial int GetThreadId();

    [LibraryImport("libc", EntryPoint = "clock_gettime")]
    private static unsafe partial int GetTime(int clock, nint* time);
}
