using System.Collections.Concurrent;
using RawWs.Server.Transport.Loops;
using RawWs.Tests.Support;

namespace RawWs.Tests;

/// <summary>Looks, when all tests have run, for what none of them saw: an exception that nobody observed, a handle that leaked.</summary>
[SetUpFixture]
public sealed class SuiteWatch
{
    // Threads of the pool hold a pipe each, and the runtime opens what it needs as it goes; a leak is per test.
    private const int HandleSlack = 100;

    private static readonly TimeSpan _patience = TimeSpan.FromSeconds(10);

    private readonly ConcurrentQueue<Exception> _faults = new();
    private SortedDictionary<string, int> _before = [];

    [OneTimeSetUp]
    public void Begin()
    {
        // The suite runs once more with one call of the system for all that a batch sends, also to few.
        if (Environment.GetEnvironmentVariable("RAWWS_TESTS_RING") == "1")
            SendRing.LeastReceivers = 1;
        TaskScheduler.UnobservedTaskException += OnUnobserved;
        AppDomain.CurrentDomain.UnhandledException += OnUnhandled;
        if (OperatingSystem.IsLinux())
            _before = Handles.ByKind();
    }

    [OneTimeTearDown]
    public async Task End()
    {
        // A task that nobody has looked at tells of it when it is collected.
        for (var i = 0; i < 3; i++)
        {
            GC.Collect();
            GC.WaitForPendingFinalizers();
        }

        if (OperatingSystem.IsLinux())
        {
            var start = TimeProvider.System.GetTimestamp();
            while (Handles.Count() > _before.Values.Sum() + HandleSlack
                && TimeProvider.System.GetElapsedTime(start) < _patience)
                await Task.Delay(100);
            var after = Handles.ByKind();
            await TestContext.Progress.WriteLineAsync($"Handles before: {Text(_before)}; after: {Text(after)}");
            if (after.Values.Sum() > _before.Values.Sum() + HandleSlack)
                _faults.Enqueue(new InvalidOperationException($"Handles have leaked: {Text(_before)} became {Text(after)}"));
        }

        TaskScheduler.UnobservedTaskException -= OnUnobserved;
        AppDomain.CurrentDomain.UnhandledException -= OnUnhandled;
        if (_faults.IsEmpty)
            return;
        await Console.Error.WriteLineAsync(string.Join('\n', _faults));
        Assert.Fail($"{_faults.Count} faults that no test saw:\n{string.Join('\n', _faults)}");
    }

    private static string Text(SortedDictionary<string, int> kinds) =>
        string.Join(", ", kinds.Select(kind => $"{kind.Value} {kind.Key}"));

    private void OnUnobserved(object? sender, UnobservedTaskExceptionEventArgs e)
    {
        // A client of another project, which some tests use, raises errors on subjects it has disposed of.
        var text = e.Exception.ToString();
        if (!text.Contains(" SocketIOClient.", StringComparison.Ordinal) || text.Contains(" RawWs.", StringComparison.Ordinal))
            _faults.Enqueue(e.Exception);
    }

    private void OnUnhandled(object sender, UnhandledExceptionEventArgs e) => _faults.Enqueue((Exception)e.ExceptionObject);
}
