using RawWs.Protocol.Envelope;

namespace RawWs.Tests.Protocol.Envelope;

public class EnvelopeLimitsTests
{
    [Test]
    public void The_defaults_are_the_documented_ones() => Assert.Multiple(() =>
    {
        Assert.That(EnvelopeLimits.Default.MaxDepth, Is.EqualTo(128));
        Assert.That(EnvelopeLimits.Default.MaxNameBytes, Is.EqualTo(256));
    });

    [TestCase(0)]
    [TestCase(-1)]
    [TestCase(65_537)]
    public void A_limit_without_sense_is_refused(int value) => Assert.Multiple(() =>
    {
        Assert.That(
            () => new EnvelopeLimits { MaxDepth = value }, Throws.TypeOf<ArgumentOutOfRangeException>());
        Assert.That(
            () => new EnvelopeLimits { MaxNameBytes = value }, Throws.TypeOf<ArgumentOutOfRangeException>());
    });
}
