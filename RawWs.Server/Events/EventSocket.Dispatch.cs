using RawWs.Server.Diagnostics;

namespace RawWs.Server.Events;

public sealed partial class EventSocket
{
    private readonly HandlerTable _handlers = new();
    private readonly Callbacks<EventContext> _any = new();
    private readonly Callbacks<EventContext> _guards = new();
    private readonly Callbacks<RefusedEvent> _errors = new();

    // Completes when the handlers of the last event that had to wait for something have started; an event
    // behind it waits for it. First of all for the connection handlers. Touched by the receive loop alone.
    private Task _entry;
    private int _running;
    private TaskCompletionSource? _slot;

    /// <summary>Takes away all handlers of an event.</summary>
    public void Off(string name) => _handlers.Remove(name);

    /// <summary>Takes away one handler of an event: that which was added last with this delegate.</summary>
    public void Off(string name, Delegate handler) => _handlers.Remove(name, handler);

    /// <summary>Takes away the handlers of all events.</summary>
    public void Off() => _handlers.Clear();

    /// <summary>
    /// Runs a callback for every event that comes in, before middleware and whether or not it has handlers.
    /// </summary>
    public void OnAny(Action<EventContext> handler) => _any.Add(Callback<EventContext>.From(handler));

    /// <inheritdoc cref="OnAny(Action{EventContext})"/>
    public void OnAny(Func<EventContext, Task> handler) => _any.Add(Callback<EventContext>.From(handler));

    /// <summary>As <see cref="OnAny(Action{EventContext})"/>, before all that were added so far.</summary>
    public void PrependAny(Action<EventContext> handler) => _any.Prepend(Callback<EventContext>.From(handler));

    /// <inheritdoc cref="PrependAny(Action{EventContext})"/>
    public void PrependAny(Func<EventContext, Task> handler) =>
        _any.Prepend(Callback<EventContext>.From(handler));

    /// <summary>Takes away one callback of <see cref="OnAny(Action{EventContext})"/>.</summary>
    public void OffAny(Delegate handler) => _any.Remove(handler);

    /// <summary>Takes away all callbacks of <see cref="OnAny(Action{EventContext})"/>.</summary>
    public void OffAny() => _any.Clear();

    /// <summary>
    /// Asks a middleware before the handlers of every event run; it refuses the event by throwing. Nothing
    /// of that goes to the client; <see cref="OnError(Action{RefusedEvent})"/> gets it.
    /// </summary>
    /// <remarks>
    /// Middleware runs in the order in which it was added. Events behind one that waits for it wait too.
    /// </remarks>
    public void Use(Action<EventContext> middleware) => _guards.Add(Callback<EventContext>.From(middleware));

    /// <inheritdoc cref="Use(Action{EventContext})"/>
    public void Use(Func<EventContext, Task> middleware) =>
        _guards.Add(Callback<EventContext>.From(middleware));

    /// <summary>Runs a callback for every event that middleware refused.</summary>
    public void OnError(Action<RefusedEvent> handler) => _errors.Add(Callback<RefusedEvent>.From(handler));

    /// <inheritdoc cref="OnError(Action{RefusedEvent})"/>
    public void OnError(Func<RefusedEvent, Task> handler) =>
        _errors.Add(Callback<RefusedEvent>.From(handler));

    /// <summary>An event came in.</summary>
    /// <param name="utf8Name">Its name as UTF-8, with JSON's escapes undone.</param>
    /// <param name="arguments">Its arguments: checked JSON values with commas between them, or empty.</param>
    /// <param name="ackId">The id under which the client wants an answer, or null.</param>
    /// <param name="attachments">The bytes that placeholders refer to; kept.</param>
    /// <returns>
    /// Complete, but when <see cref="EventOptions.MaxConcurrentHandlers"/> are unfinished: the caller must
    /// not read on, and must not call this again, before it completes. Never fails. The bytes are not used
    /// after the call.
    /// </returns>
    internal ValueTask DispatchAsync(
        ReadOnlySpan<byte> utf8Name,
        ReadOnlySpan<byte> arguments,
        long? ackId,
        ReadOnlyMemory<byte>[]? attachments = null)
    {
        attachments ??= [];
        if (!Connected)
            return default;

        Hub.Metrics.EventReceived();
        AckReply? reply = ackId is { } id ? new AckReply(this, id) : null;
        if (Hub.Options.EventsPerSocket is { } rate && IsAbove(rate))
        {
            return Refuses(reply)
                ? default
                : new ValueTask(EnterWithinRateAsync(
                    rate, new EventContext(this, utf8Name, arguments, attachments, reply)));
        }

        if (IsAtBound)
            return new ValueTask(EnterLaterAsync(new EventContext(this, utf8Name, arguments, attachments, reply)));

        if (_entry.IsCompleted && _any.Items.IsEmpty && _guards.Items.IsEmpty)
            Start(utf8Name, arguments, attachments, reply, null);
        else
            BeginEnter(new EventContext(this, utf8Name, arguments, attachments, reply));

        return default;
    }

    private bool IsAtBound =>
        System.Threading.Volatile.Read(ref _running) >= Hub.Options.MaxConcurrentHandlers;

