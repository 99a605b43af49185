namespace RawWs.Server;

/// <summary>A rate that is kept over time: so many a second, and so many at once after a silence.</summary>
/// <param name="PerSecond">What comes back every second.</param>
/// <param name="Burst">
/// What may come at once. At least what comes back within <see cref="ServerOptions.TimerResolution"/>, or the timer
/// could not let the whole rate through.
/// </param>
public sealed record RateLimit(int PerSecond, int Burst)
{
    /// <summary>A rate that may be used up at once, every second.</summary>
    public RateLimit(int perSecond)
        : this(perSecond, perSecond)
    {
    }

    internal void Validate(string name, TimeSpan resolution)
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(PerSecond, name);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(Burst, name);
        if (Burst < PerSecond * resolution.TotalSeconds)
            throw new ArgumentOutOfRangeException(
                name, Burst, $"The burst must not be below what {nameof(ServerOptions.TimerResolution)} brings.");
    }
}
