using System.Globalization;
using System.Text.RegularExpressions;

namespace RawWs.Tests.Server.Diagnostics;

/// <summary>One line of values in Prometheus' text format.</summary>
internal sealed record PrometheusSample(string Name, IReadOnlyDictionary<string, string> Labels, double Value)
{
    /// <summary>Name and labels as one text, in the order of the labels' names.</summary>
    public string Series => Name + string.Concat(
        Labels.OrderBy(label => label.Key, StringComparer.Ordinal).Select(label => $"|{label.Key}={label.Value}"));
}

/// <summary>A metric with its samples.</summary>
internal sealed record PrometheusMetric(string Name, string Help, string Type, List<PrometheusSample> Samples);

/// <summary>Reads Prometheus' text format 0.0.4, and accepts nothing that a scraper might refuse.</summary>
internal static partial class PrometheusParser
{
    public static Dictionary<string, PrometheusMetric> Parse(string text)
    {
        Assert.That(text, Does.EndWith("\n"), "the last line must end, too");
        Assert.That(text, Does.Not.Contain('\r'));
        var metrics = new Dictionary<string, PrometheusMetric>();
        var seen = new HashSet<string>();
        PrometheusMetric? current = null;
        var help = "";
        foreach (var line in text[..^1].Split('\n'))
        {
            if (HelpLine().Match(line) is { Success: true } helped)
            {
                help = helped.Groups["name"].Value;
                current = new PrometheusMetric(help, Unescape(helped.Groups["text"].Value, quotes: false), "", []);
            }
            else if (TypeLine().Match(line) is { Success: true } typed)
            {
                Assert.That(typed.Groups["name"].Value, Is.EqualTo(help), "HELP and TYPE stand together");
                current = current! with { Type = typed.Groups["type"].Value };
                Assert.That(metrics.TryAdd(current.Name, current), Is.True, $"{current.Name} is there twice");
            }
            else
            {
                var sample = ReadSample(line);
                Assert.That(current?.Type, Is.Not.Null.And.Not.Empty, line);
                Assert.That(BaseOf(sample.Name, current!.Type), Is.EqualTo(current.Name), "one group per metric");
                Assert.That(seen.Add(sample.Series), Is.True, $"{line} is there twice");
                current.Samples.Add(sample);
            }
        }

        foreach (var metric in metrics.Values)
            Check(metric);
        return metrics;
    }

    private static PrometheusSample ReadSample(string line)
    {
        var match = SampleLine().Match(line);
        Assert.That(match.Success, Is.True, $"no sample: {line}");
        var labels = new Dictionary<string, string>();
        for (var i = 0; i < match.Groups["label"].Captures.Count; i++)
            Assert.That(
                labels.TryAdd(
                    match.Groups["label"].Captures[i].Value, Unescape(match.Groups["text"].Captures[i].Value, quotes: true)),
                Is.True,
                line);
        var value = match.Groups["value"].Value switch
        {
            "+Inf" => double.PositiveInfinity,
            var number => double.Parse(number, NumberStyles.Float, CultureInfo.InvariantCulture),
        };
        return new PrometheusSample(match.Groups["name"].Value, labels, value);
    }

    private static string BaseOf(string name, string type)
    {
        if (type == "histogram")
            foreach (var suffix in (string[])["_bucket", "_sum", "_count"])
                if (name.EndsWith(suffix, StringComparison.Ordinal))
                    return name[..^suffix.Length];
        return name;
    }

    private static void Check(PrometheusMetric metric)
    {
        Assert.That(metric.Help, Is.Not.Empty, metric.Name);
        Assert.That(metric.Samples, Is.Not.Empty, metric.Name);
        Assert.That(metric.Type == "counter", Is.EqualTo(metric.Name.EndsWith("_total", StringComparison.Ordinal)), metric.Name);
        if (metric.Type == "counter")
            Assert.That(metric.Samples.Select(sample => sample.Value), Is.All.GreaterThanOrEqualTo(0), metric.Name);
        if (metric.Type == "histogram")
            CheckHistogram(metric);
    }

    private static void CheckHistogram(PrometheusMetric metric)
    {
        var buckets = metric.Samples.Where(sample => sample.Name == metric.Name + "_bucket").ToArray();
        var bounds = buckets.Select(bucket => bucket.Labels["le"] == "+Inf"
            ? double.PositiveInfinity
            : double.Parse(bucket.Labels["le"], CultureInfo.InvariantCulture)).ToArray();
        Assert.That(bounds, Is.Ordered.Ascending.And.Unique);
        Assert.That(bounds[^1], Is.EqualTo(double.PositiveInfinity));
        Assert.That(buckets.Select(bucket => bucket.Value), Is.Ordered.Ascending, "buckets are cumulative");
        var count = metric.Samples.Single(sample => sample.Name == metric.Name + "_count");
        Assert.That(count.Value, Is.EqualTo(buckets[^1].Value));
        Assert.That(metric.Samples.Count(sample => sample.Name == metric.Name + "_sum"), Is.EqualTo(1));
    }

    private static string Unescape(string text, bool quotes) => Escape().Replace(text, match => match.Value switch
    {
        "\\\\" => "\\",
        "\\n" => "\n",
        "\\\"" when quotes => "\"",
        var other => throw new AssertionException($"{other} is no escape"),
    });

    [GeneratedRegex(@"^# HELP (?<name>[a-zA-Z_:][a-zA-Z0-9_:]*) (?<text>.*)$")]
    private static partial Regex HelpLine();

    [GeneratedRegex(@"^# TYPE (?<name>[a-zA-Z_:][a-zA-Z0-9_:]*) (?<type>counter|gauge|histogram)$")]
    private static partial Regex TypeLine();

    [GeneratedRegex("""
        ^(?<name>[a-zA-Z_:][a-zA-Z0-9_:]*)(\{(?<label>[a-zA-Z_][a-zA-Z0-9_]*)="(?<text>([^"\\]|\\.)*)"(,(?<label>[a-zA-Z_][a-zA-Z0-9_]*)="(?<text>([^"\\]|\\.)*)")*\})? (?<value>\+Inf|-?[0-9]+(\.[0-9]+)?(E[+-]?[0-9]+)?)$
        """)]
    private static partial Regex SampleLine();

    [GeneratedRegex(@"\\.?")]
    private static partial Regex Escape();
}
