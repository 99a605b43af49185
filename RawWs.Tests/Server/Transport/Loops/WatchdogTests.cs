using System.Runtime.InteropServices;
using RawWs.Protocol.WebSockets;
using RawWs.Tests.Support;

namespace RawWs.Tests.Server.Transport.Loops;

/// <summary>What is a thread that is held up, and what is one that was merely not run.</summary>
[Platform("Linux"), NonParallelizable]
public partial class WatchdogTests
{
    private static readonly TimeSpan s_gap = TimeSpan.FromMilliseconds(50);

    [Test]
    public async Task Work_of_a_thread_is_told_apart_from_its_waiting()
    {
        using var pair = await LoopPair.ConnectAsync(loops: 1);
        using var waits = new ManualResetEventSlim();
        using var go = new ManualResetEventSlim();
        var measuring = MeasureAsync();
        await pair.Peer.SendAsync(new byte[1]);
        Assert.That(waits.Wait(WireClient.Patience), Is.True);
        // Meanwhile this thread works: neither the time that passes nor that of the process is the thread's.
        var before = Environment.CpuUsage.TotalTime;
        while (Environment.CpuUsage.TotalTime - before < s_gap)
            Thread.SpinWait(100);
        go.Set();
        var (working, waiting) = await measuring.WaitAsync(WireClient.Patience);
        Assert.That(working, Is.InRange(TimeSpan.FromMilliseconds(1), WireClient.Patience));
        Assert.That(waiting, Is.LessThan(s_gap / 4));

        async Task<(TimeSpan Working, TimeSpan Waiting)> MeasureAsync()
        {
            await pair.Server.ReceiveAsync(Memory<byte>.Empty).ConfigureAwait(false);
            var thread = pair.Loops.Next().Handling!;
            var start = thread.Worked;
            while (thread.Worked - start < 1_000_000)
                Thread.SpinWait(100);
            var between = thread.Worked;
            waits.Set();
            go.Wait(WireClient.Patience);
            return (Time(between - start), Time(thread.Worked - between));
        }

        static TimeSpan Time(long nanoseconds) => TimeSpan.FromMicroseconds(nanoseconds / 1000.0);
    }

    [Test]
    public async Task Thread_that_is_not_run_keeps_its_loop()
    {
        var isStarving = false;
        var longest = TimeSpan.Zero;
        await using var server = await TestServer.StartAsync(
            options => options.EventLoops = 1,
            s => s.MapWebSocket("/starve", new CallbackHandler
            {
                Message = (connection, type, payload) =>
                {
                    longest = Starve(Volatile.Read(ref isStarving));
                    connection.Send(type, payload.Span);
                    return default;
                },
            }));
        var blocked = server.Meters.Count("rawws.loops.blocked");
        using var client = await server.OpenAsync("/starve");
        // The compiler has its turn.
        await EchoAsync(client);
        var before = blocked();

        Volatile.Write(ref isStarving, true);
        using (new Spinner())
        {
            // The system need not let it wait at once.
            var start = TimeProvider.System.GetTimestamp();
            while (longest < s_gap && TimeProvider.System.GetElapsedTime(start) < WireClient.Patience)
                await EchoAsync(client);
        }

        Assert.That(longest, Is.GreaterThan(s_gap), "the thread was left waiting");
        Assert.That(blocked(), Is.EqualTo(before));
    }

    private static async Task EchoAsync(WireClient client)
    {
        await client.SendFrameAsync(Opcode.Text, "echo");
        Assert.That((await client.ReadFrameAsync()).Text, Is.EqualTo("echo"));
    }

    // Lets whatever else would run on the first processor run instead of the calling thread.
    private static TimeSpan Starve(bool isMeant)
    {
        var priority = 0;
        if (isMeant)
            StayOnFirstProcessor();
        _ = SetScheduler(0, isMeant ? Idle : Other, ref priority);
        var longest = TimeSpan.Zero;
        for (var i = 0; i < 10 && longest < s_gap; i++)
        {
            var start = TimeProvider.System.GetTimestamp();
            _ = Yield();
            var gap = TimeProvider.System.GetElapsedTime(start);
            longest = gap > longest ? gap : longest;
        }

        return longest;
    }

    private static void StayOnFirstProcessor()
    {
        ulong first = 1;
        _ = SetAffinity(0, sizeof(ulong), ref first);
    }

    private const int Other = 0;
    private const int Idle = 5;

    [LibraryImport("libc", EntryPoint = "sched_setaffinity")]
    private static partial int SetAffinity(int thread, nint size, ref ulong processors);

    [LibraryImport("libc", EntryPoint = "sched_setscheduler")]
    private static partial int SetScheduler(int thread, int policy, ref int priority);

    [LibraryImport("libc", EntryPoint = "sched_yield")]
    private static partial int Yield();

    /// <summary>Keeps the first processor busy.</summary>
    private sealed class Spinner : IDisposable
    {
        private readonly Thread _thread;
        private volatile bool _isDone;

        public Spinner()
        {
            _thread = new Thread(() =>
            {
                StayOnFirstProcessor();
                while (!_isDone)
                    Thread.SpinWait(100);
            });
            _thread.Start();
        }

        public void Dispose()
        {
            _isDone = true;
            _thread.Join();
        }
    }
}
