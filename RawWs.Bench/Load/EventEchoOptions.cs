using System.Globalization;

namespace RawWs.Bench.Load;

/// <summary>How much load <see cref="EventEcho"/> makes, and for how long.</summary>
internal sealed record EventEchoOptions
{
    public const string Usage = "events [--connections 64] [--seconds 4] [--rounds 9] [--warm-up 30] [--bytes 64]";

    /// <summary>Clients, each with one event under way.</summary>
    public int Connections { get; private set; } = 64;

    /// <summary>The length of a round.</summary>
    public int Seconds { get; private set; } = 4;

    /// <summary>How often each server is measured.</summary>
    public int Rounds { get; private set; } = 9;

    /// <summary>Seconds of the same load before the first round, for each server's compiler.</summary>
    public int WarmUp { get; private set; } = 30;

    /// <summary>The length of the text that goes there and back.</summary>
    public int Bytes { get; private set; } = 64;

    /// <returns>Null if an option is unknown or out of its range.</returns>
    public static EventEchoOptions? Parse(ReadOnlySpan<string> args)
    {
        var options = new EventEchoOptions();
        for (; args is [var name, var text, ..]; args = args[2..])
        {
            if (!int.TryParse(text, CultureInfo.InvariantCulture, out var value))
                return null;
            switch (name)
            {
                case "--connections" when value is >= 1 and <= 10_000:
                    options.Connections = value;
                    break;
                case "--seconds" when value is >= 1 and <= 600:
                    options.Seconds = value;
                    break;
                case "--rounds" when value is >= 1 and <= 100:
                    options.Rounds = value;
                    break;
                case "--warm-up" when value is >= 0 and <= 600:
                    options.WarmUp = value;
                    break;
                case "--bytes" when value is >= EventConnection.MinBytes and <= 500_000:
                    options.Bytes = value;
                    break;
                default:
                    return null;
            }
        }

        return args.IsEmpty ? options : null;
    }
}
