namespace RawWs.Server.Transport.Limits;

/// <summary>What a <see cref="RateLimit"/> still allows: tokens that come back with time, and may be overdrawn.</summary>
/// <remarks>
/// The library's TokenBucketRateLimiter does not serve here: it reads the system's clock even where it is replenished by
/// hand, knows no debt, so that a read larger than its bucket is an exception, and takes 200 bytes per rate and client.
/// The limit is passed in each time, since all connections share it: 16 bytes are left. Its owner locks.
/// </remarks>
internal struct TokenBucket(RateLimit limit, long now)
{
    // Thousandths of a token: a millisecond brings as many as a second brings tokens, so nothing is rounded.
    private const long Unit = 1000;

    private long _level = limit.Burst * Unit;
    private long _at = now;

    /// <summary>Takes tokens, whether or not there are so many.</summary>
    public void Take(RateLimit limit, long now, int count)
    {
        Fill(limit, now);
        _level -= count * Unit;
    }

    /// <summary>No token is left: who can wait, should.</summary>
    public bool IsEmpty(RateLimit limit, long now)
    {
        Fill(limit, now);
        return _level <= 0;
    }

    /// <summary>More was taken than there was.</summary>
    public bool IsOverdrawn(RateLimit limit, long now)
    {
        Fill(limit, now);
        return _level < 0;
    }

    /// <summary>Nothing that was taken is missing any more.</summary>
    public bool IsFull(RateLimit limit, long now)
    {
        Fill(limit, now);
        return _level == limit.Burst * Unit;
    }

    private void Fill(RateLimit limit, long now)
    {
        var full = limit.Burst * Unit;
        var elapsed = now - _at;
        if (elapsed <= 0)
            return;
        _at = now;
        // Compared before it is multiplied: a long silence must not overflow.
        _level = elapsed > (full - _level) / limit.PerSecond ? full : _level + elapsed * limit.PerSecond;
    }
}
