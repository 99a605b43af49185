using Microsoft.Extensions.Logging;
using RawWs.Protocol.Http;
using RawWs.Protocol.WebSockets;
using RawWs.Server.Diagnostics;

namespace RawWs.Server.Transport;

/// <summary>What every connection of one server shares.</summary>
internal sealed class ServerContext
{
    public ServerContext(ServerOptions options, ILogger logger, ServerMetrics metrics, TimeProvider timeProvider)
    {
        Options = options;
        Logger = logger;
        Metrics = metrics;
        TimeProvider = timeProvider;
        Connections = new ConnectionTable(
            timeProvider, options.TimerResolution, fault => Log.TickFailed(logger, fault));
        Routes = new Routes(options);
        HttpLimits = new HttpLimits
        {
            MaxRequestLineBytes = options.MaxRequestLineBytes,
            MaxHeaderBytes = options.MaxHeaderBytes,
            MaxHeaders = options.MaxHeaders,
            MaxBodyBytes = options.MaxBodyBytes,
        };
        MessageLimits = new MessageLimits
        {
            MaxMessageBytes = options.MaxMessageBytes,
            MaxFragments = options.MaxFragments,
            ReceiveBufferBytes = options.ReceiveBufferBytes,
        };
        PingInterval = (long)options.PingInterval.TotalMilliseconds;
        PingTimeout = (long)options.PingTimeout.TotalMilliseconds;
        CloseTimeout = (long)options.CloseTimeout.TotalMilliseconds;
        LingerTimeout = (long)options.LingerTimeout.TotalMilliseconds;
    }

    public ServerOptions Options { get; }

    public ILogger Logger { get; }

    public ServerMetrics Metrics { get; }

    public TimeProvider TimeProvider { get; }

    public ConnectionTable Connections { get; }

    public Routes Routes { get; }

    public HttpLimits HttpLimits { get; }

    public MessageLimits MessageLimits { get; }

    // In milliseconds, the unit of the connection table's clock.
    public long PingInterval { get; }

    public long PingTimeout { get; }

    public long CloseTimeout { get; }

    public long LingerTimeout { get; }

    public long Now => Connections.Now;
}
