namespace RawWs.Tests.Support;

/// <summary>The one place where a test waits for a state that nothing announces.</summary>
internal static class Eventually
{
    public static Task IsTrueAsync(Func<bool> condition, string because = "the condition did not come to hold") =>
        IsTrueAsync(condition, because, WireClient.Patience);

    public static async Task IsTrueAsync(Func<bool> condition, string because, TimeSpan patience)
    {
        var start = TimeProvider.System.GetTimestamp();
        while (!condition())
        {
            Assert.That(TimeProvider.System.GetElapsedTime(start), Is.LessThan(patience), because);
            // A count or a socket's state raises no event; between two looks the server needs the processor.
            await Task.Delay(1);
        }
    }
}
