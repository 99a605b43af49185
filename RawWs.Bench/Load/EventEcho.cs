using System.Diagnostics;
using System.Text.Json;

namespace RawWs.Bench.Load;

/// <summary>
/// What one event there and one back cost a server: CPU time per event of our host, and of the official server of
/// Socket.IO with the same handler, under the same clients in turns.
/// </summary>
internal static class EventEcho
{
    // For connecting, and again for the last answers; a server that takes longer does not work.
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    public static async Task<int> RunAsync(string[] args)
    {
        if (EventEchoOptions.Parse(args) is not { } options)
        {
            await Console.Error.WriteLineAsync($"usage: {EventEchoOptions.Usage}");
            return 2;
        }

        // Clients that cost little leave the machine to the server. .NET looks at this when it makes its first socket.
        Environment.SetEnvironmentVariable(ServerProcess.InlineCompletions, "1");
        // The servers are on the first core.
        if (OperatingSystem.IsLinux())
            Process.GetCurrentProcess().ProcessorAffinity = 2;
        using var ours = await ServerProcess.StartRawWsAsync();
        using var theirs = await ServerProcess.StartSocketIoAsync();
        Console.WriteLine(
            $"{options.Connections} connections, one event of {options.Bytes} bytes under way on each; " +
            $"rounds of {options.Seconds} s, after {options.WarmUp} s of the same");
        if (options.WarmUp > 0)
        {
            await MeasureAsync(ours, options, options.WarmUp);
            await MeasureAsync(theirs, options, options.WarmUp);
        }

        var rounds = new List<(Round Ours, Round Theirs)>();
        WriteHead(ours, theirs);
        for (var i = 1; i <= options.Rounds; i++)
        {
            // Whoever comes first in one round comes second in the next.
            var first = await MeasureAsync(i % 2 == 1 ? ours : theirs, options, options.Seconds);
            var second = await MeasureAsync(i % 2 == 1 ? theirs : ours, options, options.Seconds);
            var round = i % 2 == 1 ? (first, second) : (second, first);
            rounds.Add(round);
            WriteRow($"{i}", round);
        }

        var median = (Median(rounds, round => round.Ours), Median(rounds, round => round.Theirs));
        WriteRow("median", median);
        WriteJson(options, rounds, median);
        return 0;
    }

    private static async Task<Round> MeasureAsync(ServerProcess server, EventEchoOptions options, int seconds)
    {
        var connections = new List<EventConnection>();
        try
        {
            using var connecting = new CancellationTokenSource(Patience);
            for (var i = 0; i < options.Connections; i++)
                connections.Add(
                    await EventConnection.OpenAsync(server.Port, i, options.Bytes).WaitAsync(connecting.Token));

            var cpu = server.CpuTime;
            var clock = Stopwatch.StartNew();
            using var stop = new CancellationTokenSource(TimeSpan.FromSeconds(seconds));
            await Task.WhenAll(connections.Select(connection => Task.Run(() => connection.RunAsync(stop.Token))))
                .WaitAsync(TimeSpan.FromSeconds(seconds) + Patience);
            var elapsed = clock.Elapsed;
            cpu = server.CpuTime - cpu;

            var events = connections.Sum(connection => connection.Count);
            return new Round(cpu.TotalMicroseconds / events, events / elapsed.TotalSeconds);
        }
        finally
        {
            foreach (var connection in connections)
                connection.Dispose();
        }
    }

    private static Round Median(List<(Round Ours, Round Theirs)> rounds, Func<(Round Ours, Round Theirs), Round> select) =>
        new(
            Median(rounds.Select(round => select(round).CpuMicroseconds)),
            Median(rounds.Select(round => select(round).EventsPerSecond)));

    private static double Median(IEnumerable<double> values)
    {
        double[] sorted = [.. values.Order()];
        return (sorted[(sorted.Length - 1) / 2] + sorted[sorted.Length / 2]) / 2;
    }

    private static void WriteHead(ServerProcess ours, ServerProcess theirs)
    {
        Console.WriteLine();
        Console.WriteLine($"{"",-8}{ours.Name,22}{theirs.Name,24}");
        Console.WriteLine($"{"round",-8}{"CPU µs/event",12}{"events/s",10}{"CPU µs/event",14}{"events/s",10}{"ratio",8}");
    }

    private static void WriteRow(string name, (Round Ours, Round Theirs) round) =>
        Console.WriteLine(
            $"{name,-8}{round.Ours.CpuMicroseconds,12:F2}{round.Ours.EventsPerSecond,10:N0}" +
            $"{round.Theirs.CpuMicroseconds,14:F2}{round.Theirs.EventsPerSecond,10:N0}{Ratio(round),8:F3}");

    private static void WriteJson(
        EventEchoOptions options, List<(Round Ours, Round Theirs)> rounds, (Round Ours, Round Theirs) median)
    {
        Console.WriteLine();
        Console.WriteLine(JsonSerializer.Serialize(new
        {
            benchmark = "events",
            connections = options.Connections,
            bytes = options.Bytes,
            seconds = options.Seconds,
            cpuMicrosecondsPerEvent = new
            {
                rawws = rounds.Select(round => Math.Round(round.Ours.CpuMicroseconds, 3)),
                socketio = rounds.Select(round => Math.Round(round.Theirs.CpuMicroseconds, 3)),
            },
            medians = new
            {
                rawws = Math.Round(median.Ours.CpuMicroseconds, 3),
                socketio = Math.Round(median.Theirs.CpuMicroseconds, 3),
            },
            ratio = Math.Round(Ratio(median), 3),
        }));
    }

    private static double Ratio((Round Ours, Round Theirs) round) =>
        round.Ours.CpuMicroseconds / round.Theirs.CpuMicroseconds;

    /// <summary>One server under load.</summary>
    /// <param name="CpuMicroseconds">CPU time of the server per event.</param>
    /// <param name="EventsPerSecond">Answered events.</param>
    private readonly record struct Round(double CpuMicroseconds, double EventsPerSecond);
}
