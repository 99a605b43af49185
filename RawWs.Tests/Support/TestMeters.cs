using System.Diagnostics.Metrics;
using Microsoft.Extensions.Diagnostics.Metrics.Testing;

namespace RawWs.Tests.Support;

/// <summary>Makes the meters of one server, apart from those of the servers of other tests.</summary>
internal sealed class TestMeters : IMeterFactory
{
    public Meter Create(MeterOptions options)
    {
        options.Scope = this;
        return new Meter(options);
    }

    /// <summary>What a counter of the server has come to, whenever it is asked.</summary>
    public Func<long> Count(string counter)
    {
        var collector = new MetricCollector<long>(this, "RawWs", counter);
        return () => collector.GetMeasurementSnapshot().EvaluateAsCounter();
    }

    /// <summary>How often a limit was reached since now, whenever it is asked.</summary>
    public Func<long> CountLimit(string limit)
    {
        var collector = new MetricCollector<long>(this, "RawWs", "rawws.limits.reached");
        return () => collector.GetMeasurementSnapshot()
            .Where(measurement => measurement.Tags["limit"] is string name && name == limit)
            .EvaluateAsCounter();
    }

    /// <summary>The value of something that is observed: a gauge.</summary>
    public long Observe<T>(string instrument)
        where T : struct
    {
        using var collector = new MetricCollector<T>(this, "RawWs", instrument);
        collector.RecordObservableInstruments();
        return Convert.ToInt64(collector.LastMeasurement!.Value, System.Globalization.CultureInfo.InvariantCulture);
    }

    public void Dispose()
    {
    }
}
