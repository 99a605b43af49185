namespace RawWs.Server.Sessions;

/// <summary>Why a client was disconnected, in the words of Socket.IO.</summary>
public readonly record struct DisconnectReason
{
    private readonly string? _text;

    private DisconnectReason(string text) => _text = text;

    /// <summary>The connection broke, or its peer broke a rule of the transport.</summary>
    public static DisconnectReason TransportError { get; } = new("transport error");

    /// <summary>The client closed the connection, or it ended without a word.</summary>
    public static DisconnectReason TransportClose { get; } = new("transport close");

    /// <summary>The client broke the order of the dialect.</summary>
    public static DisconnectReason ForcedClose { get; } = new("forced close");

    /// <summary>The client did not answer a ping in time.</summary>
    public static DisconnectReason PingTimeout { get; } = new("ping timeout");

    /// <summary>The client sent something that cannot be decoded.</summary>
    public static DisconnectReason ParseError { get; } = new("parse error");

    /// <summary>The server stops.</summary>
    public static DisconnectReason ServerShuttingDown { get; } = new("server shutting down");

    /// <summary>The server closed the connection of the client.</summary>
    public static DisconnectReason ForcedServerClose { get; } = new("forced server close");

    /// <summary>The client left the namespace.</summary>
    public static DisconnectReason ClientNamespaceDisconnect { get; } = new("client namespace disconnect");

    /// <summary>The server disconnected the client from the namespace.</summary>
    public static DisconnectReason ServerNamespaceDisconnect { get; } = new("server namespace disconnect");

    /// <summary>The reason as Socket.IO spells it, such as <c>transport close</c>.</summary>
    public override string ToString() => _text ?? "";
}
