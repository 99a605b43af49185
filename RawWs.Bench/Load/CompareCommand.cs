using System.CommandLine;
using System.Runtime.InteropServices;
using RawWs.Bench.Peers;
using Spectre.Console;

namespace RawWs.Bench.Load;

/// <summary><c>compare</c>: the same loads on all servers, in turns.</summary>
internal static class CompareCommand
{
    // One message under way on each connection: as in the open loop, each then costs a read and a write of its own.
    private static readonly LoadCase s_halfOfSaturation =
        new() { Scenario = LoadScenario.Echo, Connections = 64, RateOfSaturation = 0.5 };

    private static readonly Contest[] s_contests =
    [
        Echo("echo-64", 64, 64, 1, isBinary: false, "rawws", "kestrel", "ws", "tcp-inline"),
        Echo("echo-64-p16", 64, 64, 16, isBinary: false, "rawws", "kestrel", "ws", "tcp-inline"),
        Echo("echo-16k", 16 * 1024, 64, 1, isBinary: true, "rawws", "kestrel", "ws"),
        Echo("echo-1m", 1024 * 1024, 8, 1, isBinary: true, "rawws", "kestrel", "ws"),
        new("connect", new() { Scenario = LoadScenario.Connect, Connections = 16, WarmUpSeconds = 3 }, Ws("rawws", "kestrel", "ws")),
        FanOut("fan-out", "ws", 1, "rawws", "kestrel", "ws"),
        FanOut("fan-out-w16", "ws", 16, "rawws", "kestrel", "ws"),
        new(
            "idle",
            new() { Scenario = LoadScenario.Idle, Connections = 10_000, WarmUpSeconds = 3 },
            Ws("rawws", "kestrel", "ws")),
        Events("events", new() { Scenario = LoadScenario.Echo, Connections = 64 }),
        Events("events-p16", new() { Scenario = LoadScenario.Echo, Connections = 64, InFlight = 16 }),
        Events("events-fan-out", new() { Scenario = LoadScenario.FanOut, Connections = 1000 }),
        Events("events-fan-out-w16", new() { Scenario = LoadScenario.FanOut, Connections = 1000, InFlight = 16 }),
        new("latency", s_halfOfSaturation, Ws("rawws", "kestrel")),
        new("latency-same-rate", s_halfOfSaturation, Ws("rawws", "kestrel")) { PacedBy = "kestrel" },
        Blocked("blocked", 200),
        Blocked("blocked-1000", 1000),
    ];

    public static Command Create()
    {
        var names = new Argument<string[]>("contests")
        {
            Description = $"Which; all if none is named: {string.Join(", ", s_contests.Select(contest => contest.Name))}",
            Arity = ArgumentArity.ZeroOrMore,
        };
        names.AcceptOnlyFromAmong([.. s_contests.Select(contest => contest.Name)]);
        var rounds = LoadCommand.Number("--rounds", 5, 1, 100, "Rounds");
        var seconds = LoadCommand.Number("--seconds", 4, 1, 600, "Seconds of each measurement");
        var data = new Option<string?>("--data") { Description = "A file that gets a line of JSON for each measurement" };
        var command = new Command("compare", "Puts the same loads on all servers, in turns, and prints medians and ratios")
        {
            names, rounds, seconds, data,
        };
        command.SetAction(async (result, stop) =>
        {
            LoadCommand.Pin();
            // Also where the output is a file.
            AnsiConsole.Profile.Width = Math.Max(AnsiConsole.Profile.Width, 130);
            Console.WriteLine(Machine());
            var chosen = result.GetValue(names) is { Length: > 0 } some ? some : [.. s_contests.Select(c => c.Name)];
            using var lines = result.GetValue(data) is { } path ? new StreamWriter(path) : StreamWriter.Null;
            foreach (var contest in s_contests.Where(contest => chosen.Contains(contest.Name)))
                await RunAsync(contest, result.GetValue(rounds), result.GetValue(seconds), lines);
            return 0;
        });
        return command;
    }

