using System.Buffers;
using System.Diagnostics.Metrics;

namespace RawWs.Server.Diagnostics;

/// <summary>Adds up what one meter measures, for whoever comes and reads it.</summary>
/// <remarks>
/// Of our own, since the exporters of OpenTelemetry for it bring an HTTP server with them. Names are those that
/// OpenTelemetry would give, so that either can be read by the same dashboards.
/// </remarks>
internal sealed class PrometheusExporter : IDisposable
{
    private readonly MeterListener _listener = new();
    private readonly Lock _lock = new();
    private readonly SortedDictionary<string, PrometheusFamily> _families = new(StringComparer.Ordinal);

    public PrometheusExporter(Meter meter)
    {
        _listener.InstrumentPublished = (instrument, listener) =>
        {
            if (instrument.Meter == meter)
                listener.EnableMeasurementEvents(instrument, Add(instrument));
        };
        _listener.SetMeasurementEventCallback<int>(static (_, value, tags, family) => Record(value, tags, family));
        _listener.SetMeasurementEventCallback<long>(static (_, value, tags, family) => Record(value, tags, family));
        _listener.SetMeasurementEventCallback<double>(
            static (_, value, tags, family) => ((PrometheusFamily)family!).Record(value, tags));
        _listener.Start();
    }

    /// <summary>Writes everything as it is now.</summary>
    public void Write(IBufferWriter<byte> output)
    {
        lock (_lock)
        {
            _listener.RecordObservableInstruments();
            foreach (var family in _families.Values)
                family.Write(new PrometheusText(output));
        }
    }

    public void Dispose() => _listener.Dispose();

    private static void Record(long value, ReadOnlySpan<KeyValuePair<string, object?>> tags, object? family) =>
        ((PrometheusFamily)family!).Record(value, tags);

    private PrometheusFamily Add(Instrument instrument)
    {
        var family = new PrometheusFamily(instrument);
        lock (_lock)
            _families[family.Name] = family;
        return family;
    }
}
