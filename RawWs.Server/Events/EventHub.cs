using System.Collections.Concurrent;
using System.Collections.Immutable;
using System.Text.RegularExpressions;
using Microsoft.Extensions.Logging;
using RawWs.Server.Diagnostics;
using RawWs.Server.Transport.Limits;

namespace RawWs.Server.Events;

/// <summary>The event layer of one server: its namespaces, and what all of them share.</summary>
/// <remarks>Safe for any thread.</remarks>
internal sealed class EventHub
{
    private readonly Lock _gate = new();

    // Held while the application is told of a new namespace: it adds middleware there, which must ask everyone.
    private readonly Lock _making = new();
    private readonly Dictionary<string, EventNamespace> _spaces = new(StringComparer.Ordinal);
    private readonly ConcurrentDictionary<PendingAcks, bool> _waiting = new();
    private readonly long _start;
    private ImmutableArray<EventNamespace> _families = [];

    public EventHub(
        EventOptions options,
        ILogger logger,
        ServerMetrics metrics,
        TimeProvider time,
        LimitReports limits,
        TickSignal ticks)
    {
        options.Validate();
        Options = options;
        Logger = logger;
        Metrics = metrics;
        Time = time;
        Limits = limits;
        Ticks = ticks;
        _start = time.GetTimestamp();
        Json = new EventJson(options);
        Recovery = options.Recovery is { } recovery ? new Recovery(recovery, this) : null;
        Root = Of("/");
    }

    public EventOptions Options { get; }

    public ILogger Logger { get; }

    public ServerMetrics Metrics { get; }

    public TimeProvider Time { get; }

    /// <summary>Where it is told that a limit was reached.</summary>
    public LimitReports Limits { get; }

    /// <summary>For sockets that wait until their rate has recovered.</summary>
    public TickSignal Ticks { get; }

    /// <summary>Milliseconds since the hub was made.</summary>
    public long Now => (long)Time.GetElapsedTime(_start).TotalMilliseconds;

    public EventJson Json { get; }

    /// <summary>What is kept for clients that are cut off; null if nothing is.</summary>
    public Recovery? Recovery { get; }

    /// <summary>The namespace <c>/</c>.</summary>
    public EventNamespace Root { get; }

    /// <summary>Called for each namespace that is made, but for <c>/</c>.</summary>
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

    /// <summary>
    /// The namespace of a name, made at the first call. It stays, unless it is a member of a family that is known by a
    /// pattern.
    /// </summary>
    public EventNamespace Of(string name)
    {
        ArgumentException.ThrowIfNullOrEmpty(name);
        if (name[0] != '/')
            name = "/" + name;

        lock (_gate)
        {
            if (_spaces.TryGetValue(name, out EventNamespace? present) && present.IsMade)
                return present;
        }

        // The pattern is the application's: not under the lock.
        return GetOrAdd(name, FamilyOf(name, onlyPatterns: true), users: 0);
    }

    /// <summary>A family of namespaces; of several families that accept a name the first gets it.</summary>
    public EventNamespace Of(Func<string, bool> accepts)
    {
        ArgumentNullException.ThrowIfNull(accepts);
        return Add(new EventNamespace(this, accepts, isPattern: false));
    }

    /// <summary>A family of namespaces by a pattern.</summary>
    public EventNamespace Of(Regex pattern)
    {
        ArgumentNullException.ThrowIfNull(pattern);
        return Add(new EventNamespace(this, pattern.IsMatch, isPattern: true));
    }

    /// <summary>
    /// The namespace for one more client; null if there is none of that name. <see cref="Exit"/> undoes it.
    /// </summary>
    public EventNamespace? Enter(string name)
    {
        if (TryEnter(name) is { } present)
            return present;

        // The predicate is the application's: not under the lock.
        return FamilyOf(name, onlyPatterns: false) is { } family ? GetOrAdd(name, family, users: 1) : null;
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

    private EventNamespace Add(EventNamespace family)
    {
        ImmutableInterlocked.Update(ref _families, static (families, added) => families.Add(added), family);
        return family;
    }

    private EventNamespace GetOrAdd(string name, EventNamespace? family, int users)
    {
        lock (_making)
        {
            EventNamespace? space;
            lock (_gate)
            {
                bool isThere = _spaces.TryGetValue(name, out space);
                if (!isThere)
                {
                    _spaces.Add(name, space = new EventNamespace(this, name, family));
                    family?.Members[name] = space;
                }

                space!.Users += users;
                // For a callback that asks for it, it is there before it is made.
                if (isThere)
                    return space;
            }

            foreach (Callback<EventNamespace> handler in OnNewNamespace.Items)
                Run(handler, space, "new namespace", Log.Printable(name));

            space.IsMade = true;
            return space;
        }
    }

    private EventNamespace? TryEnter(string name)
    {
        EventNamespace? space;
        lock (_gate)
        {
            if (!_spaces.TryGetValue(name, out space))
                return null;

            space.Users++;
        }

        if (!space.IsMade)
            WaitUntilMade();

        return space;
    }

    private void WaitUntilMade()
    {
        _making.Enter();
        _making.Exit();
    }

    private EventNamespace? FamilyOf(string name, bool onlyPatterns)
    {
        foreach (EventNamespace family in _families)
        {
            try
            {
                if ((family.IsPattern || !onlyPatterns) && family.Accepts!(name))
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
