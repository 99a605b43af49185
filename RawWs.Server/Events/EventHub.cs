using System.Collections.Concurrent;
using System.Collections.Immutable;
using System.Text.RegularExpressions;
using Microsoft.Extensions.Logging;
using RawWs.Server.Diagnostics;

namespace RawWs.Server.Events;

/// <summary>The event layer of one server: its namespaces, and what all of them share.</summary>
/// <remarks>Safe for any thread.</remarks>
internal sealed class EventHub
{
    private readonly Lock _gate = new();
    private readonly Dictionary<string, EventNamespace> _spaces = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<PendingAcks, bool> _waiting = new();
    private ImmutableArray<EventNamespace> _families = [];

    public EventHub(EventOptions options, ILogger logger, ServerMetrics metrics, TimeProvider time)
    {
        options.Validate();
        Options = options;
        Logger = logger;
        Metrics = metrics;
        Time = time;
        Json = new EventJson(options);
        Recovery = options.Recovery is { } recovery ? new Recovery(recovery, this) : null;
        Root = Of("/");
    }

    public EventOptions Options { get; }

    public ILogger Logger { get; }

    public ServerMetrics Metrics { get; }

    public TimeProvider Time { get; }

    public EventJson Json { get; }

    /// <summary>What is kept for clients that are cut off; null if nothing is.</summary>
    public Recovery? Recovery { get; }

    /// <summary>The namespace <c>/</c>.</summary>
    public EventNamespace Root { get; }

    /// <summary>Called for each member of a family that is made.</summary>
    public Callbacks<EventNamespace> OnNewNamespace { get; } = new();

    /// <summary>The number of namespaces that are there now, members of families included.</summary>
    public int NamespaceCount
    {
        get
        {
            lock (_gate)
                return _spaces.Count;
        }
    }

    /// <summary>The namespace of a name, made at the first call; it stays.</summary>
    public EventNamespace Of(string name)
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        if (name[0] != '/')
            name = "/" + name;

        lock (_gate)
        {
            if (!_spaces.TryGetValue(name, out EventNamespace? space))
                _spaces.Add(name, space = new EventNamespace(this, name));

            return space;
        }
    }

    /// <summary>A family of namespaces; of several families that accept a name the first gets it.</summary>
    public EventNamespace Of(Func<string, bool> accepts)
    {
        ArgumentNullException.ThrowIfNull(accepts);
        var family = new EventNamespace(this, accepts);
        ImmutableInterlocked.Update(ref _families, static (families, added) => families.Add(added), family);
        return family;
    }

    /// <summary>A family of namespaces by a pattern.</summary>
    public EventNamespace Of(Regex pattern)
    {
        ArgumentNullException.ThrowIfNull(pattern);
        return Of(pattern.IsMatch);
    }

    /// <summary>
    /// The namespace for one more client; null if there is none of that name. <see cref="Exit"/> undoes it.
    /// </summary>
    public EventNamespace? Enter(string name)
    {
        if (TryEnter(name, out EventNamespace? present))
            return present;

        // The predicate is the application's: not under the lock.
        if (FamilyOf(name) is not { } family)
            return null;

        EventNamespace? member;
        bool isNew;
        lock (_gate)
        {
            isNew = !_spaces.TryGetValue(name, out member);
            if (isNew)
            {
                _spaces.Add(name, member = new EventNamespace(this, name, family));
                family.Members[name] = member;
            }

            member!.Users++;
        }

        if (isNew)
        {
            foreach (Callback<EventNamespace> handler in OnNewNamespace.Items)
                Run(handler, member, "new namespace", Log.Printable(name));
        }

        return member;
    }

    /// <summary>One client less. A member of a family goes with its last client, unless the options keep it.</summary>
    public void Exit(EventNamespace space)
    {
        lock (_gate)
        {
            if (--space.Users > 0 || space.Family is null || !Options.CleanupEmptyNamespaces)
                return;

            _spaces.Remove(space.Name);
            space.Family.Members.TryRemove(space.Name, out _);
        }
    }

    /// <summary>
    /// Runs a callback of the application: what it throws, now or later, is logged and goes no further.
    /// </summary>
    public void Run<T>(Callback<T> callback, T argument, string what, EventSocket socket) =>
        Run(callback, argument, what, socket.Id);

    /// <inheritdoc cref="Run{T}(Callback{T}, T, string, EventSocket)"/>
    public void Run<T>(Callback<T> callback, T argument, string what, string owner)
    {
        try
        {
            if (callback.Invoke(argument) is { IsCompletedSuccessfully: false } pending)
                _ = ObserveAsync(pending, what, owner);
        }
        catch (Exception e)
        {
            CallbackFailed(e, what, owner);
        }
    }

    /// <summary>When a wait that begins now is over, as a timestamp of the clock.</summary>
    public long DeadlineAfter(TimeSpan? timeout)
    {
        TimeSpan wait = timeout ?? Options.AckTimeout;
        if (wait == Timeout.InfiniteTimeSpan)
            return long.MaxValue;

        ArgumentOutOfRangeException.ThrowIfLessThanOrEqual(wait, TimeSpan.Zero, nameof(timeout));
        double ticks = wait.TotalSeconds * Time.TimestampFrequency;
        long now = Time.GetTimestamp();
        return ticks >= long.MaxValue - now ? long.MaxValue : now + (long)Math.Ceiling(ticks);
    }

    /// <summary>
    /// Fails the acks whose time is over, and forgets clients that have not come back. To be called every 50 ms or so:
    /// that is how late a timeout may be.
    /// </summary>
    public void OnTick()
    {
        Recovery?.Expire();
        long now = Time.GetTimestamp();
        foreach ((PendingAcks acks, _) in _waiting)
            Metrics.AcksExpired(acks.ExpireBefore(now));
    }

    /// <summary>A socket waits for acks: it is looked at by <see cref="OnTick"/>.</summary>
    internal void Watch(PendingAcks acks) => _waiting[acks] = true;

    internal void Unwatch(PendingAcks acks) => _waiting.TryRemove(acks, out _);

    private bool TryEnter(string name, out EventNamespace? space)
    {
        lock (_gate)
        {
            if (!_spaces.TryGetValue(name, out space))
                return false;

            space.Users++;
            return true;
        }
    }

    private EventNamespace? FamilyOf(string name)
    {
        foreach (EventNamespace family in _families)
        {
            try
            {
                if (family.Accepts!(name))
                    return family;
            }
            catch (Exception e)
            {
                CallbackFailed(e, "namespace predicate", Log.Printable(name));
            }
        }

        return null;
    }

    private async Task ObserveAsync(Task pending, string what, string socketId)
    {
        try
        {
            await pending.ConfigureAwait(false);
        }
        catch (Exception e)
        {
            CallbackFailed(e, what, socketId);
        }
    }

    private void CallbackFailed(Exception error, string what, string socketId)
    {
        Metrics.HandlerFailed();
        Log.CallbackFailed(Logger, error, what, socketId);
    }
}
