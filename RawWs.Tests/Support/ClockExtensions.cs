using Microsoft.Extensions.Time.Testing;

namespace RawWs.Tests.Support;

/// <summary>Time that passes as the server's coarse timer sees it.</summary>
internal static class ClockExtensions
{
    private static readonly TimeSpan Step = TimeSpan.FromMilliseconds(100);

    /// <summary>
    /// Advances tick by tick: a server takes one long jump for a process that was stopped, and counts it as a second.
    /// </summary>
    public static void Run(this FakeTimeProvider clock, TimeSpan time)
    {
        for (var passed = TimeSpan.Zero; passed < time; passed += Step)
            clock.Advance(Step);
    }
}
