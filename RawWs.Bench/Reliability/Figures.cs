using System.Diagnostics;

namespace RawWs.Bench.Reliability;

/// <summary>What a load costs, and whether it keeps what is promised.</summary>
internal sealed class Figures
{
    private bool _hasFailed;

    /// <summary>0 if every promise has been kept.</summary>
    public int ExitCode => _hasFailed ? 1 : 0;

    /// <summary>Bytes of managed memory that are in use.</summary>
    public static long ManagedBytes()
    {
        GC.Collect(GC.MaxGeneration, GCCollectionMode.Forced, blocking: true, compacting: true);
        GC.WaitForPendingFinalizers();
        return GC.GetTotalMemory(forceFullCollection: true);
    }

    public static long ResidentBytes()
    {
        using var self = Process.GetCurrentProcess();
        return self.WorkingSet64;
    }

    public static int Handles() => OperatingSystem.IsLinux() ? Directory.GetFiles("/proc/self/fd").Length : 0;

    public static double MiB(double bytes) => bytes / (1024 * 1024);

    public static double Percentile(List<double> values, double percent)
    {
        values.Sort();
        return values.Count == 0 ? 0 : values[(int)Math.Min(values.Count - 1, Math.Ceiling(values.Count * percent / 100) - 1)];
    }

    public static async Task<bool> WaitAsync(Func<bool> condition, TimeSpan patience)
    {
        for (var start = Stopwatch.GetTimestamp(); !condition(); await Task.Delay(10))
            if (Stopwatch.GetElapsedTime(start) > patience)
                return false;
        return true;
    }

    /// <summary>Prints one figure, with the promise about it.</summary>
    public void Promise(bool isKept, string figure)
    {
        _hasFailed |= !isKept;
        Console.WriteLine($"{(isKept ? "ok    " : "BROKEN")} {figure}");
    }
}
