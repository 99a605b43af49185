namespace RawWs.Server.Diagnostics;

/// <summary>The value of one combination of labels: a sum, or a histogram.</summary>
/// <remarks>
/// Measured by many threads for each message and read seldom: each processor adds to a part of its own, far from the
/// others' in memory, and the reader adds up the parts.
/// </remarks>
internal sealed class PrometheusSeries
{
    private const int CacheLine = 64 / sizeof(long);

    private static readonly int s_parts = Environment.ProcessorCount;

    private readonly IReadOnlyList<double>? _bounds;
    private readonly long[] _sums = [];
    private readonly Histogram[] _histograms = [];

    public PrometheusSeries(string labels, IReadOnlyList<double>? bounds)
    {
        Labels = labels;
        _bounds = bounds;
        if (bounds is null)
            _sums = new long[(s_parts + 1) * CacheLine];
        else
            _histograms = [.. Enumerable.Range(0, s_parts).Select(_ => new Histogram(bounds.Count + 1))];
    }

    public string Labels { get; }

    public long Value
    {
        get
        {
            var sum = 0L;
            for (var part = 1; part <= s_parts; part++)
                sum += Volatile.Read(ref _sums[part * CacheLine]);
            return sum;
        }
    }

    private static int OwnPart => (int)((uint)Thread.GetCurrentProcessorId() % (uint)s_parts);

    public void Add(long value) => Interlocked.Add(ref _sums[(OwnPart + 1) * CacheLine], value);

    /// <summary>Replaces the value, for what is observed rather than added up. One thread at a time.</summary>
    public void Set(long value)
    {
        Array.Clear(_sums);
        Volatile.Write(ref _sums[CacheLine], value);
    }

    public void Measure(double value)
    {
        var bucket = 0;
        while (bucket < _bounds!.Count && value > _bounds[bucket])
            bucket++;
        _histograms[OwnPart].Add(bucket, value);
    }

    public void WriteHistogram(PrometheusText text, string name)
    {
        var counts = new long[_bounds!.Count + 1];
        var sum = _histograms.Sum(part => part.AddTo(counts));
        var separator = Labels.Length == 0 ? "" : ",";
        var total = 0L;
        for (var bucket = 0; bucket < counts.Length; bucket++)
        {
            total += counts[bucket];
            var bound = bucket < _bounds.Count ? _bounds[bucket] : double.PositiveInfinity;
            text.Sample(
                $"{name}_bucket", $"{Labels}{separator}{PrometheusText.Label("le", PrometheusText.FormatNumber(bound))}", total);
        }

        text.Sample($"{name}_sum", Labels, sum);
        text.Sample($"{name}_count", Labels, total);
    }

    private sealed class Histogram(int buckets)
    {
        private readonly Lock _lock = new();
        private readonly long[] _counts = new long[buckets];
        private double _sum;

        public void Add(int bucket, double value)
        {
            lock (_lock)
            {
                _counts[bucket]++;
                _sum += value;
            }
        }

        public double AddTo(long[] counts)
        {
            lock (_lock)
            {
                for (var i = 0; i < counts.Length; i++)
                    counts[i] += _counts[i];
                return _sum;
            }
        }
    }
}
