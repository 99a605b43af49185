namespace RawWs.Server.Diagnostics;

/// <summary>The limits that peers may reach, as metrics and logs name them.</summary>
internal enum LimitKind
{
    /// <summary><see cref="ServerOptions.MaxConnections"/>: the accept loop waits.</summary>
    Connections,

    /// <summary><see cref="ServerOptions.MaxHandshakes"/>: a connection was refused.</summary>
    Handshakes,

    /// <summary><see cref="ServerOptions.MaxConnectionsPerAddress"/>: a connection was refused.</summary>
    Address,

    /// <summary><see cref="RateLimitOptions.ConnectionsPerAddress"/>: a connection was refused.</summary>
    AddressConnections,

    /// <summary><see cref="RateLimitOptions.MessagesPerConnection"/>.</summary>
    ConnectionMessages,

    /// <summary><see cref="RateLimitOptions.BytesPerConnection"/>.</summary>
    ConnectionBytes,

    /// <summary><see cref="RateLimitOptions.MessagesPerAddress"/>.</summary>
    AddressMessages,

    /// <summary><see cref="RateLimitOptions.BytesPerAddress"/>.</summary>
    AddressBytes,

    /// <summary><see cref="EventOptions.EventsPerSocket"/>.</summary>
    SocketEvents,

    /// <summary><see cref="ServerOptions.MaxOutboxBytes"/>: an event, or its client, was dropped.</summary>
    Outbox,

    /// <summary><see cref="Engine.EngineOptions.MaxSessions"/>: a session was refused.</summary>
    Sessions,
}
