using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using RawWs.Server.Diagnostics;

namespace RawWs.Server.Transport.Limits;

/// <summary>The addresses that connections come from, for the limits that all connections of one share.</summary>
/// <remarks>
/// Every member may be called from any thread. Bounded by the connections that are open and
/// <see cref="RateLimitOptions.MaxIdleAddresses"/>: an address without a connection goes when it has no debt left, or to
/// make room for another.
/// </remarks>
internal sealed class AddressTable(ServerOptions options)
{
    private readonly Lock _lock = new();
    private readonly Dictionary<UInt128, AddressEntry> _entries = [];

    // Addresses without a connection, the first to be so first.
    private readonly LinkedList<AddressEntry> _idle = [];

    /// <summary>Addresses that are known at the moment.</summary>
    public int Count
    {
        get
        {
            lock (_lock)
                return _entries.Count;
        }
    }

    /// <summary>Takes in one more connection of an address, unless it has too many.</summary>
    /// <returns>Null if it is let in, otherwise the limit that keeps it out.</returns>
    public LimitKind? TryEnter(IPAddress address, long now, out AddressEntry? entry)
    {
        var key = KeyOf(address);
        lock (_lock)
        {
            if (!_entries.TryGetValue(key, out entry))
                _entries.Add(key, entry = new AddressEntry(key, options.RateLimits, now));
            else if (entry.Idle is { } idle)
                _idle.Remove(idle);
            entry.Idle = null;
            var refusal = Check(entry, now);
            if (refusal is null)
                entry.Connections++;
            else if (entry.Connections == 0)
                Retire(entry);
            return refusal;
        }
    }

    public void Leave(AddressEntry entry)
    {
        lock (_lock)
        {
            if (--entry.Connections == 0)
                Retire(entry);
        }
    }

    /// <summary>Forgets addresses that have neither a connection nor a debt.</summary>
    public void OnTick(long now)
    {
        lock (_lock)
        {
            // One that still has a debt holds up those behind it for a while, never for good.
            while (_idle.First is { } first && first.Value.IsSettled(now))
                Forget(first);
        }
    }

    /// <summary>
    /// What counts as one address: of IPv6 the prefix of 64 bits, which is what a network gives to one customer and each
    /// of its machines may choose from; IPv4 as it is, however it is written.
    /// </summary>
    internal static UInt128 KeyOf(IPAddress address)
    {
        Span<byte> bytes = stackalloc byte[16];
        address.TryWriteBytes(bytes, out var length);
        if (address.AddressFamily == AddressFamily.InterNetwork)
            return MappedKey(BinaryPrimitives.ReadUInt32BigEndian(bytes[..length]));
        return address.IsIPv4MappedToIPv6
            ? MappedKey(BinaryPrimitives.ReadUInt32BigEndian(bytes[12..]))
            : new UInt128(BinaryPrimitives.ReadUInt64BigEndian(bytes), 0);
    }

    private static UInt128 MappedKey(uint address) => new(0, 0xFFFF_0000_0000UL | address);

    // Under the lock.
    private LimitKind? Check(AddressEntry entry, long now)
    {
        if (options.MaxConnectionsPerAddress is > 0 and var most && entry.Connections >= most)
            return LimitKind.Address;
        return entry.TryConnect(now) ? null : LimitKind.AddressConnections;
    }

    // Under the lock.
    private void Retire(AddressEntry entry)
    {
        entry.Idle = _idle.AddLast(entry);
        if (_idle.Count > options.RateLimits.MaxIdleAddresses)
            Forget(_idle.First!);
    }

    // Under the lock.
    private void Forget(LinkedListNode<AddressEntry> idle)
    {
        _idle.Remove(idle);
        _entries.Remove(idle.Value.Key);
    }
}
