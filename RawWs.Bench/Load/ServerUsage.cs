using System.Globalization;

namespace RawWs.Bench.Load;

/// <summary>What a process has used up, as Linux accounts for it.</summary>
internal readonly record struct ServerUsage(TimeSpan CpuTime, long ResidentBytes)
{
    // Of the kernel's interface, whatever the clock of the kernel.
    private const double TicksPerSecond = 100;

    /// <summary>Of all threads of a process, those that have ended included.</summary>
    public static ServerUsage Of(int processId)
    {
        var stat = File.ReadAllText($"/proc/{processId}/stat");
        // The name, the second field, may contain anything.
        var fields = stat[(stat.LastIndexOf(')') + 2)..].Split(' ');
        var ticks = Parse(fields[11]) + Parse(fields[12]);
        return new(TimeSpan.FromSeconds(ticks / TicksPerSecond), Parse(fields[21]) * Environment.SystemPageSize);
    }

    private static long Parse(string number) => long.Parse(number, CultureInfo.InvariantCulture);
}