    private async Task EnterLaterAsync(EventContext context)
    {
        while (WaitForSlot() is { } slot)
            await slot.ConfigureAwait(false);

        BeginEnter(context);
    }

    private Task? WaitForSlot()
    {
        lock (_gate)
        {
            if (!IsAtBound || _isLeaving)
                return null;

            _slot ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            return _slot.Task;
        }
    }

    private void BeginEnter(EventContext context)
    {
        Task previous = _entry;
        if (previous.IsCompleted)
        {
            // Most middleware has nothing to wait for.
            ValueTask<bool> passing = PassAsync(context);
            if (!passing.IsCompletedSuccessfully)
                _entry = EnterAsync(Task.CompletedTask, context, passing.AsTask());
            else if (passing.Result)
                Start(context);

            return;
        }

        _entry = EnterAsync(previous, context);
    }

    private async Task EnterAsync(Task previous, EventContext context, Task<bool>? passing = null)
    {
        Interlocked.Increment(ref _running);
        try
        {
            await previous.ConfigureAwait(false);
            if (passing is null ? await PassAsync(context).ConfigureAwait(false) : await passing.ConfigureAwait(false))
                Start(context);
        }
        finally
        {
            Release();
        }
    }

    private async ValueTask<bool> PassAsync(EventContext context)
    {
        if (!Connected)
            return false;

        foreach (Callback<EventContext> any in _any.Items)
            Hub.Run(any, context, "any", this);

        try
        {
            foreach (Callback<EventContext> guard in _guards.Items)
            {
                if (guard.Invoke(context) is { } pending)
                    await pending.ConfigureAwait(false);
            }

            return true;
        }
        catch (Exception e)
        {
            foreach (Callback<RefusedEvent> error in _errors.Items)
                Hub.Run(error, new RefusedEvent(context, e), "error", this);

            return false;
        }
    }

    private void Start(EventContext context)
    {
        if (Connected)
            Start(context.Utf8Name, context.Arguments.Json.Span, context.Attachments, context.Reply, context);
    }

    private void Start(
        ReadOnlySpan<byte> utf8Name,
        ReadOnlySpan<byte> arguments,
        ReadOnlyMemory<byte>[] attachments,
        AckReply? reply,
        EventContext? context)
    {
        foreach (Handler handler in _handlers.Find(utf8Name))
        {
            if (!handler.TryTake())
                continue;

            if (handler.IsOnce)
                _handlers.Remove(handler);

            if (handler.NeedsContext)
                context ??= new EventContext(this, utf8Name, arguments, attachments, reply);

            long started = Hub.Metrics.HandlerStarted(Hub.Time);
            try
            {
                Task? pending = handler.Invoke(new InboundEvent(Hub.Json, arguments, attachments, reply, context));
                if (pending is null or { IsCompletedSuccessfully: true })
                    Hub.Metrics.HandlerFinished(Hub.Time, started);
                else
                    Observe(handler, pending, reply, started);
            }
            catch (Exception e)
            {
                Fail(handler, e, reply, started);
            }
        }
    }

    private void Observe(Handler handler, Task pending, AckReply? reply, long started)
    {
        Interlocked.Increment(ref _running);
        _ = ObserveAsync();

        async Task ObserveAsync()
        {
            try
            {
                await pending.ConfigureAwait(false);
                Hub.Metrics.HandlerFinished(Hub.Time, started);
            }
            catch (Exception e)
            {
                Fail(handler, e, reply, started);
            }
            finally
            {
                Release();
            }
        }
    }

    private void Fail(Handler handler, Exception error, AckReply? reply, long started)
    {
        Hub.Metrics.HandlerFinished(Hub.Time, started);
        switch (error)
        {
            case AckException { IsReceived: false } answer:
                reply?.SendError(answer.Code, answer.Message);
                return;
            case BadArgumentsException:
                Hub.Metrics.HandlerFailed();
                Log.BadArguments(Hub.Logger, error, handler.Name, Id);
                reply?.SendError(AckException.BadArguments);
                return;
            default:
                Hub.Metrics.HandlerFailed();
                Log.HandlerFailed(Hub.Logger, error, handler.Name, Id);
                reply?.SendError(AckException.HandlerError);
                return;
        }
    }

    private void Release()
    {
        TaskCompletionSource? slot;
        lock (_gate)
        {
            Interlocked.Decrement(ref _running);
            slot = _slot;
            _slot = null;
        }

        slot?.TrySetResult();
    }

    private void ReleaseWaitingEvent()
    {
        TaskCompletionSource? slot;
        lock (_gate)
        {
            slot = _slot;
            _slot = null;
        }

        slot?.TrySetResult();
    }

    private void Add(string name, Delegate handler, Invocation invoke, bool isOnce, bool needsContext = false)
    {
        ArgumentNullException.ThrowIfNull(name);
        ArgumentNullException.ThrowIfNull(handler);
        _handlers.Add(new Handler(name, handler, invoke, isOnce, needsContext));
    }
}

/// <summary>An event that middleware refused.</summary>
/// <param name="Event">The event; its handlers did not run.</param>
/// <param name="Error">What the middleware threw.</param>
public sealed record RefusedEvent(EventContext Event, Exception Error);
