using System.Globalization;
using RawWs.Tests.EndToEnd;
using RawWs.Tests.Support;

namespace RawWs.Tests.Reliability;

/// <summary>
/// Loads that need processes of their own: programs of RawWs.Bench, which print figures beside what is promised and fail
/// if it is not kept. Here in a short form; the long one is the promise itself.
/// </summary>
[NonParallelizable]
[Platform("Linux")]
public class LoadTests
{
    // Half a million connects and closes, the longest but for the soak, takes a quarter of an hour on a slow machine.
    private static readonly TimeSpan _patience = LongRun.IsWanted
        ? TimeSpan.FromMinutes(45 + int.Parse(SoakMinutes(), CultureInfo.InvariantCulture))
        : TimeSpan.FromMinutes(5);

    [TestCase("--members", "40", "--seconds", "6", "--megabytes", "30", "--outbox", "65536", "--floor", "5000")]
    [LongCase("--members", "1000", "--seconds", "60", "--megabytes", "10")]
    public Task Members_of_a_room_that_stop_reading_cost_bounded_memory_and_hold_up_nobody(params string[] numbers) =>
        ExpectPromisesKeptAsync("stalled", numbers);

    [TestCase("--connections", "200", "--rate", "2000", "--seconds", "1", "--rounds", "2")]
    [LongCase("--connections", "2000", "--rate", "20000", "--seconds", "3", "--rounds", "20")]
    public Task Sigterm_under_load_loses_nothing_acknowledged_and_every_client_reads_1001(params string[] numbers) =>
        ExpectPromisesKeptAsync("shutdown", numbers);

    [TestCase("--count", "1000")]
    [LongCase("--count", "16000")]
    public Task Idle_connections_answer_pings_and_are_answered(params string[] numbers) =>
        ExpectPromisesKeptAsync("connections", numbers);

    [TestCase("--reconnects", "500", "--rounds", "1", "--closes", "3000")]
    [LongCase("--reconnects", "5000", "--rounds", "5", "--closes", "500000")]
    public Task Storm_of_reconnects_and_of_connects_and_closes_leaves_nothing_behind(params string[] numbers) =>
        ExpectPromisesKeptAsync("storm", numbers);

    // RAWWS_TESTS_SOAK_MINUTES makes the long one longer.
    [TestCase("--minutes", "1", "--readings", "12", Category = "Soak")]
    [LongCase("--minutes", "SOAK", "--readings", "120")]
    public Task Mixed_soak_leaves_memory_and_handles_where_they_are(params string[] numbers) =>
        ExpectPromisesKeptAsync("soak", [.. numbers.Select(number => number == "SOAK" ? SoakMinutes() : number)]);

    private static string SoakMinutes() => Environment.GetEnvironmentVariable("RAWWS_TESTS_SOAK_MINUTES") ?? "30";

    private static async Task ExpectPromisesKeptAsync(string load, params string[] numbers)
    {
        await using var program = ChildProcess.Start(
            Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") ?? "dotnet", [Assembly(), load, .. numbers]);
        var code = await program.WaitForExitAsync(_patience);
        await TestContext.Out.WriteLineAsync(program.Output);
        Assert.That(code, Is.Zero, program.Output + program.Errors);
        Assert.That(program.Output, Does.Contain("ok    "));
    }

    // …/RawWs.Tests/bin/CONFIGURATION/FRAMEWORK/ has its counterpart below RawWs.Bench.
    private static string Assembly()
    {
        var output = new DirectoryInfo(Path.TrimEndingDirectorySeparator(AppContext.BaseDirectory));
        var program = Path.Combine(
            Repository.Root, "RawWs.Bench", "bin", output.Parent!.Name, output.Name, "RawWs.Bench.dll");
        return File.Exists(program)
            ? program
            : throw new FileNotFoundException("RawWs.Bench has not been built: build the whole solution.", program);
    }
}
