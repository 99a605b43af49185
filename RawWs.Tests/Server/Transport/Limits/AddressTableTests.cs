using System.Net;
using RawWs.Server;
using RawWs.Server.Diagnostics;
using RawWs.Server.Transport.Limits;

namespace RawWs.Tests.Server.Transport.Limits;

[FixtureLifeCycle(LifeCycle.InstancePerTestCase)]
public class AddressTableTests
{
    private readonly ServerOptions _options = new() { MaxConnectionsPerAddress = 2 };

    [TestCase("192.0.2.1", "192.0.2.1", true)]
    [TestCase("192.0.2.1", "192.0.2.2", false)]
    [TestCase("192.0.2.1", "::ffff:192.0.2.1", true, Description = "IPv4 is itself, however it is written")]
    [TestCase("2001:db8::1", "2001:db8::ffff:1", true, Description = "one network of 64 bits")]
    [TestCase("2001:db8::1", "2001:db8:0:1::1", false)]
    [TestCase("::ffff:192.0.2.1", "::1", false, Description = "IPv4 addresses are not one network of IPv6")]
    public void Connections_count_for_one_address(string first, string second, bool isSame) =>
        Assert.That(
            AddressTable.KeyOf(IPAddress.Parse(first)) == AddressTable.KeyOf(IPAddress.Parse(second)), Is.EqualTo(isSame));

    [Test]
    public void Address_with_as_many_connections_as_it_may_have_gets_no_more_until_one_goes()
    {
        var table = new AddressTable(_options);
        Assert.That(Enter(table, "192.0.2.1", 0, out var first), Is.Null);
        Assert.That(Enter(table, "192.0.2.1", 0, out _), Is.Null);
        Assert.That(Enter(table, "192.0.2.1", 0, out _), Is.EqualTo(LimitKind.Address));
        Assert.That(Enter(table, "192.0.2.2", 0, out _), Is.Null);
        table.Leave(first!);
        Assert.That(Enter(table, "192.0.2.1", 0, out _), Is.Null);
    }

    [TestCase(null)]
    [TestCase(0)]
    public void No_number_is_no_limit(int? most)
    {
        _options.MaxConnectionsPerAddress = most;
        var table = new AddressTable(_options);
        for (var i = 0; i < 1_000; i++)
            Assert.That(Enter(table, "192.0.2.1", 0, out _), Is.Null);
    }

    [Test]
    public void Address_that_connects_too_often_is_refused_until_its_rate_has_recovered()
    {
        _options.RateLimits.ConnectionsPerAddress = new RateLimit(PerSecond: 1, Burst: 2);
        var table = new AddressTable(_options);
        for (var i = 0; i < 2; i++)
        {
            Assert.That(Enter(table, "192.0.2.1", 0, out var entry), Is.Null);
            table.Leave(entry!);
        }

        Assert.That(Enter(table, "192.0.2.1", 0, out _), Is.EqualTo(LimitKind.AddressConnections));
        Assert.That(Enter(table, "192.0.2.2", 0, out _), Is.Null);
        Assert.That(Enter(table, "192.0.2.1", 1_000, out _), Is.Null);
    }

    [Test]
    public void Address_is_forgotten_when_it_has_neither_a_connection_nor_a_debt()
    {
        _options.RateLimits.ConnectionsPerAddress = new RateLimit(PerSecond: 1, Burst: 1);
        var table = new AddressTable(_options);
        Enter(table, "192.0.2.1", 0, out var entry);
        table.OnTick(5_000);
        Assert.That(table.Count, Is.EqualTo(1), "it is connected");
        table.Leave(entry!);
        Enter(table, "192.0.2.2", 5_000, out var debtor);
        table.Leave(debtor!);
        table.OnTick(5_999);
        Assert.That(table.Count, Is.EqualTo(1), "the second has a debt");
        table.OnTick(6_000);
        Assert.That(table.Count, Is.Zero);
    }

    [Test]
    public void Address_that_was_refused_leaves_nothing_behind()
    {
        _options.RateLimits.ConnectionsPerAddress = new RateLimit(PerSecond: 1, Burst: 1);
        var table = new AddressTable(_options);
        Enter(table, "192.0.2.1", 0, out var entry);
        table.Leave(entry!);
        for (var i = 0; i < 100; i++)
            Assert.That(Enter(table, "192.0.2.1", 0, out _), Is.Not.Null);
        table.OnTick(1_000);
        Assert.That(table.Count, Is.Zero);
    }

    [Test]
    public void However_many_addresses_connect_only_so_many_are_remembered()
    {
        _options.RateLimits.ConnectionsPerAddress = new RateLimit(PerSecond: 1, Burst: 1);
        _options.RateLimits.MaxIdleAddresses = 10;
        var table = new AddressTable(_options);
        Assert.That(Enter(table, "198.51.100.1", 0, out _), Is.Null);
        for (uint i = 0; i < 10_000; i++)
        {
            Assert.That(table.TryEnter(new IPAddress(i), 0, out var entry), Is.Null);
            table.Leave(entry!);
        }

        Assert.That(table.Count, Is.EqualTo(11), "the one that is connected, and ten");
        Assert.That(Enter(table, "198.51.100.1", 0, out _), Is.EqualTo(LimitKind.AddressConnections));
    }

    private static LimitKind? Enter(AddressTable table, string address, long now, out AddressEntry? entry) =>
        table.TryEnter(IPAddress.Parse(address), now, out entry);
}
