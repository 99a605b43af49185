using System.Net;
using Microsoft.Extensions.Logging;
using RawWs.Protocol.Http;
using RawWs.Protocol.WebSockets;
using RawWs.Server.Diagnostics;
using RawWs.Server.Transport.Limits;

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
        Deflate = ServerDeflate.TryCreate(options, metrics);
        Limits = new LimitReports(logger, metrics, timeProvider, options.LimitLogInterval);
        if (options.MaxConnectionsPerAddress is > 0 || options.RateLimits.AnyPerAddress)
            Addresses = new AddressTable(options);
        Admission = new Admission(this);
        metrics.Observe(this);
        if (options.MetricsPath is not null)
        {
            Prometheus = new PrometheusExporter(metrics.Meter);
            metrics.ShowAll();
        }
        PingInterval = (long)options.PingInterval.TotalMilliseconds;
        PingTimeout = (long)options.PingTimeout.TotalMilliseconds;
        CloseTimeout = (long)options.CloseTimeout.TotalMilliseconds;
        LingerTimeout = (long)options.LingerTimeout.TotalMilliseconds;
        DeflateContextTimeout = (long)options.DeflateContextTimeout.TotalMilliseconds;
    }

    public ServerOptions Options { get; }

    public ILogger Logger { get; }

    public ServerMetrics Metrics { get; }

    public TimeProvider TimeProvider { get; }

    public ConnectionTable Connections { get; }

    public Routes Routes { get; }

    public HttpLimits HttpLimits { get; }

    public MessageLimits MessageLimits { get; }

    /// <summary>Null if compression is not offered, or not to be had.</summary>
    public ServerDeflate? Deflate { get; }

    /// <summary>Where it is told that a limit was reached.</summary>
    public LimitReports Limits { get; }

    /// <summary>The addresses of connections; null where no limit asks for them.</summary>
    public AddressTable? Addresses { get; }

    public Admission Admission { get; }

    /// <summary>Adds up the metrics; null where nobody reads them.</summary>
    public PrometheusExporter? Prometheus { get; }

    // In milliseconds, the unit of the connection table's clock.
    public long PingInterval { get; }

    public long PingTimeout { get; }

    public long CloseTimeout { get; }

    public long LingerTimeout { get; }

    public long DeflateContextTimeout { get; }

    public long Now => Connections.Now;

    /// <summary>Whether what a peer says about its clients is believed.</summary>
    public bool IsTrustedProxy(IPAddress peer) =>
        Options.TrustedProxies.Count > 0 && ForwardedHeaders.IsTrusted(peer, Options.TrustedProxies);
}
