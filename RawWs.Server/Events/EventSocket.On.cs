namespace RawWs.Server.Events;

public sealed partial class EventSocket
{
    /// <summary>Runs a handler for every event of a name.</summary>
    /// <remarks>
    /// <para>Handlers start in the order in which events arrive; one that awaits does not hold back the next
    /// event (see <see cref="EventOptions.MaxConcurrentHandlers"/>). Several for one name run in the order
    /// in which they were added. What a handler throws is logged, costs only its event, and answers the ack
    /// with <see cref="AckException.HandlerError"/>.</para>
    /// <para>The handler gets as many arguments as it wants; further ones are ignored. An argument that does
    /// not fit its type, or that is missing or null where the type is not a nullable value type, keeps the
    /// handler from running and answers the ack with <see cref="AckException.BadArguments"/>.</para>
    /// <para>A value that the handler returns, at once or in its task, answers the ack if the client asked
    /// for one; of several handlers the first answer counts.</para>
    /// </remarks>
    public void On(string name, Action handler) =>
        Add(name, handler, Invocations.From(handler), isOnce: false);

    /// <inheritdoc cref="On(string, Action)"/>
    public void On(string name, Func<Task> handler) =>
        Add(name, handler, Invocations.From(handler), isOnce: false);

    /// <inheritdoc cref="On(string, Action)"/>
    public void On<TResult>(string name, Func<TResult> handler) =>
        Add(name, handler, Invocations.From(handler), isOnce: false);

    /// <inheritdoc cref="On(string, Action)"/>
    public void On<TResult>(string name, Func<Task<TResult>> handler) =>
        Add(name, handler, Invocations.From(handler), isOnce: false);

    /// <inheritdoc cref="On(string, Action)"/>
    public void On<T>(string name, Action<T> handler) =>
        Add(name, handler, Invocations.From(handler), isOnce: false);

    /// <inheritdoc cref="On(string, Action)"/>
    public void On<T>(string name, Func<T, Task> handler) =>
        Add(name, handler, Invocations.From(handler), isOnce: false);

    /// <inheritdoc cref="On(string, Action)"/>
    public void On<T, TResult>(string name, Func<T, TResult> handler) =>
        Add(name, handler, Invocations.From(handler), isOnce: false);

    /// <inheritdoc cref="On(string, Action)"/>
    public void On<T, TResult>(string name, Func<T, Task<TResult>> handler) =>
        Add(name, handler, Invocations.From(handler), isOnce: false);

    /// <inheritdoc cref="On(string, Action)"/>
    public void On<T1, T2>(string name, Action<T1, T2> handler) =>
        Add(name, handler, Invocations.From(handler), isOnce: false);

    /// <inheritdoc cref="On(string, Action)"/>
    public void On<T1, T2>(string name, Func<T1, T2, Task> handler) =>
        Add(name, handler, Invocations.From(handler), isOnce: false);

    /// <inheritdoc cref="On(string, Action)"/>
    public void On<T1, T2, TResult>(string name, Func<T1, T2, TResult> handler) =>
        Add(name, handler, Invocations.From(handler), isOnce: false);

    /// <inheritdoc cref="On(string, Action)"/>
    public void On<T1, T2, TResult>(string name, Func<T1, T2, Task<TResult>> handler) =>
        Add(name, handler, Invocations.From(handler), isOnce: false);

    /// <inheritdoc cref="On(string, Action)"/>
    public void On<T1, T2, T3>(string name, Action<T1, T2, T3> handler) =>
        Add(name, handler, Invocations.From(handler), isOnce: false);

    /// <inheritdoc cref="On(string, Action)"/>
    public void On<T1, T2, T3>(string name, Func<T1, T2, T3, Task> handler) =>
        Add(name, handler, Invocations.From(handler), isOnce: false);

    /// <inheritdoc cref="On(string, Action)"/>
    public void On<T1, T2, T3, TResult>(string name, Func<T1, T2, T3, TResult> handler) =>
        Add(name, handler, Invocations.From(handler), isOnce: false);

    /// <inheritdoc cref="On(string, Action)"/>
    public void On<T1, T2, T3, TResult>(string name, Func<T1, T2, T3, Task<TResult>> handler) =>
        Add(name, handler, Invocations.From(handler), isOnce: false);

    /// <summary>
    /// Runs a handler that gets the events of a name as they came, with all arguments and the ack.
    /// </summary>
    /// <inheritdoc cref="On(string, Action)"/>
    public void On(string name, Action<EventContext> handler) =>
        Add(name, handler, Invocations.From(handler), isOnce: false, needsContext: true);

    /// <summary>
    /// Runs a handler that gets the events of a name as they came, with all arguments and the ack.
    /// </summary>
    /// <inheritdoc cref="On(string, Action)"/>
    public void On(string name, Func<EventContext, Task> handler) =>
        Add(name, handler, Invocations.From(handler), isOnce: false, needsContext: true);
}
