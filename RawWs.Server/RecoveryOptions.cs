namespace RawWs.Server;

/// <summary>
/// Connection state recovery of Socket.IO: a client that was cut off and comes back has the same id, rooms and data,
/// and gets the events that it missed. Each limit bounds memory that clients who are gone cost.
/// </summary>
/// <remarks>Read once, when the server is created; a later change has no effect.</remarks>
public sealed class RecoveryOptions
{
    /// <summary>How long a client may be gone; default 2 minutes, as in the official server.</summary>
    public TimeSpan MaxDisconnection { get; set; } = TimeSpan.FromMinutes(2);

    /// <summary>Middleware is not asked again about a client that comes back; default true: it has agreed before.</summary>
    public bool SkipMiddlewares { get; set; } = true;

    /// <summary>
    /// Events that are kept for one client; default 1,000. Who has missed more starts anew, as a client of so long an
    /// absence does.
    /// </summary>
    public int MaxMissedEvents { get; set; } = 1_000;

    /// <summary>Clients that may be gone and expected back at a time, per node; default 10,000. The longest gone go first.</summary>
    public int MaxSessions { get; set; } = 10_000;

    /// <summary>
    /// Bytes of events that are kept, per node; default 64 MiB. An event counts once, however many clients it is kept
    /// for. The oldest go first, and with them the recovery of those who have missed them.
    /// </summary>
    public long MaxBytes { get; set; } = 64 * 1024 * 1024;

    internal void Validate()
    {
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(MaxDisconnection, TimeSpan.Zero);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(MaxMissedEvents);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(MaxSessions);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(MaxBytes);
    }
}
