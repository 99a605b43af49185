namespace RawWs.Server.Transport.Limits;

/// <summary>What the connections of one address have used up together.</summary>
/// <remarks>The rates may be asked from any thread; the rest belongs to <see cref="AddressTable"/> and its lock.</remarks>
internal sealed class AddressEntry(UInt128 key, RateLimitOptions rates, long now)
{
    private readonly Lock _lock = new();
    private TokenBucket _connections = New(rates.ConnectionsPerAddress, now);
    private TokenBucket _messages = New(rates.MessagesPerAddress, now);
    private TokenBucket _bytes = New(rates.BytesPerAddress, now);

    public UInt128 Key { get; } = key;

    /// <summary>Connections that are open.</summary>
    public int Connections { get; set; }

    /// <summary>Its place among the addresses without a connection, while it has none.</summary>
    public LinkedListNode<AddressEntry>? Idle { get; set; }

    /// <summary>Whether one more may connect now; if so it is counted.</summary>
    public bool TryConnect(long now)
    {
        if (rates.ConnectionsPerAddress is not { } limit)
            return true;
        lock (_lock)
        {
            if (_connections.IsEmpty(limit, now))
                return false;
            _connections.Take(limit, now, 1);
            return true;
        }
    }

    public void OnMessage(long now)
    {
        if (rates.MessagesPerAddress is not { } limit)
            return;
        lock (_lock)
            _messages.Take(limit, now, 1);
    }

    public void OnBytes(long now, int count)
    {
        if (rates.BytesPerAddress is not { } limit)
            return;
        lock (_lock)
            _bytes.Take(limit, now, count);
    }

    public bool IsOutOfMessages(long now, bool isOverdrawn) => IsOut(ref _messages, rates.MessagesPerAddress, now, isOverdrawn);

    public bool IsOutOfBytes(long now, bool isOverdrawn) => IsOut(ref _bytes, rates.BytesPerAddress, now, isOverdrawn);

    /// <summary>Nothing would be forgiven if it were forgotten.</summary>
    public bool IsSettled(long now)
    {
        lock (_lock)
        {
            return IsFull(ref _connections, rates.ConnectionsPerAddress, now)
                && IsFull(ref _messages, rates.MessagesPerAddress, now)
                && IsFull(ref _bytes, rates.BytesPerAddress, now);
        }
    }

    private static TokenBucket New(RateLimit? limit, long now) => limit is null ? default : new TokenBucket(limit, now);

    private static bool IsFull(ref TokenBucket bucket, RateLimit? limit, long now) =>
        limit is null || bucket.IsFull(limit, now);

    private bool IsOut(ref TokenBucket bucket, RateLimit? limit, long now, bool isOverdrawn)
    {
        if (limit is null)
            return false;
        lock (_lock)
            return isOverdrawn ? bucket.IsOverdrawn(limit, now) : bucket.IsEmpty(limit, now);
    }
}
