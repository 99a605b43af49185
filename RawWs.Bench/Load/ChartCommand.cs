using System.CommandLine;
using System.Globalization;
using System.Security;
using System.Text;
using System.Text.Json;

namespace RawWs.Bench.Load;

/// <summary><c>chart</c>: the data of a comparison as a picture.</summary>
internal static class ChartCommand
{
    private const int Width = 760;
    private const int LabelWidth = 170;
    private const int BarWidth = 470;
    private const int RowHeight = 22;
    private const int GroupGap = 40;

    public static Command Create()
    {
        var data = new Argument<FileInfo>("data") { Description = "What `compare --data` has written" };
        var output = new Argument<FileInfo>("output") { Description = "The SVG file to write" };
        var command = new Command("chart", "Draws the medians of a comparison") { data, output };
        data.AcceptExistingOnly();
        command.SetAction(result => File.WriteAllText(
            result.GetRequiredValue(output).FullName, Draw(File.ReadLines(result.GetRequiredValue(data).FullName))));
        return command;
    }

    private static string Draw(IEnumerable<string> lines)
    {
        var groups = lines
            .Select(line => JsonSerializer.Deserialize<Measurement>(line, JsonSerializerOptions.Web)!)
            .GroupBy(measured => measured.Contest)
            .ToList();
        var svg = new StringBuilder();
        var y = 10;
        foreach (var group in groups)
        {
            var bars = group
                .GroupBy(measured => measured.Label)
                .Select(rounds => (Label: rounds.Key, Value: LoadTable.Median(rounds, measured => measured.Value)))
                .ToList();
            var most = bars.Max(bar => bar.Value);
            Text(0, y + 14, group.First().Title, "title");
            y += RowHeight;
            foreach (var (label, value) in bars)
            {
                var width = Math.Max(1, BarWidth * value / most);
                Text(0, y + 14, label, "label");
                svg.AppendLine(CultureInfo.InvariantCulture,
                    $"""<rect class="{(label.StartsWith("rawws", StringComparison.Ordinal) ? "ours" : "theirs")}" """ +
                    $"""x="{LabelWidth}" y="{y + 3}" width="{width:F1}" height="{RowHeight - 7}"/>""");
                Text(LabelWidth + (int)width + 6, y + 14, value.ToString(value < 100 ? "F2" : "N0", CultureInfo.InvariantCulture), "value");
                y += RowHeight;
            }

            y += GroupGap - RowHeight;
        }

        return $$"""
            <svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {{Width}} {{y}}" width="{{Width}}" height="{{y}}" role="img">
            <style>
            text { font: 12px sans-serif; fill: #333 } .title { font-weight: bold } .ours { fill: #2a7de1 } .theirs { fill: #b8c0cc }
            @media (prefers-color-scheme: dark) { text { fill: #ddd } .theirs { fill: #666f7d } }
            </style>
            {{svg.ToString().TrimEnd()}}
            </svg>

            """;

        void Text(int x, int y, string text, string kind) => svg.AppendLine(
            CultureInfo.InvariantCulture, $"""<text class="{kind}" x="{x}" y="{y}">{SecurityElement.Escape(text)}</text>""");
    }

    /// <summary>One line of the data, as far as it is drawn.</summary>
    private sealed record Measurement(
        string Contest, string Load, string Scenario, string Dialect, string Server, double CpuMicroseconds,
        double ResidentBytesPerConnection, int Rate, Latency LatencyMicroseconds)
    {
        public bool IsIdle => Scenario == nameof(LoadScenario.Idle);

        public bool IsOpenLoop => Rate > 0;

        public double Value =>
            IsIdle ? ResidentBytesPerConnection : IsOpenLoop ? LatencyMicroseconds.P99 : CpuMicroseconds;

        public string Label => Dialect is "ws" or "tcp" ? Server : $"{Server} ({Dialect})";

        public string Title => $"{Load}: {Unit}, less is better";

        private string Unit =>
            IsIdle ? "resident bytes per connection" : IsOpenLoop ? "p99 of the latency in µs" : "server CPU µs each";
    }

    private sealed record Latency(double P99);
}
