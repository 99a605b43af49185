using System.Text;

namespace RawWs.Server.Events;

/// <summary>
/// Calls one handler: reads the arguments it wants, runs it, and answers the ack with what it returns.
/// </summary>
/// <returns>Null when all is done; else what is still to be waited for.</returns>
internal delegate Task? Invocation(InboundEvent inbound);

/// <summary>One registered handler.</summary>
internal sealed class Handler(string name, Delegate target, Invocation invoke, bool isOnce, bool needsContext)
{
    private int _isSpent;

    public string Name => name;

    public Delegate Target => target;

    public Invocation Invoke => invoke;

    public bool IsOnce => isOnce;

    public bool NeedsContext => needsContext;

    /// <summary>Whether it may run now: always, or only the first time.</summary>
    public bool TryTake() => !isOnce || Interlocked.Exchange(ref _isSpent, 1) == 0;
}

/// <summary>The handlers of one socket, found by the UTF-8 name of their event.</summary>
/// <remarks>
/// Safe for any thread; to find takes no lock. What <see cref="Find"/> returns never changes: handlers may be added
/// and taken away while they run.
/// </remarks>
internal sealed class HandlerTable
{
    private readonly Lock _gate = new();
    private Dictionary<byte[], Handler[]> _handlers = new(Utf8NameComparer.Instance);

    // The same, once somebody has looked for a handler: from then on it is not changed, but replaced.
    private volatile Dictionary<byte[], Handler[]>? _shared;

    public void Add(Handler handler)
    {
        byte[] name = Encoding.UTF8.GetBytes(handler.Name);
        lock (_gate)
        {
            Own();
            _handlers[name] = _handlers.TryGetValue(name, out Handler[]? present) ? [.. present, handler] : [handler];
        }
    }

    public Handler[] Find(ReadOnlySpan<byte> utf8Name)
    {
        var byUtf8 = (_shared ?? Share()).GetAlternateLookup<ReadOnlySpan<byte>>();
        return byUtf8.TryGetValue(utf8Name, out Handler[]? found) ? found : [];
    }

    public void Remove(string name)
    {
        lock (_gate)
        {
            Own();
            _handlers.Remove(Encoding.UTF8.GetBytes(name));
        }
    }

    /// <summary>Takes away the handler that was added last with this delegate.</summary>
    public void Remove(string name, Delegate target) =>
        Remove(name, handlers => Array.FindLastIndex(handlers, handler => handler.Target.Equals(target)));

    public void Remove(Handler handler) =>
        Remove(handler.Name, handlers => Array.IndexOf(handlers, handler));

    public void Clear()
    {
        lock (_gate)
        {
            Own();
            _handlers.Clear();
        }
    }

    private void Remove(string name, Func<Handler[], int> find)
    {
        byte[] utf8Name = Encoding.UTF8.GetBytes(name);
        lock (_gate)
        {
            if (!_handlers.TryGetValue(utf8Name, out Handler[]? present))
                return;

            int index = find(present);
            if (index < 0)
                return;

            Own();
            if (present.Length == 1)
                _handlers.Remove(utf8Name);
            else
                _handlers[utf8Name] = [.. present[..index], .. present[(index + 1)..]];
        }
    }

    private Dictionary<byte[], Handler[]> Share()
    {
        lock (_gate)
            return _shared = _handlers;
    }

    // Under the lock.
    private void Own()
    {
        if (_shared is null)
            return;

        _handlers = new Dictionary<byte[], Handler[]>(_handlers, Utf8NameComparer.Instance);
        _shared = null;
    }
}
