using System.Net;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using RawWs.Server;
using RawWs.Server.Diagnostics;
using RawWs.Server.Transport;
using RawWs.Server.Transport.Limits;
using RawWs.Tests.Support;

namespace RawWs.Tests.Server.Transport.Limits;

[FixtureLifeCycle(LifeCycle.InstancePerTestCase)]
public sealed class ConnectionLimitsTests : IDisposable
{
    private readonly FakeTimeProvider _clock = new();
    private readonly ServerMetrics _metrics = new();
    private readonly ServerOptions _options = new();
    private ServerContext? _context;

    [Test]
    public void Message_within_its_rates_allocates_nothing()
    {
        var rates = _options.RateLimits;
        rates.MessagesPerConnection = rates.MessagesPerAddress = new RateLimit(1_000_000);
        rates.BytesPerConnection = rates.BytesPerAddress = new RateLimit(100_000_000);
        var limits = Create();
        Assert.That(limits.TryEnter(IPAddress.Loopback), Is.Null);
        Assert.That(
            Allocation.Of(
                () =>
                {
                    limits.OnBytes(100);
                    limits.OnMessage();
                    _ = limits.MustWait || limits.MustDisconnect();
                },
                rounds: 1_000),
            Is.Zero);
    }

    [Test]
    public void Address_that_is_entered_again_counts_once()
    {
        _options.MaxConnectionsPerAddress = 1;
        var (limits, other) = (Create(), Create());
        Assert.That(limits.TryEnter(IPAddress.Loopback), Is.Null);
        Assert.That(limits.TryEnter(IPAddress.Loopback), Is.Null);
        Assert.That(other.TryEnter(IPAddress.Loopback), Is.EqualTo(LimitKind.Address));
        limits.Leave();
        limits.Leave();
        Assert.That(other.TryEnter(IPAddress.Loopback), Is.Null);
        Assert.That(limits.TryEnter(IPAddress.Loopback), Is.EqualTo(LimitKind.Address));
    }

    [Test]
    public void Connection_that_is_taken_over_by_another_client_no_longer_counts_for_the_first()
    {
        _options.MaxConnectionsPerAddress = 1;
        var (limits, other) = (Create(), Create());
        Assert.That(limits.TryEnter(IPAddress.Parse("192.0.2.1")), Is.Null);
        Assert.That(limits.TryEnter(IPAddress.Parse("192.0.2.2")), Is.Null);
        Assert.That(other.TryEnter(IPAddress.Parse("192.0.2.1")), Is.Null);
    }

    public void Dispose() => _metrics.Dispose();

    private ConnectionLimits Create() =>
        new(_context ??= new ServerContext(_options, NullLogger.Instance, _metrics, _clock));
}
