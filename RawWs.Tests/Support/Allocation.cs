namespace RawWs.Tests.Support;

/// <summary>What code allocates each time that it runs.</summary>
internal static class Allocation
{
    private const int Passes = 5;

    /// <returns>
    /// Bytes of the pass that took the fewest. What a pool lost to a collection, or the runtime needs when it compiles
    /// anew, comes in some pass; what the code itself allocates comes in each.
    /// </returns>
    public static long Of(Action action, int rounds)
    {
        var least = long.MaxValue;
        for (var pass = 0; pass < Passes; pass++)
        {
            var before = GC.GetAllocatedBytesForCurrentThread();
            for (var i = 0; i < rounds; i++)
                action();
            least = Math.Min(least, GC.GetAllocatedBytesForCurrentThread() - before);
        }

        return least;
    }
}
