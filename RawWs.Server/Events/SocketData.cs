using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;

namespace RawWs.Server.Events;

/// <summary>Whatever the application keeps beside one socket, by name; gone with the socket.</summary>
/// <remarks>Every member may be called from any thread.</remarks>
public sealed class SocketData
{
    private readonly ConcurrentDictionary<string, object?> _items = new(StringComparer.Ordinal);

    /// <summary>The items, as a dictionary.</summary>
    public IDictionary<string, object?> Items => _items;

    /// <summary>The value kept under a name, or the default if there is none of that type.</summary>
    public T? Get<T>(string key) => TryGet(key, out T? value) ? value : default;

    /// <summary>Looks for a value of a type under a name.</summary>
    public bool TryGet<T>(string key, [MaybeNullWhen(false)] out T value)
    {
        if (_items.TryGetValue(key, out object? item) && item is T found)
        {
            value = found;
            return true;
        }

        value = default;
        return false;
    }

    /// <summary>Keeps a value under a name, in place of what was there.</summary>
    public void Set<T>(string key, T value) => _items[key] = value;

    /// <summary>Forgets what is kept under a name.</summary>
    public bool Remove(string key) => _items.TryRemove(key, out _);
}
