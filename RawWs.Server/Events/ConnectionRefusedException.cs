namespace RawWs.Server.Events;

/// <summary>
/// Thrown by connect middleware to refuse a client; its message and details go to that client.
/// </summary>
public sealed class ConnectionRefusedException : Exception
{
    /// <summary>A refusal.</summary>
    /// <param name="message">What the client is told.</param>
    /// <param name="details">
    /// What the client gets beside the message, as JSON; its type must be known to the serializer options.
    /// </param>
    public ConnectionRefusedException(string message, object? details = null)
        : base(message) => Details = details;

    /// <summary>What the client gets beside the message.</summary>
    public object? Details { get; }
}