    private static async Task RunAsync(Contest contest, int rounds, int seconds, TextWriter lines)
    {
        if (contest.PacedBy is { } pace)
            contest = contest with { Load = await PaceAsync(contest.Load with { Seconds = seconds }, pace) };
        var results = contest.Contenders.Select(_ => new List<LoadResult>()).ToArray();
        for (var round = 0; round < rounds; round++)
        {
            for (var turn = 0; turn < results.Length; turn++)
            {
                // Whoever comes first in one round comes last in the next.
                var index = round % 2 == 0 ? turn : results.Length - 1 - turn;
                var (server, dialect) = contest.Contenders[index];
                Console.Error.Write($"\r{contest.Name}: round {round + 1} of {rounds}, {server} {dialect}          ");
                var load = contest.Load with { Dialect = dialect, Seconds = seconds };
                // Each starts anew: what one has done before is nobody's advantage.
                using var process = await PeerServer.StartAsync(server);
                var measured = LoadRunner.Run(load, server, process.ProcessId, process.Port);
                results[index].Add(measured);
                await lines.WriteLineAsync(measured.ToJson(contest.Name));
                await lines.FlushAsync();
            }
        }

        Console.Error.WriteLine();
        AnsiConsole.Write(LoadTable.Of(
            contest.Load with { Dialect = contest.Contenders[0].Dialect },
            [.. contest.Contenders.Select(
                (contender, i) => (contender.ToString(), (IReadOnlyList<LoadResult>)results[i]))]));
    }

    /// <returns>The load at a rate that is the same for all: a share of what one of them reaches.</returns>
    private static async Task<LoadCase> PaceAsync(LoadCase load, string server)
    {
        using var process = await PeerServer.StartAsync(server);
        var paced = LoadRunner.AtShareOfSaturation(load, server, process.ProcessId, process.Port);
        // The others start cold.
        return paced with { RateOfSaturation = 0, WarmUpSeconds = load.WarmUpSeconds };
    }

    private static string Machine()
    {
        var model = File.ReadLines("/proc/cpuinfo").FirstOrDefault(line => line.StartsWith("model name", StringComparison.Ordinal));
        return $"{model?[(model.IndexOf(':', StringComparison.Ordinal) + 2)..] ?? "?"}, {Environment.ProcessorCount} cores, " +
            $"{RuntimeInformation.OSDescription}, {RuntimeInformation.FrameworkDescription}";
    }

    private static Contest Echo(
        string name, int bytes, int connections, int inFlight, bool isBinary, params string[] servers) => new(
        name,
        new()
        {
            Scenario = LoadScenario.Echo,
            Bytes = bytes,
            Connections = connections,
            InFlight = inFlight,
            IsBinary = isBinary,
        },
        Ws(servers));

    // One handler in a hundred blocks for 100 ms, and the connections are so slow that each of these is mostly free again
    // when its next message comes: of 1,000 connections, five block at any time.
    private static Contest Blocked(string name, int connections) => new(
        name,
        new()
        {
            Scenario = LoadScenario.Echo,
            Connections = connections,
            Blocking = connections / 100,
            Rate = connections * 5,
        },
        Ws("rawws", "kestrel"));

    private static Contest FanOut(string name, string dialect, int window, params string[] servers) => new(
        name,
        new() { Scenario = LoadScenario.FanOut, Dialect = dialect, Connections = 1000, InFlight = window },
        Ws(servers));

    private static Contest Events(string name, LoadCase load) => new(
        name,
        load,
        [new("rawws", "socketio"), new("socketio", "socketio"), new("rawws", "envelope"), new("signalr", "signalr")]);

    private static Contender[] Ws(params string[] servers) =>
        [.. servers.Select(server => new Contender(server, server.StartsWith("tcp", StringComparison.Ordinal) ? "tcp" : "ws"))];

    /// <summary>One load on several servers, ours first.</summary>
    private sealed record Contest(string Name, LoadCase Load, Contender[] Contenders)
    {
        /// <summary>The server whose saturation the rate of all is a share of; each has its own if this is null.</summary>
        public string? PacedBy { get; init; }
    }

    private sealed record Contender(string Server, string Dialect)
    {
        public override string ToString() => Dialect is "ws" or "tcp" ? Server : $"{Server} ({Dialect})";
    }
}
