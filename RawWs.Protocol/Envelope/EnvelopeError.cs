namespace RawWs.Protocol.Envelope;

/// <summary>Every way in which a client's message can fail to be a legal envelope.</summary>
public enum EnvelopeError : byte
{
    /// <summary>The envelope is legal.</summary>
    None,

    /// <summary>Not one JSON text (RFC 8259), or something follows it.</summary>
    NotJson,

    /// <summary>JSON, but not an object.</summary>
    NotAnObject,

    /// <summary>Objects and arrays nested beyond <see cref="EnvelopeLimits.MaxDepth"/>.</summary>
    TooDeep,

    /// <summary>One of the envelope's own keys appears twice.</summary>
    DuplicateKey,

    /// <summary>Keys of the envelope that exclude each other, such as <c>data</c> beside <c>args</c>.</summary>
    ConflictingKeys,

    /// <summary>Neither an event nor an acknowledgement.</summary>
    NoEvent,

    /// <summary>An event name that is not a string, is empty, or escapes a lone surrogate.</summary>
    InvalidName,

    /// <summary>An event name longer than <see cref="EnvelopeLimits.MaxNameBytes"/>.</summary>
    NameTooLong,

    /// <summary>An <c>id</c> that is not an integer from 0 to 2^53−1.</summary>
    InvalidId,

    /// <summary>An <c>ack</c> that is not an integer from 0 to 2^53−1.</summary>
    InvalidAck,

    /// <summary><c>args</c> that are not an array.</summary>
    InvalidArgs,

    /// <summary>An <c>error</c> that is not an object with the strings <c>code</c> and <c>message</c>.</summary>
    InvalidError,

    /// <summary>An event name that belongs to the dialect itself.</summary>
    ReservedEvent,

    /// <summary>A <c>connect</c> from a client that is connected.</summary>
    AlreadyConnected,

    /// <summary>A <c>connect</c> whose data is not one object.</summary>
    InvalidAuth,
}

/// <summary>What the peer is told about each <see cref="EnvelopeError"/>.</summary>
public static class EnvelopeErrors
{
    /// <summary>The code for programs, such as <c>not_json</c>. It never changes.</summary>
    /// <exception cref="ArgumentOutOfRangeException"><see cref="EnvelopeError.None"/> has no code.</exception>
    public static string Code(this EnvelopeError error) => Row(error).Code;

    /// <summary>The message for people.</summary>
    /// <exception cref="ArgumentOutOfRangeException"><see cref="EnvelopeError.None"/> has no message.</exception>
    public static string Message(this EnvelopeError error) => Row(error).Message;

    private static (string Code, string Message) Row(EnvelopeError error) => error switch
    {
        EnvelopeError.NotJson => ("not_json", "not a JSON text"),
        EnvelopeError.NotAnObject => ("not_an_object", "an envelope is a JSON object"),
        EnvelopeError.TooDeep => ("too_deep", "nested too deeply"),
        EnvelopeError.DuplicateKey => ("duplicate_key", "a key of the envelope appears twice"),
        EnvelopeError.ConflictingKeys => ("conflicting_keys", "keys of the envelope exclude each other"),
        EnvelopeError.NoEvent => ("no_event", "neither event nor ack"),
        EnvelopeError.InvalidName => ("invalid_name", "event is not a non-empty string"),
        EnvelopeError.NameTooLong => ("name_too_long", "event name too long"),
        EnvelopeError.InvalidId => ("invalid_id", "id is not an integer from 0 to 9007199254740991"),
        EnvelopeError.InvalidAck => ("invalid_ack", "ack is not an integer from 0 to 9007199254740991"),
        EnvelopeError.InvalidArgs => ("invalid_args", "args is not an array"),
        EnvelopeError.InvalidError => ("invalid_error", "error is not an object with strings code and message"),
        EnvelopeError.ReservedEvent => ("reserved_event", "the event name is reserved"),
        EnvelopeError.AlreadyConnected => ("already_connected", "already connected"),
        EnvelopeError.InvalidAuth => ("invalid_auth", "the data of connect is not an object"),
        _ => throw new ArgumentOutOfRangeException(nameof(error), error, "No rule is broken."),
    };
}
