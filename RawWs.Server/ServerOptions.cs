using System.ComponentModel.DataAnnotations;
using System.Net;
using Microsoft.Extensions.Options;
using RawWs.Protocol.WebSockets.Deflate;
using RawWs.Server.Engine;

namespace RawWs.Server;

/// <summary>Where a server listens and every limit it keeps; each default says why it is what it is.</summary>
/// <remarks>Read once, when the server is made: later changes have no effect.</remarks>
public sealed class ServerOptions : IValidatableObject
{
    /// <summary>The address or host name to listen on. Loopback: being reachable from outside is a decision.</summary>
    [Required]
    public string Host { get; set; } = "127.0.0.1";

    /// <summary>The TCP port, 0 for one that the system chooses.</summary>
    [Range(0, 65535)]
    public int Port { get; set; } = 3000;

    /// <summary>Connections that the system completes before the server accepts them: a burst of reconnects fits.</summary>
    [Range(1, 65535)]
    public int Backlog { get; set; } = 4096;

    /// <summary>
    /// The certificates with which the port speaks TLS, and TLS only; <c>null</c> for plain TCP, as behind a proxy that
    /// does it.
    /// </summary>
    public TlsOptions? Tls { get; set; }

    /// <summary>
    /// TCP connections at a time; at the limit new ones wait in the backlog. The default leaves room for every
    /// handle that a process may usually have; the handles themselves are the harder limit.
    /// </summary>
    [Range(1, int.MaxValue)]
    public int MaxConnections { get; set; } = 65_536;

    /// <summary>
    /// Handles of the process that connections leave free; new ones wait in the backlog then. The runtime, which takes
    /// two for each thread, ends a process that has none left.
    /// </summary>
    [Range(0, int.MaxValue)]
    public int ReservedHandles { get; set; } = 64;

    /// <summary>
    /// TCP connections of one address at a time, of IPv6 of one prefix of 64 bits; above it a new one is answered with
    /// 503. Null or 0 for no such limit, the default: behind a proxy that is not in <see cref="TrustedProxies"/>, or a
    /// carrier's address translation, thousands share one address.
    /// </summary>
    [Range(0, int.MaxValue)]
    public int? MaxConnectionsPerAddress { get; set; }

    /// <summary>
    /// Connections at a time whose first request head has not come in, and with TLS its handshake, so that those that are
    /// established keep their time and memory. Above it a new one takes the place of the one that has waited longest, if
    /// that is a second, and is else answered with 503. As many as the backlog holds: a burst of reconnects fits. Null or 0
    /// for no such limit.
    /// </summary>
    [Range(0, int.MaxValue)]
    public int? MaxHandshakes { get; set; } = 4096;

    /// <summary>How much clients may send, and how often they may connect; all off by default.</summary>
    [Required]
    public RateLimitOptions RateLimits { get; set; } = new();

    /// <summary>
    /// Proxies whose <c>X-Forwarded-For</c> and <c>X-Forwarded-Proto</c> are believed; none by default, since anyone can
    /// send them. A proxy in this list must set or remove both.
    /// </summary>
    public IList<IPNetwork> TrustedProxies { get; } = [];

