using CsCheck;
using RawWs.Server;
using RawWs.Server.Transport.Limits;
using Gen = CsCheck.Gen;

namespace RawWs.Tests.Server.Transport.Limits;

public class TokenBucketTests
{
    private static readonly RateLimit s_limit = new(PerSecond: 10, Burst: 3);

    [Test]
    public void Burst_may_come_at_once_and_no_more()
    {
        var bucket = new TokenBucket(s_limit, 0);
        for (var i = 0; i < 3; i++)
        {
            Assert.That(bucket.IsEmpty(s_limit, 0), Is.False);
            bucket.Take(s_limit, 0, 1);
        }

        Assert.That(bucket.IsEmpty(s_limit, 0), Is.True);
        Assert.That(bucket.IsOverdrawn(s_limit, 0), Is.False);
        bucket.Take(s_limit, 0, 1);
        Assert.That(bucket.IsOverdrawn(s_limit, 0), Is.True);
    }

    [Test]
    public void Tokens_come_back_by_the_millisecond()
    {
        var bucket = new TokenBucket(s_limit, 0);
        bucket.Take(s_limit, 0, 4);
        Assert.That(bucket.IsEmpty(s_limit, 100), Is.True);
        Assert.That(bucket.IsEmpty(s_limit, 101), Is.False);
        Assert.That(bucket.IsFull(s_limit, 399), Is.False);
        Assert.That(bucket.IsFull(s_limit, 400), Is.True);
    }

    [Test]
    public void What_is_overdrawn_must_be_paid_back_first()
    {
        var bucket = new TokenBucket(s_limit, 0);
        bucket.Take(s_limit, 0, 1_003);
        Assert.That(bucket.IsEmpty(s_limit, 100_000), Is.True);
        Assert.That(bucket.IsEmpty(s_limit, 100_001), Is.False);
    }

    [Test]
    public void Silence_saves_up_no_more_than_the_burst()
    {
        var bucket = new TokenBucket(s_limit, 0);
        bucket.Take(s_limit, long.MaxValue / 2, 3);
        Assert.That(bucket.IsEmpty(s_limit, long.MaxValue / 2), Is.True);
    }

    [Test]
    public void Largest_rate_does_not_overflow()
    {
        var most = new RateLimit(int.MaxValue);
        var bucket = new TokenBucket(most, 0);
        bucket.Take(most, 0, int.MaxValue);
        bucket.Take(most, 0, int.MaxValue);
        Assert.That(bucket.IsEmpty(most, 1_000), Is.True);
        Assert.That(bucket.IsFull(most, long.MaxValue), Is.True);
    }

    [Test]
    public void Clock_that_stands_still_or_goes_back_brings_nothing()
    {
        var bucket = new TokenBucket(s_limit, 1_000);
        bucket.Take(s_limit, 1_000, 3);
        Assert.That(bucket.IsEmpty(s_limit, 500), Is.True);
        Assert.That(bucket.IsEmpty(s_limit, 1_000), Is.True);
    }

    // Whoever takes only while there is something never gets more than the burst, the rate, and one more.
    [Test]
    public void No_pattern_of_taking_gets_more_than_the_rate() =>
        Gen.Select(Gen.Int[1, 1_000], Gen.Int[1, 1_000], Gen.Long[0, 300].Array[1, 100]).Sample((perSecond, burst, steps) =>
        {
            var limit = new RateLimit(perSecond, burst);
            var bucket = new TokenBucket(limit, 0);
            var (now, taken) = (0L, 0L);
            foreach (var step in steps)
            {
                now += step;
                while (!bucket.IsEmpty(limit, now))
                {
                    bucket.Take(limit, now, 1);
                    taken++;
                }
            }

            return taken <= burst + now * perSecond / 1000 + 1;
        });
}
