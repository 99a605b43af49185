using System.Collections.Immutable;

namespace RawWs.Server.Events;

/// <summary>
/// A callback of the application, in the one shape that is called, beside the delegate it was made from.
/// </summary>
internal readonly record struct Callback<T>(Delegate Target, Func<T, Task?> Invoke)
{
    public static Callback<T> From(Action<T> target)
    {
        ArgumentNullException.ThrowIfNull(target);
        return new(target, value =>
        {
            target(value);
            return null;
        });
    }

    public static Callback<T> From(Func<T, Task> target)
    {
        ArgumentNullException.ThrowIfNull(target);
        return new(target, target);
    }
}

/// <summary>Callbacks in the order in which they were added.</summary>
/// <remarks>Safe for any thread; one that is being called is not disturbed by changes.</remarks>
internal sealed class Callbacks<T>
{
    private ImmutableArray<Callback<T>> _items = [];

    public ImmutableArray<Callback<T>> Items => _items;

    public void Add(Callback<T> callback) =>
        ImmutableInterlocked.Update(ref _items, static (items, added) => items.Add(added), callback);

    /// <summary>Adds one before all others.</summary>
    public void Prepend(Callback<T> callback) =>
        ImmutableInterlocked.Update(ref _items, static (items, added) => items.Insert(0, added), callback);

    /// <summary>Takes away the one that was added last with this delegate.</summary>
    public void Remove(Delegate target) =>
        ImmutableInterlocked.Update(ref _items, static (items, target) =>
        {
            for (int i = items.Length - 1; i >= 0; i--)
            {
                if (items[i].Target.Equals(target))
                    return items.RemoveAt(i);
            }

            return items;
        }, target);

    public void Clear() => ImmutableInterlocked.InterlockedExchange(ref _items, []);
}