    /// <summary>
    /// Time between two log lines that say that the same limit is reached; those left out are counted in the next. Often
    /// enough to see that it goes on.
    /// </summary>
    [TimeRange]
    public TimeSpan LimitLogInterval { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>
    /// Origins whose pages may connect, compared as a whole and without case; empty for any. A request without an Origin is no
    /// browser's and is let in.
    /// </summary>
    public IList<string> AllowedOrigins { get; } = [];

    /// <summary>Subprotocols that WebSocket paths accept, any order: the client's first that is known is chosen.</summary>
    public IList<string> Subprotocols { get; } = [];

    /// <summary>
    /// The path of event connections, <c>null</c> for none. The path below it names the namespace:
    /// <c>/ws/admin</c> is <c>/admin</c>.
    /// </summary>
    public string? EventPath { get; set; } = "/ws";

    /// <summary>
    /// The path of Socket.IO, with or without a trailing slash in the request; <c>null</c> for none. The official
    /// clients' default.
    /// </summary>
    public string? SocketIoPath { get; set; } = "/socket.io";

    /// <summary>The path of the health document, <c>null</c> for none.</summary>
    public string? HealthPath { get; set; } = "/health";

    /// <summary>
    /// The path of the metrics in Prometheus' text format, <c>null</c> for none: what they tell is the operator's
    /// business, and measuring costs a little for each message.
    /// </summary>
    public string? MetricsPath { get; set; }

    /// <summary>
    /// Time from the accepted connection to the end of the request head, the TLS handshake included, in all and not per
    /// byte.
    /// </summary>
    [TimeRange]
    public TimeSpan HandshakeTimeout { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>Time that an HTTP connection may wait for its next request: longer than a page takes to load.</summary>
    [TimeRange]
    public TimeSpan IdleTimeout { get; set; } = TimeSpan.FromSeconds(60);

    /// <summary>Time that one write of an HTTP answer may take to reach the system: a peer that reads, reads faster.</summary>
    [TimeRange]
    public TimeSpan ResponseTimeout { get; set; } = TimeSpan.FromSeconds(30);

    /// <summary>Bytes of a request line: the length that servers at large accept.</summary>
    [Range(64, 1 << 20)]
    public int MaxRequestLineBytes { get; set; } = 8 * 1024;

    /// <summary>Bytes of all header lines of a request: large cookies fit, a flood does not.</summary>
    [Range(64, 1 << 24)]
    public int MaxHeaderBytes { get; set; } = 32 * 1024;

    /// <summary>Header lines of a request.</summary>
    [Range(1, 10_000)]
    public int MaxHeaders { get; set; } = 100;

    /// <summary>Bytes of a request body: what a long-polling client of Socket.IO may send.</summary>
    [Range(0, long.MaxValue)]
    public long MaxBodyBytes { get; set; } = 1_000_000;

    /// <summary>Bytes a second below which a request body is too slow, after <see cref="BodyGracePeriod"/>.</summary>
    [Range(0, int.MaxValue)]
    public int MinBodyBytesPerSecond { get; set; } = 240;

    /// <summary>Time before a request body must keep its rate: a lost packet is no attack.</summary>
    [TimeRange]
    public TimeSpan BodyGracePeriod { get; set; } = TimeSpan.FromSeconds(5);

    /// <summary>Bytes of a WebSocket message, over all its fragments; the least that fits most applications.</summary>
    [Range(1, int.MaxValue / 2)]
    public int MaxMessageBytes { get; set; } = 1024 * 1024;

    /// <summary>Fragments of a WebSocket message, empty ones counted: each costs time, even with nothing in it.</summary>
    [Range(1, int.MaxValue)]
    public int MaxFragments { get; set; } = 131_072;

    /// <summary>
    /// First size of the buffer that a connection receives into. It doubles whenever a read fills it and is given
    /// back in silence: thousands of connections that say little stay cheap, and one that says much is soon fast.
    /// </summary>
    [Range(256, 64 * 1024)]
    public int ReceiveBufferBytes { get; set; } = 512;

    /// <summary>
    /// Bytes that may wait for a peer before messages to it are dropped. Bounds the memory that a slow reader costs;
    /// a burst of an event-rich moment fits.
    /// </summary>
    [Range(1024, int.MaxValue / 2)]
    public int MaxOutboxBytes { get; set; } = 4 * 1024 * 1024;

    /// <summary>
    /// Waiting bytes above which a send answers Backpressure and the peer is not read; half of it is the mark at which
    /// both end. A message always fits while less than this waits, whatever its size.
    /// </summary>
    [Range(256, int.MaxValue / 2)]
    public int OutboxHighWaterBytes { get; set; } = 64 * 1024;

    /// <summary>Silence after which the peer is asked for a sign of life: below the idle limits of common proxies.</summary>
    [TimeRange]
    public TimeSpan PingInterval { get; set; } = TimeSpan.FromSeconds(25);

    /// <summary>Time to give that sign; anything received is one.</summary>
    [TimeRange]
    public TimeSpan PingTimeout { get; set; } = TimeSpan.FromSeconds(20);

    /// <summary>Time from our close frame to the peer's, in which what was queued before it is also written.</summary>
    [TimeRange]
    public TimeSpan CloseTimeout { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>
    /// Time in which a connection that is over still takes in what the peer has sent, so that no reset destroys the
    /// last bytes to it. Below one second: peers wait for the end.
    /// </summary>
    [TimeRange]
    public TimeSpan LingerTimeout { get; set; } = TimeSpan.FromMilliseconds(750);

    /// <summary>Bytes taken in and thrown away in that time: more than one message of the default size.</summary>
    [Range(0, long.MaxValue)]
    public long MaxLingerBytes { get; set; } = 64 * 1024 * 1024;

    /// <summary>The step of the one timer behind every timeout: no timeout is late by more.</summary>
    [TimeRange]
    public TimeSpan TimerResolution { get; set; } = TimeSpan.FromMilliseconds(100);

    /// <summary>
    /// How messages are compressed (permessage-deflate, RFC 7692) for clients that offer it, on every WebSocket path; null,
    /// the default, declines every offer. Compression costs several times what a message costs without, and what a page
    /// can have mixed with a secret may be told from the size of the two.
    /// </summary>
    public DeflateOptions? Deflate { get; set; }

    /// <summary>
    /// Windows of compression that may be kept for connections with context takeover, two for a connection that has it both
    /// ways; beyond that it is not granted. One takes up to 292 KiB, so all together 290 MiB. Without takeover, which is
    /// the default, none is kept.
    /// </summary>
    [Range(0, int.MaxValue)]
    public int MaxDeflateContexts { get; set; } = 1000;

    /// <summary>
    /// Silence after which a connection with context takeover gives back the window that it compresses with; the next
    /// message begins a new one. What it inflates with must be kept, since the client may refer to it.
    /// </summary>
    [TimeRange]
    public TimeSpan DeflateContextTimeout { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>
    /// Event loops: threads that each wait for some of the connections and run their handlers, so that no message
    /// changes threads. As many as there are processors; 0 leaves connections to the thread pool, as is always done
    /// where there is no epoll.
    /// </summary>
    [Range(0, 1024)]
    public int EventLoops { get; set; } = Environment.ProcessorCount;

    /// <summary>
    /// What goes to many connections of event loops is sent by io_uring: one call of the system for up to 256 of them.
    /// Without it, or where the process has none (before Linux 6.1, or by a policy of the system), it is one call for each.
    /// </summary>
    public bool UseIoUring { get; set; } = true;

    /// <summary>
    /// Handlers that may block the thread of their event loop at a time, each at the cost of a thread that takes its place;
    /// with more, connections of such a loop wait for a handler to return. Well below the threads a process may have.
    /// </summary>
    [Range(0, 32_768)]
    public int MaxBlockedThreads { get; set; } = 1024;

    /// <summary>Limits of the event layer.</summary>
    [Required]
    public EventOptions Events { get; set; } = new();

    /// <summary>Transports, times and limits of Socket.IO's Engine.IO.</summary>
    [Required]
    public EngineOptions Engine { get; set; } = new();

    /// <inheritdoc/>
    public IEnumerable<ValidationResult> Validate(ValidationContext validationContext)
    {
        if (OutboxHighWaterBytes > MaxOutboxBytes)
            yield return new ValidationResult(
                $"{nameof(OutboxHighWaterBytes)} must not be above {nameof(MaxOutboxBytes)}.");
        if (EventPath is { } path && (!path.StartsWith('/') || path.EndsWith('/')))
            yield return new ValidationResult($"{nameof(EventPath)} must start with '/' and not end with it.");
        if (MetricsPath is { } metricsPath && !metricsPath.StartsWith('/'))
            yield return new ValidationResult($"{nameof(MetricsPath)} must start with '/'.");
        if (SocketIoPath is { } socketIoPath && (!socketIoPath.StartsWith('/') || socketIoPath.TrimEnd('/') == ""))
            yield return new ValidationResult($"{nameof(SocketIoPath)} must start with '/' and name something.");
        if (Tls?.Problem is { } tlsProblem)
            yield return new ValidationResult($"{nameof(Tls)}: {tlsProblem}");
        if (ProblemOf(ValidateRates) is { } rateProblem)
            yield return new ValidationResult($"{nameof(RateLimits)}: {rateProblem}");
        if (ProblemOf(Events.Validate) is { } problem)
            yield return new ValidationResult($"{nameof(Events)}: {problem}");
        if (ProblemOf(Engine.Validate) is { } engineProblem)
            yield return new ValidationResult($"{nameof(Engine)}: {engineProblem}");
    }

    private void ValidateRates()
    {
        RateLimits.Validate(TimerResolution);
        Events.EventsPerSocket?.Validate(nameof(Events.EventsPerSocket), TimerResolution);
    }

    private static string? ProblemOf(Action validate)
    {
        try
        {
            validate();
            return null;
        }
        catch (ArgumentException e)
        {
            return e.Message;
        }
    }
}

/// <summary>Checks <see cref="ServerOptions"/>; generated at compile time, so it needs no reflection.</summary>
[OptionsValidator]
public sealed partial class ServerOptionsValidator : IValidateOptions<ServerOptions>;
