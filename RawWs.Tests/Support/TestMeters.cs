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

    public void Dispose()
    {
    }
}
