using System.Diagnostics.CodeAnalysis;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using RawWs.Server.Events;

namespace RawWs.Server;

/// <summary>The limits and the JSON of the event layer: namespaces, handlers, acks and rooms.</summary>
/// <remarks>Read once, when the server is created; a later change has no effect.</remarks>
public sealed class EventOptions
{
    /// <summary>
    /// Handlers of one socket that may be unfinished at a time; default 1,000. An event that arrives at the
    /// bound waits, and with it everything behind it on that connection: TCP pushes back on the client.
    /// 1 handles events strictly one after another, but then a handler that waits for an ack of its own
    /// client waits in vain if the client sends another event before it answers. 1,000 is far above what a
    /// well-behaved client has in flight, and bounds what a hostile one can pile up.
    /// </summary>
    public int MaxConcurrentHandlers { get; set; } = 1_000;

    /// <summary>
    /// Events that one socket may send; null, the default, for as many as its handlers keep up with: what is much for
    /// a chat is little for a game. Acks do not count. A client that leaves a namespace and joins it again begins anew: what
    /// bounds it over all is <see cref="RateLimitOptions.MessagesPerConnection"/>.
    /// </summary>
    public RateLimit? EventsPerSocket { get; set; }

    /// <summary>What becomes of an event above that rate; by default it waits, so that nothing is lost.</summary>
    public EventRatePolicy EventRatePolicy { get; set; } = EventRatePolicy.PushBack;

    /// <summary>
    /// What becomes of an event for a client that reads too slowly to be given it; by default the client is
    /// disconnected: what it misses must not go unnoticed. Volatile events are dropped in any case.
    /// </summary>
    public SlowConsumerPolicy SlowConsumerPolicy { get; set; } = SlowConsumerPolicy.Disconnect;

    /// <summary>
    /// Emitted events of one socket that may wait for their ack at a time; default 1,000. Beyond it
    /// <c>EmitWithAckAsync</c> throws: a client that never answers must not cost unbounded memory.
    /// </summary>
    public int MaxPendingAcks { get; set; } = 1_000;

    /// <summary>
    /// How long an emitted event waits for its ack when the call names no time of its own; default 10
    /// seconds, well under the time after which a silent peer is given up, so that the call fails before the
    /// connection does.
    /// </summary>
    public TimeSpan AckTimeout { get; set; } = TimeSpan.FromSeconds(10);

    /// <summary>
    /// How deep JSON may be nested, inbound and outbound; default 128. Real data stays under 100, and a
    /// reader that recurses needs a bound. It overrides <see cref="JsonSerializerOptions.MaxDepth"/>.
    /// </summary>
    public int MaxJsonDepth { get; set; } = 128;

    /// <summary>
    /// Bytes of JSON that one emitted event may carry; default 4 MiB. A larger one would fill the outbox of
    /// every receiver by itself and cut it off as a slow consumer: better the emitter is told.
    /// </summary>
    public int MaxEmitBytes { get; set; } = 4 * 1024 * 1024;

    /// <summary>
    /// Byte arrays that one event or ack may carry, inbound and outbound; default 10, beyond which the official
    /// clients cut the connection. An event that waits for the last of its attachments holds the memory of all.
    /// </summary>
    public int MaxAttachments { get; set; } = 10;

    /// <summary>
    /// Rooms that one socket may be in, beside its own; default 10,000. Room names often come from clients,
    /// so without a bound one of them could fill the memory by joining.
    /// </summary>
    public int MaxRoomsPerSocket { get; set; } = 10_000;

    /// <summary>
    /// Namespaces that one connection may be in or ask for at a time; default 32. Applications use a
    /// handful; with dynamic namespaces each costs memory at a client's word.
    /// </summary>
    public int MaxNamespacesPerConnection { get; set; } = 32;

    /// <summary>
    /// A namespace that was made for a pattern or predicate goes with its last client; default true, unlike the
    /// official server: its name was the client's choice, and what clients choose must not pile up.
    /// </summary>
    public bool CleanupEmptyNamespaces { get; set; } = true;

    /// <summary>
    /// Malformed envelopes that a connection may send before it is closed; default 10. A few are a bug in a
    /// page, worth an answer each; many are an attack.
    /// </summary>
    public int MaxMalformedEnvelopes { get; set; } = 10;

    /// <summary>
    /// How long a new connection may take to join its first namespace; default 45 seconds, as with Socket.IO.
    /// </summary>
    public TimeSpan ConnectTimeout { get; set; } = TimeSpan.FromSeconds(45);

    /// <summary>
    /// How long an envelope connection waits for an explicit connect before it joins <c>/</c> by itself;
    /// default 2 seconds: several round trips for a client that brings credentials, not too long for one
    /// that does not.
    /// </summary>
    public TimeSpan ConnectGracePeriod { get; set; } = TimeSpan.FromSeconds(2);

    /// <summary>
    /// Recovery of Socket.IO clients that were cut off; off by default, since it keeps every event for a while.
    /// </summary>
    public RecoveryOptions? Recovery { get; set; }

    /// <summary>
    /// How arguments become JSON and back: camelCase names, matched without regard to case, and text written
    /// as it is rather than escaped for HTML.
    /// </summary>
    /// <remarks>
    /// In a trimmed or AOT-compiled application put a source-generated context in front:
    /// <c>SerializerOptions.TypeInfoResolverChain.Insert(0, MyJsonContext.Default)</c>. Primitives, strings
    /// and <see cref="JsonElement"/> are known already.
    /// </remarks>
    public JsonSerializerOptions SerializerOptions { get; } = CreateSerializerOptions();

    /// <summary>Checks every limit.</summary>
    /// <exception cref="ArgumentOutOfRangeException">
    /// A limit is zero or negative, or out of its range.
    /// </exception>
    public void Validate()
    {
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(MaxConcurrentHandlers);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(MaxPendingAcks);
        EventsPerSocket?.Validate(nameof(EventsPerSocket), TimeSpan.Zero);
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(AckTimeout, TimeSpan.Zero);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(MaxJsonDepth);
        // The reader and the writer of JSON recurse; beyond this a thread's stack may not do.
        ArgumentOutOfRangeException.ThrowIfGreaterThan(MaxJsonDepth, 1_000);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(MaxEmitBytes);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(MaxAttachments);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(MaxAttachments, 65_536);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(MaxRoomsPerSocket);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(MaxNamespacesPerConnection);
        ArgumentOutOfRangeException.ThrowIfNegativeOrZero(MaxMalformedEnvelopes);
        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(ConnectTimeout, TimeSpan.Zero);
        ArgumentOutOfRangeException.ThrowIfLessThan(ConnectGracePeriod, TimeSpan.Zero);
        Recovery?.Validate();
    }

    private static JsonSerializerOptions CreateSerializerOptions()
    {
        var options = new JsonSerializerOptions(JsonSerializerDefaults.Web)
        {
            // What is written goes into a WebSocket message or an application/json body, never into HTML.
            Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
        };
        options.TypeInfoResolverChain.Add(EventJsonContext.Default);
        if (JsonSerializer.IsReflectionEnabledByDefault)
            AddReflection(options);

        return options;
    }

    [UnconditionalSuppressMessage("Trimming", "IL2026", Justification =
        "Reached only where reflection is enabled for JSON; trimming switches it off by default.")]
    [UnconditionalSuppressMessage("AOT", "IL3050", Justification = "The same switch guards it.")]
    private static void AddReflection(JsonSerializerOptions options) =>
        options.TypeInfoResolverChain.Add(new DefaultJsonTypeInfoResolver());
}
