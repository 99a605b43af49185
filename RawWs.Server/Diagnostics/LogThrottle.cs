namespace RawWs.Server.Diagnostics;

/// <summary>Lets one line of a kind through per interval, and counts the rest: a flood must not become a flood of lines.</summary>
/// <remarks>May be called from any thread.</remarks>
internal sealed class LogThrottle(TimeProvider timeProvider, TimeSpan interval)
{
    private readonly Lock _lock = new();
    private bool _hasPassed;
    private long _passedAt;
    private long _suppressed;

    /// <param name="suppressed">If it passes, how many have not since the last that did.</param>
    public bool TryPass(out long suppressed)
    {
        lock (_lock)
        {
            var now = timeProvider.GetTimestamp();
            if (_hasPassed && timeProvider.GetElapsedTime(_passedAt, now) < interval)
            {
                _suppressed++;
                suppressed = 0;
                return false;
            }

            (suppressed, _suppressed) = (_suppressed, 0);
            (_hasPassed, _passedAt) = (true, now);
            return true;
        }
    }
}
