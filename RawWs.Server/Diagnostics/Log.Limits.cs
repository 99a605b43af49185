using Microsoft.Extensions.Logging;

namespace RawWs.Server.Diagnostics;

/// <summary>What the server logs. Ids 1040–1049 are the limits'; <see cref="LimitReports"/> decides how often.</summary>
internal static partial class Log
{
    [LoggerMessage(1040, LogLevel.Warning, "the limit {Limit} is reached; {Suppressed} more since the last such line")]
    public static partial void LimitReached(ILogger logger, LimitKind limit, long suppressed);

    [LoggerMessage(
        1041, LogLevel.Warning, "the limit {Limit} is reached by {Peer}; {Suppressed} more since the last such line")]
    public static partial void LimitReachedBy(ILogger logger, LimitKind limit, object peer, long suppressed);
}
