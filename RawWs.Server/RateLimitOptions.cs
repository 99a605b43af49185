namespace RawWs.Server;

/// <summary>How much clients may send, and how often they may connect; each default says why it is what it is.</summary>
/// <remarks>
/// All are off by default: what is much for a chat is little for a game, and a server that holds back legitimate
/// clients is as down to them as one that was flooded. Without them a client is bounded by backpressure alone: the
/// server reads no faster than its handlers return and its answers are taken.
/// </remarks>
public sealed class RateLimitOptions
{
    /// <summary>
    /// Messages of one connection: WebSocket messages, pings and pongs included; over HTTP requests, the opening
    /// handshake included, and the packets in them.
    /// </summary>
    public RateLimit? MessagesPerConnection { get; set; }

    /// <summary>
    /// Bytes that come in on one connection, of whatever kind, and those that compressed messages are inflated to.
    /// </summary>
    public RateLimit? BytesPerConnection { get; set; }

    /// <summary>As <see cref="MessagesPerConnection"/>, of all connections of one address together.</summary>
    public RateLimit? MessagesPerAddress { get; set; }

    /// <summary>As <see cref="BytesPerConnection"/>, of all connections of one address together.</summary>
    public RateLimit? BytesPerAddress { get; set; }

    /// <summary>
    /// New connections of one address. One above the rate is answered with 429 and closed: unlike a message it has no
    /// sender yet that could be made to wait. Behind a trusted proxy a connection is a client's new one each time that it
    /// brings a request of another client than before.
    /// </summary>
    public RateLimit? ConnectionsPerAddress { get; set; }

    /// <summary>
    /// What becomes of a connection above a rate of messages or bytes. Pushing back is the default: nothing is lost,
    /// and a client that means well does not even notice but for the time.
    /// </summary>
    public RateLimitPolicy Policy { get; set; } = RateLimitPolicy.PushBack;

    /// <summary>
    /// Addresses that are remembered when their last connection has gone, until their rates have recovered; the first to
    /// go are forgotten first. About 200 bytes each: whoever owns many addresses must not fill the memory.
    /// </summary>
    public int MaxIdleAddresses { get; set; } = 65_536;

    internal bool AnyPerConnection => MessagesPerConnection is not null || BytesPerConnection is not null;

    internal bool AnyPerAddress =>
        MessagesPerAddress is not null || BytesPerAddress is not null || ConnectionsPerAddress is not null;

    internal void Validate(TimeSpan resolution)
    {
        MessagesPerConnection?.Validate(nameof(MessagesPerConnection), resolution);
        BytesPerConnection?.Validate(nameof(BytesPerConnection), resolution);
        MessagesPerAddress?.Validate(nameof(MessagesPerAddress), resolution);
        BytesPerAddress?.Validate(nameof(BytesPerAddress), resolution);
        ConnectionsPerAddress?.Validate(nameof(ConnectionsPerAddress), TimeSpan.Zero);
        ArgumentOutOfRangeException.ThrowIfNegative(MaxIdleAddresses);
    }
}

/// <summary>What becomes of a connection that brings more than a rate allows.</summary>
public enum RateLimitPolicy
{
    /// <summary>It is not read until the rate has recovered: TCP makes the client wait, and nothing is lost.</summary>
    PushBack,

    /// <summary>A WebSocket is closed with 1008, a request is answered with 429.</summary>
    Disconnect,
}

/// <summary>What becomes of an event above <see cref="EventOptions.EventsPerSocket"/>.</summary>
public enum EventRatePolicy
{
    /// <summary>It waits, and everything behind it on that connection: TCP makes the client wait, and nothing is lost.</summary>
    PushBack,

    /// <summary>
    /// It is dropped. Whoever asked for an ack gets the error <c>rate_limited</c> where the dialect knows errors; over
    /// Socket.IO the client's own timeout tells.
    /// </summary>
    Refuse,
}

/// <summary>What becomes of an event for a client whose outbox is full.</summary>
public enum SlowConsumerPolicy
{
    /// <summary>
    /// The client is disconnected (1013 over a WebSocket): when it comes back it knows that it has missed something.
    /// </summary>
    Disconnect,

    /// <summary>
    /// That client misses the event, without a word and for good, and stays. For events that a later one makes up
    /// for. Answers to what a client asked are never dropped: for those it is disconnected all the same.
    /// </summary>
    Drop,
}
