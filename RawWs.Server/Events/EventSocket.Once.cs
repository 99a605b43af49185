namespace RawWs.Server.Events;

public sealed partial class EventSocket
{
    /// <summary>Runs a handler for the next event of a name, and never again.</summary>
    /// <inheritdoc cref="On(string, Action)"/>
    public void Once(string name, Action handler) =>
        Add(name, handler, Invocations.From(handler), isOnce: true);

    /// <inheritdoc cref="Once(string, Action)"/>
    public void Once(string name, Func<Task> handler) =>
        Add(name, handler, Invocations.From(handler), isOnce: true);

    /// <inheritdoc cref="Once(string, Action)"/>
    public void Once<TResult>(string name, Func<TResult> handler) =>
        Add(name, handler, Invocations.From(handler), isOnce: true);

    /// <inheritdoc cref="Once(string, Action)"/>
    public void Once<TResult>(string name, Func<Task<TResult>> handler) =>
        Add(name, handler, Invocations.From(handler), isOnce: true);

    /// <inheritdoc cref="Once(string, Action)"/>
    public void Once<T>(string name, Action<T> handler) =>
        Add(name, handler, Invocations.From(handler), isOnce: true);

    /// <inheritdoc cref="Once(string, Action)"/>
    public void Once<T>(string name, Func<T, Task> handler) =>
        Add(name, handler, Invocations.From(handler), isOnce: true);

    /// <inheritdoc cref="Once(string, Action)"/>
    public void Once<T, TResult>(string name, Func<T, TResult> handler) =>
        Add(name, handler, Invocations.From(handler), isOnce: true);

    /// <inheritdoc cref="Once(string, Action)"/>
    public void Once<T, TResult>(string name, Func<T, Task<TResult>> handler) =>
        Add(name, handler, Invocations.From(handler), isOnce: true);

    /// <inheritdoc cref="Once(string, Action)"/>
    public void Once<T1, T2>(string name, Action<T1, T2> handler) =>
        Add(name, handler, Invocations.From(handler), isOnce: true);

    /// <inheritdoc cref="Once(string, Action)"/>
    public void Once<T1, T2>(string name, Func<T1, T2, Task> handler) =>
        Add(name, handler, Invocations.From(handler), isOnce: true);

    /// <inheritdoc cref="Once(string, Action)"/>
    public void Once<T1, T2, TResult>(string name, Func<T1, T2, TResult> handler) =>
        Add(name, handler, Invocations.From(handler), isOnce: true);

    /// <inheritdoc cref="Once(string, Action)"/>
    public void Once<T1, T2, TResult>(string name, Func<T1, T2, Task<TResult>> handler) =>
        Add(name, handler, Invocations.From(handler), isOnce: true);

    /// <inheritdoc cref="Once(string, Action)"/>
    public void Once<T1, T2, T3>(string name, Action<T1, T2, T3> handler) =>
        Add(name, handler, Invocations.From(handler), isOnce: true);

    /// <inheritdoc cref="Once(string, Action)"/>
    public void Once<T1, T2, T3>(string name, Func<T1, T2, T3, Task> handler) =>
        Add(name, handler, Invocations.From(handler), isOnce: true);

    /// <inheritdoc cref="Once(string, Action)"/>
    public void Once<T1, T2, T3, TResult>(string name, Func<T1, T2, T3, TResult> handler) =>
        Add(name, handler, Invocations.From(handler), isOnce: true);

    /// <inheritdoc cref="Once(string, Action)"/>
    public void Once<T1, T2, T3, TResult>(string name, Func<T1, T2, T3, Task<TResult>> handler) =>
        Add(name, handler, Invocations.From(handler), isOnce: true);

    /// <summary>
    /// Runs a handler that gets the next event of a name as it came, with all arguments and the ack.
    /// </summary>
    /// <inheritdoc cref="Once(string, Action)"/>
    public void Once(string name, Action<EventContext> handler) =>
        Add(name, handler, Invocations.From(handler), isOnce: true, needsContext: true);

    /// <summary>
    /// Runs a handler that gets the next event of a name as it came, with all arguments and the ack.
    /// </summary>
    /// <inheritdoc cref="Once(string, Action)"/>
    public void Once(string name, Func<EventContext, Task> handler) =>
        Add(name, handler, Invocations.From(handler), isOnce: true, needsContext: true);
}
