namespace RawWs.Tests.Support;

/// <summary>Waits for a state that nothing announces.</summary>
internal static class Eventually
{
    /// <summary>Polls until the condition holds; fails when it does not in time.</summary>
    public static async Task IsAsync(Func<bool> condition, string? what = null)
    {
        var deadline = Environment.TickCount64 + (long)WireClient.Patience.TotalMilliseconds;
        while (!condition())
        {
            Assert.That(Environment.TickCount64, Is.LessThan(deadline), what ?? "the condition did not come to hold");
            // Polling is the only way to see it; the pause only spares the processor.
            await Task.Delay(5);
        }
    }
}
