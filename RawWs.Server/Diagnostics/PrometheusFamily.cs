using System.Collections.Concurrent;
using System.Diagnostics.Metrics;

namespace RawWs.Server.Diagnostics;

/// <summary>What one instrument has measured, apart for each combination of tags.</summary>
internal sealed class PrometheusFamily
{
    private readonly string _help;
    private readonly string _type;
    private readonly bool _isObserved;
    private readonly IReadOnlyList<double>? _bounds;

    // Most instruments have no tags: their one series needs no search.
    private readonly PrometheusSeries _plain;
    private readonly ConcurrentDictionary<(string Key, string Value), PrometheusSeries> _tagged = [];
    private volatile bool _hasPlain;

    public PrometheusFamily(Instrument instrument)
    {
        var kind = instrument.GetType();
        kind = kind.IsGenericType ? kind.GetGenericTypeDefinition() : kind;
        var isCounter = kind == typeof(Counter<>) || kind == typeof(ObservableCounter<>);
        _bounds = (instrument as Histogram<double>)?.Advice?.HistogramBucketBoundaries;
        _type = _bounds is not null ? "histogram" : isCounter ? "counter" : "gauge";
        _isObserved = instrument.IsObservable;
        _help = instrument.Description ?? "";
        Name = NameOf(instrument.Name, instrument.Unit) + (isCounter ? "_total" : "");
        _plain = new PrometheusSeries("", _bounds);
    }

    public string Name { get; }

    public void Record(long value, ReadOnlySpan<KeyValuePair<string, object?>> tags)
    {
        var series = Find(tags);
        if (_isObserved)
            series.Set(value);
        else
            series.Add(value);
    }

    public void Record(double value, ReadOnlySpan<KeyValuePair<string, object?>> tags) => Find(tags).Measure(value);

    public void Write(PrometheusText text)
    {
        text.Describe(Name, _help, _type);
        if (_hasPlain || _tagged.IsEmpty)
            Write(text, _plain);
        foreach (var series in _tagged.Values.OrderBy(series => series.Labels, StringComparer.Ordinal))
            Write(text, series);
    }

    private static string NameOf(string name, string? unit)
    {
        var clean = PrometheusText.NameOf(name);
        var word = unit switch
        {
            "s" => "seconds",
            "By" => "bytes",
            _ => "",
        };
        return word == "" || clean.Contains(word, StringComparison.Ordinal) ? clean : $"{clean}_{word}";
    }

    private void Write(PrometheusText text, PrometheusSeries series)
    {
        if (_bounds is null)
            text.Sample(Name, series.Labels, series.Value);
        else
            series.WriteHistogram(text, Name);
    }

    private PrometheusSeries Find(ReadOnlySpan<KeyValuePair<string, object?>> tags)
    {
        if (tags.IsEmpty)
        {
            _hasPlain = true;
            return _plain;
        }

        var labels = tags.Length == 1 ? "" : LabelsOf(tags);
        var key = tags.Length == 1 ? (tags[0].Key, tags[0].Value as string ?? "") : ("", labels);
        return _tagged.TryGetValue(key, out var present)
            ? present
            : _tagged.GetOrAdd(key, new PrometheusSeries(LabelsOf(tags), _bounds));
    }

    private static string LabelsOf(ReadOnlySpan<KeyValuePair<string, object?>> tags)
    {
        var labels = new List<string>();
        foreach (var (name, value) in tags)
            labels.Add(PrometheusText.Label(name, value as string ?? ""));
        return string.Join(',', labels);
    }
}
