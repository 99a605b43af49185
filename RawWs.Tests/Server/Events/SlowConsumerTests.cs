using Microsoft.Extensions.Logging;
using RawWs.Server;
using RawWs.Server.Transport;
using RawWs.Tests.Support;

namespace RawWs.Tests.Server.Events;

/// <summary>A client whose outbox is full, under either policy.</summary>
public class SlowConsumerTests
{
    [Test]
    public void Slow_consumer_is_disconnected_by_default_so_that_nothing_is_missed_unnoticed()
    {
        var server = new TestServer();
        var (client, other) = (server.Connect(), server.Connect());
        client.Result = SendResult.Dropped;
        server.Server.Emit("news", 1);
        Assert.That(client.Aborts, Is.EqualTo(1));
        Assert.That(other.Events, Is.EqualTo(["news 1"]));
    }

    [Test]
    public void Slow_consumer_misses_events_and_stays_where_that_is_the_policy()
    {
        var server = new TestServer(options => options.SlowConsumerPolicy = SlowConsumerPolicy.Drop);
        var (client, other) = (server.Connect(), server.Connect());
        client.Result = SendResult.Dropped;
        server.Server.Emit("news", 1);
        client.Socket.Emit("own", 2);
        client.Result = SendResult.Sent;
        server.Server.Emit("news", 3);
        Assert.That(client.Aborts, Is.Zero);
        Assert.That(client.Events, Is.EqualTo(["news 3"]));
        Assert.That(other.Events, Is.EqualTo(["news 1", "news 3"]));
    }

    [Test]
    public async Task Answer_that_finds_no_room_costs_the_connection_under_either_policy()
    {
        var server = new TestServer(options => options.SlowConsumerPolicy = SlowConsumerPolicy.Drop);
        var client = server.Connect();
        client.Socket.On("ask", () => 42);
        client.Result = SendResult.Dropped;
        await client.Receive("ask", ackId: 1);
        Assert.That(client.Aborts, Is.EqualTo(1));
    }

    [Test]
    public async Task Every_event_that_is_dropped_is_counted_and_the_log_has_one_line([Values] SlowConsumerPolicy policy)
    {
        var server = new TestServer(options => options.SlowConsumerPolicy = policy);
        var dropped = server.Meters.Count("rawws.messages.dropped");
        var reached = server.Meters.CountLimit("outbox");
        var clients = Enumerable.Range(0, 5).Select(_ => server.Connect()).ToArray();
        foreach (var client in clients)
            client.Result = SendResult.Dropped;
        server.Server.Emit("news", 1);
        server.Server.Volatile.Emit("tick", 2);
        // Whoever was disconnected is not there for the second.
        Assert.That(dropped(), Is.EqualTo(policy == SlowConsumerPolicy.Drop ? 10 : 5));
        Assert.That(reached(), Is.EqualTo(5), "a volatile event is none that somebody counts on");
        await Eventually.IsTrueAsync(() => server.Logs.GetSnapshot().Count(line => line.Level == LogLevel.Warning) == 1);
    }
}
