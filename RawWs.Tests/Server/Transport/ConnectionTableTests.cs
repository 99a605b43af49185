using Microsoft.Extensions.Time.Testing;
using RawWs.Server.Transport;

namespace RawWs.Tests.Server.Transport;

public class ConnectionTableTests
{
    private static readonly TimeSpan s_resolution = TimeSpan.FromMilliseconds(100);

    [Test]
    public void Fault_of_a_connection_that_not_even_the_log_takes_ends_neither_the_tick_nor_the_timer()
    {
        var clock = new FakeTimeProvider();
        var reported = 0;
        using var table = new ConnectionTable(clock, s_resolution, fault =>
        {
            reported++;
            throw new InvalidOperationException("The log fails.", fault);
        });
        var other = new Connection();
        table.Add(new Connection { Tick = static () => throw new InvalidOperationException("thrown by the test") });
        table.Add(other);
        table.Start(static () => { });
        for (var tick = 1; tick <= 3; tick++)
        {
            clock.Advance(s_resolution);
            Assert.That((reported, other.Ticks), Is.EqualTo((tick, tick)));
        }
    }

    private sealed class Connection : ITimedConnection
    {
        public Action Tick { get; init; } = static () => { };

        public int Ticks { get; private set; }

        public void OnTick(long now)
        {
            Ticks++;
            Tick();
        }

        public void Stop()
        {
        }

        public void Abort()
        {
        }
    }
}
