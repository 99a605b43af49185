using System.Text.Json;

namespace RawWs.Bench.Load;

/// <summary>What one server did with one load.</summary>
internal sealed record LoadResult(LoadCase Load, string Server)
{
    /// <summary>What was counted: echoes, deliveries of a fan-out, or connections.</summary>
    public long Count { get; init; }

    /// <summary>How long it was counted.</summary>
    public double Seconds { get; init; }

    /// <summary>User and system time of the server for each, in microseconds.</summary>
    public double CpuMicroseconds { get; init; }

    /// <summary>The same of the clients, which must not be the slower side.</summary>
    public double ClientCpuMicroseconds { get; init; }

    /// <summary>From when a message was sent, or due, until it had come back; in microseconds.</summary>
    public LatencyHistogram Latencies { get; init; } = new();

    /// <summary>What is resident of the server, at the end.</summary>
    public long ResidentBytes { get; init; }

    /// <summary>Of idle connections: what each added to that.</summary>
    public double ResidentBytesPerConnection { get; init; }

    public double PerSecond => Seconds > 0 ? Count / Seconds : 0;

    /// <summary>What servers are compared by.</summary>
    public double Cost => Load switch
    {
        { Scenario: LoadScenario.Idle } => ResidentBytesPerConnection,
        { IsOpenLoop: true } => Microseconds(99),
        _ => CpuMicroseconds,
    };

    /// <summary>One line of JSON.</summary>
    /// <param name="contest">What it was measured for, if it is one of several that are compared.</param>
    public string ToJson(string? contest = null) => JsonSerializer.Serialize(new
    {
        contest,
        load = Load.Name,
        scenario = Load.Scenario.ToString(),
        dialect = Load.Dialect,
        connections = Load.Connections,
        inFlight = Load.InFlight,
        bytes = Load.Bytes,
        rate = Load.Rate,
        blocking = Load.Blocking,
        server = Server,
        count = Count,
        seconds = Math.Round(Seconds, 3),
        perSecond = Math.Round(PerSecond),
        cpuMicroseconds = Math.Round(CpuMicroseconds, 4),
        clientCpuMicroseconds = Math.Round(ClientCpuMicroseconds, 4),
        latencyMicroseconds = new
        {
            p50 = Microseconds(50),
            p90 = Microseconds(90),
            p99 = Microseconds(99),
            p999 = Microseconds(99.9),
            max = Latencies.Max / 1000.0,
        },
        residentBytes = ResidentBytes,
        residentBytesPerConnection = Math.Round(ResidentBytesPerConnection),
    });

    public double Microseconds(double percent) => Latencies.Percentile(percent) / 1000.0;
}
