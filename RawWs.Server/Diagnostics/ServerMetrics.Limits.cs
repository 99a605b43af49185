using System.Diagnostics.CodeAnalysis;
using System.Diagnostics.Metrics;
using RawWs.Server.Transport;

namespace RawWs.Server.Diagnostics;

// What the limits bound, and how often they were reached.
internal sealed partial class ServerMetrics
{
    private static readonly KeyValuePair<string, object?>[] s_limits =
        [.. Enum.GetValues<LimitKind>().Select(kind => new KeyValuePair<string, object?>("limit", NameOf(kind)))];

    private Counter<long> _limitsReached;

    /// <summary>Every limit as the metric names it.</summary>
    public static IEnumerable<string> LimitNames => s_limits.Select(limit => (string)limit.Value!);

    public Meter Meter => _meter;

    public void LimitReached(LimitKind kind) => _limitsReached.Add(1, s_limits[(int)kind]);

    /// <summary>Adds what is only looked at when somebody asks.</summary>
    public void Observe(ServerContext context)
    {
        _meter.CreateObservableUpDownCounter(
            "rawws.connections.open", () => context.Connections.Count, "{connection}", "Open TCP connections.");
        _meter.CreateObservableUpDownCounter(
            "rawws.handshakes.active",
            () => context.Admission.Handshakes.Count,
            "{connection}",
            "Open connections whose first request head has not come in.");
        _meter.CreateObservableUpDownCounter(
            "rawws.sessions.active",
            () => context.Routes.Engines.Sum(engine => engine.SessionCount),
            "{session}",
            "Engine.IO sessions, over polling and WebSockets.");
        _meter.CreateObservableUpDownCounter(
            "rawws.outbox.bytes",
            () => context.Connections.PendingBytes,
            "By",
            "Bytes that wait for WebSocket clients to read.");
        if (context.Addresses is { } addresses)
            _meter.CreateObservableUpDownCounter(
                "rawws.addresses.tracked",
                () => addresses.Count,
                "{address}",
                "Addresses that have connections, or whose rates have not recovered.");
    }

    private static string NameOf(LimitKind kind) => kind switch
    {
        LimitKind.Connections => "connections",
        LimitKind.Handshakes => "handshakes",
        LimitKind.Address => "address_connections",
        LimitKind.AddressConnections => "address_connection_rate",
        LimitKind.ConnectionMessages => "connection_message_rate",
        LimitKind.ConnectionBytes => "connection_byte_rate",
        LimitKind.AddressMessages => "address_message_rate",
        LimitKind.AddressBytes => "address_byte_rate",
        LimitKind.SocketEvents => "socket_event_rate",
        LimitKind.Outbox => "outbox",
        _ => "sessions",
    };

    [MemberNotNull(nameof(_limitsReached))]
    private void CreateLimitInstruments(Meter meter) => _limitsReached = meter.CreateCounter<long>(
        "rawws.limits.reached", "{time}", "Times that a limit was reached: somebody was refused, held back or cut off.");
}
