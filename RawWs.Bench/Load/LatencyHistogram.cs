using System.Numerics;

namespace RawWs.Bench.Load;

/// <summary>Counts of durations in nanoseconds, in buckets whose width is at most 1/64 of what they hold.</summary>
internal sealed class LatencyHistogram
{
    private const int SubBits = 6;
    private const int SubCount = 1 << SubBits;

    private readonly long[] _counts = new long[(64 - SubBits) * SubCount];

    public long Count { get; private set; }

    public long Max { get; private set; }

    public void Add(long nanoseconds)
    {
        nanoseconds = Math.Max(nanoseconds, 0);
        _counts[IndexOf(nanoseconds)]++;
        Count++;
        Max = Math.Max(Max, nanoseconds);
    }

    /// <summary>At most so many nanoseconds took the percentage of all.</summary>
    public long Percentile(double percent)
    {
        var rank = (long)Math.Ceiling(Count * percent / 100);
        long seen = 0;
        for (var i = 0; i < _counts.Length; i++)
        {
            seen += _counts[i];
            if (seen >= rank && seen > 0)
                return Math.Min(HighestOf(i), Max);
        }

        return 0;
    }

    // The first two rows are exact; each row behind them has twice the width of the one before.
    private static int IndexOf(long value)
    {
        var row = Math.Max(BitOperations.Log2((ulong)value) - SubBits, 0);
        return (row << SubBits) + (int)(value >> row);
    }

    private static long HighestOf(int index)
    {
        var row = Math.Max((index >> SubBits) - 1, 0);
        return ((long)(index - (row << SubBits) + 1) << row) - 1;
    }
}
