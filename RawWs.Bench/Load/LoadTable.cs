using Spectre.Console;

namespace RawWs.Bench.Load;

/// <summary>Results as tables for a console.</summary>
internal static class LoadTable
{
    // Of these, the one that counts is told first.
    private static readonly (string Name, string Format, Func<LoadResult, double> Value)[] s_columns =
    [
        ("a second", "N0", result => result.PerSecond),
        ("p50 µs", "N0", result => result.Microseconds(50)),
        ("p99 µs", "N0", result => result.Microseconds(99)),
        ("p99.9 µs", "N0", result => result.Microseconds(99.9)),
        ("CPU µs each", "N3", result => result.CpuMicroseconds),
        ("client µs", "N2", result => result.ClientCpuMicroseconds),
    ];

    /// <summary>One server's result.</summary>
    public static string Of(LoadResult result) => string.Join(
        Environment.NewLine,
        [
            $"{result.Server}: {result.Load.Name}",
            .. result.Load.Scenario == LoadScenario.Idle
                ? (string[])
                [
                    $"  resident           {result.ResidentBytes / 1048576.0,12:N1} MiB, " +
                    $"{result.ResidentBytesPerConnection:N0} bytes for each connection",
                ]
                :
                [
                    $"  counted            {result.Count,12:N0} in {result.Seconds:F2} s, {result.PerSecond:N0} a second",
                    $"  server's CPU time  {result.CpuMicroseconds,12:N3} µs each; the clients' {result.ClientCpuMicroseconds:N3} µs",
                    $"  latency µs         {result.Microseconds(50),12:N0} (p50) {result.Microseconds(90):N0} (p90) " +
                    $"{result.Microseconds(99):N0} (p99) {result.Microseconds(99.9):N0} (p99.9) {result.Latencies.Max / 1000:N0} (max)",
                    $"  resident           {result.ResidentBytes / 1048576.0,12:N1} MiB",
                ],
        ]);

    /// <summary>One load on several servers, with the medians of all rounds and their ratio to the first server's.</summary>
    public static Table Of(LoadCase load, IReadOnlyList<(string Server, IReadOnlyList<LoadResult> Rounds)> measured)
    {
        var (cost, format) = load switch
        {
            { Scenario: LoadScenario.Idle } => ("bytes/connection", "N0"),
            { IsOpenLoop: true } => ("p99 µs", "N0"),
            _ => ("CPU µs each", "N3"),
        };
        var others = s_columns.Where(column => column.Name != cost).ToList();
        var table = new Table { Title = new TableTitle(load.Name), Border = TableBorder.Ascii2 };
        table.AddColumns(["server", cost, "min", "max", "ours / theirs", .. others.Select(column => column.Name)]);
        var ours = Median(measured[0].Rounds, result => result.Cost);
        foreach (var (server, rounds) in measured)
        {
            var theirs = Median(rounds, result => result.Cost);
            table.AddRow(
            [
                server,
                theirs.ToString(format, null),
                rounds.Min(result => result.Cost).ToString(format, null),
                rounds.Max(result => result.Cost).ToString(format, null),
                $"{ours / theirs:F2}",
                .. others.Select(column => Median(rounds, column.Value).ToString(column.Format, null)),
            ]);
        }

        return table;
    }

    public static double Median<T>(IEnumerable<T> items, Func<T, double> value)
    {
        double[] sorted = [.. items.Select(value).Order()];
        return (sorted[(sorted.Length - 1) / 2] + sorted[sorted.Length / 2]) / 2;
    }
}
