namespace RawWs.Server.Engine;

/// <summary>The transports of Engine.IO, their times and limits; each default says why it is what it is.</summary>
/// <remarks>Read once, when the server is made: later changes have no effect.</remarks>
public sealed class EngineOptions
{
    private static readonly TimeSpan s_longest = TimeSpan.FromDays(1);

    /// <summary>Transports that clients may use.</summary>
    public EngineTransports Transports { get; set; } = EngineTransports.Polling | EngineTransports.WebSocket;

    /// <summary>Clients may move from polling to a WebSocket.</summary>
    public bool AllowUpgrades { get; set; } = true;

    /// <summary>
    /// Time from the opening, or from a client's pong, to the next ping; 25 seconds, as in the official server: below
    /// the idle limits of common proxies.
    /// </summary>
    public TimeSpan PingInterval { get; set; } = TimeSpan.FromSeconds(25);

    /// <summary>Time in which the pong must come; 20 seconds, as in the official server: a phone may be in a tunnel.</summary>
    public TimeSpan PingTimeout { get; set; } = TimeSpan.FromSeconds(20);

    /// <summary>Time for an upgrade from polling; 10 seconds, as in the official server.</summary>
    public TimeSpan UpgradeTimeout { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>Time that a session over polling waits for the request that takes what it said last.</summary>
    public TimeSpan CloseTimeout { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>Bytes of a POST body or of a WebSocket message; a megabyte, as in the official server.</summary>
    public int MaxPayloadBytes { get; set; } = 1_000_000;

    /// <summary>
    /// Sessions at a time. A session over polling holds no connection, so connections do not bound them: each costs
    /// memory until it misses its pings.
    /// </summary>
    public int MaxSessions { get; set; } = 65_536;

    /// <summary>
    /// Bytes from which the answer to a poll is compressed, if the client takes gzip; below, a packet of the network
    /// is not saved. Null never compresses.
    /// </summary>
    public int? CompressionThresholdBytes { get; set; } = 1024;

    /// <summary>
    /// Which pages of other origins may use the server over HTTP; none if null. WebSockets know no such rule: see
    /// <see cref="ServerOptions.AllowedOrigins"/>.
    /// </summary>
    public CorsOptions? Cors { get; set; }

    /// <summary>A cookie with the session's id; none if null.</summary>
    public EngineCookie? Cookie { get; set; }

    /// <summary>
    /// Asked for the first request of each session: false, or an exception whose text the client gets if it is a
    /// <see cref="Events.ConnectionRefusedException"/>, refuses it with 403.
    /// </summary>
    public Func<EngineRequest, ValueTask<bool>>? AllowRequest { get; set; }

    /// <summary>
    /// Makes the id of a session; null for 120 random bits. The id is a secret: who knows it is the client. It must
    /// be new each time, and of letters, digits, <c>-</c> and <c>_</c>, at most 128.
    /// </summary>
    public Func<EngineRequest, string>? GenerateId { get; set; }

    /// <summary>Checks every setting.</summary>
    /// <exception cref="ArgumentException">One is out of its range, or two contradict each other.</exception>
    public void Validate()
    {
        foreach (var time in (TimeSpan[])[PingInterval, PingTimeout, UpgradeTimeout, CloseTimeout])
        {
            ArgumentOutOfRangeException.ThrowIfLessThan(time, TimeSpan.FromMilliseconds(5));
            ArgumentOutOfRangeException.ThrowIfGreaterThan(time, s_longest);
        }

        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(MaxPayloadBytes);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(MaxPayloadBytes, int.MaxValue / 2);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(MaxSessions);
        ArgumentOutOfRangeException.ThrowIfNegative(CompressionThresholdBytes ?? 0);
        if ((Transports & (EngineTransports.Polling | EngineTransports.WebSocket)) == EngineTransports.None)
            throw new ArgumentException($"{nameof(Transports)} must name one.");
        if (Cors?.Problem is { } problem)
            throw new ArgumentException($"{nameof(Cors)}: {problem}");
    }
}
