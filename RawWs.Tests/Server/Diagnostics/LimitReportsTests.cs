using Microsoft.Extensions.Time.Testing;
using RawWs.Server.Diagnostics;
using RawWs.Tests.Support;

namespace RawWs.Tests.Server.Diagnostics;

public class LimitReportsTests
{
    // The line is written on a thread of the pool: what is thrown there would end the process, and this run with it.
    [Test]
    public async Task Log_that_fails_ends_nothing_and_is_tried_again_with_the_next_line()
    {
        var clock = new FakeTimeProvider();
        var log = new FailingLogger();
        using var metrics = new ServerMetrics();
        var reports = new LimitReports(log, metrics, clock, TimeSpan.FromSeconds(10));
        for (var line = 1; line <= 2; line++)
        {
            reports.Reached(LimitKind.Connections);
            await Eventually.IsTrueAsync(() => log.Lines == line, "the line is tried");
            clock.Advance(TimeSpan.FromSeconds(10));
        }

        reports.Reached(LimitKind.Connections, "127.0.0.1");
        await Eventually.IsTrueAsync(() => log.Lines == 3, "the line that names a peer is tried");
    }
}
