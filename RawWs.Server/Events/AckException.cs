namespace RawWs.Server.Events;

/// <summary>An ack that is an error instead of a value.</summary>
/// <remarks>
/// <c>EmitWithAckAsync</c> throws it when the client answers with an error or goes away. A handler may throw
/// one of its own: the client that asked for an ack then gets its code and message, and nothing is logged.
/// </remarks>
public sealed class AckException : Exception
{
    /// <summary>The code that a client gets when its handler has failed; no details go with it.</summary>
    public const string HandlerError = "handler_error";

    /// <summary>
    /// The code for arguments that do not fit the handler, or an answer that does not fit the caller.
    /// </summary>
    public const string BadArguments = "bad_arguments";

    /// <summary>The code for an event above <see cref="EventOptions.EventsPerSocket"/>; no handler has seen it.</summary>
    public const string RateLimited = "rate_limited";

    /// <summary>The code for a client that disconnected before it answered.</summary>
    public const string Disconnected = "disconnected";

    /// <summary>An error to answer the client with.</summary>
    /// <param name="code">A short word for programs, such as <c>room_full</c>.</param>
    /// <param name="message">A sentence for people; it goes to the client.</param>
    public AckException(string code, string message = "")
        : this(code, message, isReceived: false, null)
    {
    }

    internal AckException(string code, string message, bool isReceived, Exception? inner)
        : base(message, inner)
    {
        ArgumentException.ThrowIfNullOrEmpty(code);
        Code = code;
        IsReceived = isReceived;
    }

    /// <summary>A short word for programs, such as <c>handler_error</c>.</summary>
    public string Code { get; }

    /// <summary>
    /// It came from a client: when a handler lets it through, no other client must get to see it.
    /// </summary>
    internal bool IsReceived { get; }
}
