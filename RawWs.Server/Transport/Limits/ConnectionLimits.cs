using System.Net;
using RawWs.Server.Diagnostics;

namespace RawWs.Server.Transport.Limits;

/// <summary>What one TCP connection has used up of its own rates, and the address that it counts for.</summary>
/// <remarks>
/// Belongs to the connection's receive loop. A connection has none where no such limit is set, so that it then costs
/// neither memory nor time.
/// </remarks>
internal sealed class ConnectionLimits
{
    private readonly ServerContext _context;
    private readonly RateLimitOptions _rates;
    private TokenBucket _messages;
    private TokenBucket _bytes;
    private AddressEntry? _address;

    public ConnectionLimits(ServerContext context)
    {
        _context = context;
        _rates = context.Options.RateLimits;
        Restart();
    }

    /// <summary>Who is at the other end, for the log.</summary>
    public IPAddress? Peer { get; private set; }

    /// <summary>Counts the connection for an address, and no longer for the one before.</summary>
    /// <returns>The limit that keeps it out, if one does; then it counts for none.</returns>
    public LimitKind? TryEnter(IPAddress address)
    {
        if (address.Equals(Peer))
            return null;
        Leave();
        // What one client of a proxy has used up is not held against the next.
        Restart();
        if (_context.Addresses is { } addresses && addresses.TryEnter(address, _context.Now, out var entry) is var refusal)
        {
            if (refusal is not null)
                return refusal;
            _address = entry;
        }

        Peer = address;
        return null;
    }

    /// <summary>The connection is over, or was somebody else's.</summary>
    public void Leave()
    {
        if (Interlocked.Exchange(ref _address, null) is { } address)
            _context.Addresses!.Leave(address);
        Peer = null;
    }

    public void OnMessage()
    {
        var now = _context.Now;
        if (_rates.MessagesPerConnection is { } limit)
            _messages.Take(limit, now, 1);
        _address?.OnMessage(now);
    }

    public void OnBytes(int count)
    {
        var now = _context.Now;
        if (_rates.BytesPerConnection is { } limit)
            _bytes.Take(limit, now, count);
        _address?.OnBytes(now, count);
    }

    /// <summary>A rate is used up, and the policy is to push back: do not read on, but <see cref="HoldBackAsync"/>.</summary>
    public bool MustWait => _rates.Policy == RateLimitPolicy.PushBack && Find(isOverdrawn: false) is not null;

    /// <summary>More has come than a rate allows, and the policy is to disconnect. Reports it.</summary>
    public bool MustDisconnect()
    {
        if (_rates.Policy != RateLimitPolicy.Disconnect || Find(isOverdrawn: true) is not { } kind)
            return false;
        WasExceeded = true;
        _context.Limits.Reached(kind, Peer);
        return true;
    }

    /// <summary>Somebody was told that it must disconnect.</summary>
    public bool WasExceeded { get; private set; }

    /// <summary>Waits until the rates have recovered.</summary>
    /// <param name="isOver">Whether there is nothing to wait for any more; asked at every tick of the timer.</param>
    public async ValueTask HoldBackAsync(Func<bool> isOver)
    {
        if (Find(isOverdrawn: false) is not { } kind)
            return;
        _context.Limits.Reached(kind, Peer);
        while (true)
        {
            // Asked for before the look, so that no tick is missed in between.
            var tick = _context.Connections.Ticks.NextAsync();
            if (!MustWait || isOver())
                return;
            await tick.ConfigureAwait(false);
        }
    }

    private void Restart()
    {
        var now = _context.Now;
        if (_rates.MessagesPerConnection is { } messages)
            _messages = new TokenBucket(messages, now);
        if (_rates.BytesPerConnection is { } bytes)
            _bytes = new TokenBucket(bytes, now);
    }

    private LimitKind? Find(bool isOverdrawn)
    {
        var now = _context.Now;
        if (IsOut(ref _messages, _rates.MessagesPerConnection))
            return LimitKind.ConnectionMessages;
        if (IsOut(ref _bytes, _rates.BytesPerConnection))
            return LimitKind.ConnectionBytes;
        if (_address is null)
            return null;
        if (_address.IsOutOfMessages(now, isOverdrawn))
            return LimitKind.AddressMessages;
        return _address.IsOutOfBytes(now, isOverdrawn) ? LimitKind.AddressBytes : null;

        bool IsOut(ref TokenBucket bucket, RateLimit? limit) =>
            limit is not null && (isOverdrawn ? bucket.IsOverdrawn(limit, now) : bucket.IsEmpty(limit, now));
    }
}
