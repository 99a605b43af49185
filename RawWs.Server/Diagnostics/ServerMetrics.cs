using System.Diagnostics.Metrics;

namespace RawWs.Server.Diagnostics;

/// <summary>What the server counts and measures, on the meter <c>RawWs</c>.</summary>
internal sealed partial class ServerMetrics : IDisposable
{
    private readonly Meter _meter;

    public ServerMetrics(IMeterFactory? factory = null)
    {
        _meter = factory?.Create("RawWs") ?? new Meter("RawWs");
        CreateEventInstruments(_meter);
    }

    public void Dispose() => _meter.Dispose();
}
