using System.Globalization;

namespace RawWs.Bench.Load;

/// <summary>What is asked of a server, and for how long.</summary>
internal sealed record LoadCase
{
    public required LoadScenario Scenario { get; init; }

    public string Dialect { get; init; } = "ws";

    /// <summary>Connections that stand, or that come and go at a time.</summary>
    public int Connections { get; init; } = 64;

    /// <summary>Messages under way on each connection; of a fan-out, messages that not all have yet.</summary>
    public int InFlight { get; init; } = 1;

    /// <summary>Bytes of a message's content, at least <see cref="LoadDialect.NumberBytes"/>.</summary>
    public int Bytes { get; init; } = 64;

    public bool IsBinary { get; init; }

    /// <summary>
    /// Messages a second of all connections together, at even distances and whether or not the answers have come (an
    /// open loop): a latency counts from when the message was due. Zero: each answer is followed by the next message.
    /// </summary>
    public int Rate { get; init; }

    /// <summary>
    /// The rate as a share of what the same server has just reached when each answer was followed by the next message.
    /// Zero: it is not found like this.
    /// </summary>
    public double RateOfSaturation { get; init; }

    /// <summary>
    /// Of the connections, those whose handler blocks its thread before it answers. Their latencies do not count: what
    /// is measured is how long the others are held up.
    /// </summary>
    public int Blocking { get; init; }

    /// <summary>
    /// The same load before, until a server compiled as it runs is compiled for good: on one core that is busy with the
    /// load, five seconds.
    /// </summary>
    public double WarmUpSeconds { get; init; } = 6;

    public double Seconds { get; init; } = 4;

    /// <summary>Messages come when they are due: what counts is how long the answers take.</summary>
    public bool IsOpenLoop => Rate > 0 || RateOfSaturation > 0;

    public string Name => Scenario switch
    {
        LoadScenario.Connect => $"connect {Dialect} c{Connections}",
        LoadScenario.Idle => $"idle {Dialect} c{Connections}",
        LoadScenario.FanOut => $"fan-out {Dialect} {Size} to {Connections}, window {InFlight}",
        _ => $"echo {Dialect} {Size} c{Connections}{Blocked}" + (IsOpenLoop ? Pace : $" p{InFlight}"),
    };

    private string Blocked => Blocking > 0 ? $", {Blocking} of them blocking," : "";

    private string Pace => RateOfSaturation > 0
        ? string.Create(CultureInfo.InvariantCulture, $" at {100 * RateOfSaturation:F0} % of saturation")
        : $" at {Rate}/s";

    private string Size => Bytes switch
    {
        >= 1024 * 1024 when Bytes % (1024 * 1024) == 0 => $"{Bytes / (1024 * 1024)} MiB",
        >= 1024 when Bytes % 1024 == 0 => $"{Bytes / 1024} KiB",
        _ => $"{Bytes} B",
    };
}

internal enum LoadScenario
{
    /// <summary>Every message comes back to its sender.</summary>
    Echo,

    /// <summary>Every message of one connection goes to all.</summary>
    FanOut,

    /// <summary>Connections that open, upgrade, say goodbye and end, one after the other.</summary>
    Connect,

    /// <summary>Connections that do nothing.</summary>
    Idle,
}
