using Microsoft.Extensions.Logging;

namespace RawWs.Server.Diagnostics;

/// <summary>Counts each time that a limit is reached, and logs it now and then.</summary>
/// <remarks>May be called from any thread, and under locks: the line is written by another thread.</remarks>
internal sealed class LimitReports(
    ILogger logger, ServerMetrics metrics, TimeProvider timeProvider, TimeSpan interval)
{
    private readonly LogThrottle[] _throttles =
        [.. Enum.GetValues<LimitKind>().Select(_ => new LogThrottle(timeProvider, interval))];

    /// <param name="kind">The limit.</param>
    /// <param name="peer">Who has reached it, if it was one peer.</param>
    public void Reached(LimitKind kind, object? peer = null)
    {
        metrics.LimitReached(kind);
        if (_throttles[(int)kind].TryPass(out var suppressed))
            ThreadPool.UnsafeQueueUserWorkItem(
                static line => line.Write(), new Line(logger, kind, peer, suppressed), preferLocal: false);
    }

    private sealed record Line(ILogger Logger, LimitKind Kind, object? Peer, long Suppressed)
    {
        public void Write()
        {
            try
            {
                if (Peer is null)
                    Log.LimitReached(Logger, Kind, Suppressed);
                else
                    Log.LimitReachedBy(Logger, Kind, Peer, Suppressed);
            }
            catch (Exception)
            {
                // A log that fails, as where handles run out, must not end the process.
            }
        }
    }
}
