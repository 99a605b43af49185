namespace RawWs.Server.Events;

/// <summary>Turns a handler of any shape into the one that dispatch calls.</summary>
/// <remarks>All arguments are read before the handler runs, so none of it sees the receive buffer.</remarks>
internal static class Invocations
{
    public static Invocation From(Action handler) => inbound =>
    {
        handler();
        return null;
    };

    public static Invocation From(Func<Task> handler) => inbound => handler();

    public static Invocation From<TResult>(Func<TResult> handler) =>
        inbound => Answer(handler(), inbound.Reply);

    public static Invocation From<TResult>(Func<Task<TResult>> handler) =>
        inbound => AnswerAsync(handler(), inbound.Reply);

    public static Invocation From<T>(Action<T> handler) => inbound =>
    {
        handler(inbound.Read<T>());
        return null;
    };

    public static Invocation From<T>(Func<T, Task> handler) => inbound => handler(inbound.Read<T>());

    public static Invocation From<T, TResult>(Func<T, TResult> handler) =>
        inbound => Answer(handler(inbound.Read<T>()), inbound.Reply);

    public static Invocation From<T, TResult>(Func<T, Task<TResult>> handler) =>
        inbound => AnswerAsync(handler(inbound.Read<T>()), inbound.Reply);

    public static Invocation From<T1, T2>(Action<T1, T2> handler) => inbound =>
    {
        handler(inbound.Read<T1>(), inbound.Read<T2>());
        return null;
    };

    public static Invocation From<T1, T2>(Func<T1, T2, Task> handler) =>
        inbound => handler(inbound.Read<T1>(), inbound.Read<T2>());

    public static Invocation From<T1, T2, TResult>(Func<T1, T2, TResult> handler) =>
        inbound => Answer(handler(inbound.Read<T1>(), inbound.Read<T2>()), inbound.Reply);

    public static Invocation From<T1, T2, TResult>(Func<T1, T2, Task<TResult>> handler) =>
        inbound => AnswerAsync(handler(inbound.Read<T1>(), inbound.Read<T2>()), inbound.Reply);

    public static Invocation From<T1, T2, T3>(Action<T1, T2, T3> handler) => inbound =>
    {
        handler(inbound.Read<T1>(), inbound.Read<T2>(), inbound.Read<T3>());
        return null;
    };

    public static Invocation From<T1, T2, T3>(Func<T1, T2, T3, Task> handler) =>
        inbound => handler(inbound.Read<T1>(), inbound.Read<T2>(), inbound.Read<T3>());

    public static Invocation From<T1, T2, T3, TResult>(Func<T1, T2, T3, TResult> handler) =>
        inbound => Answer(handler(inbound.Read<T1>(), inbound.Read<T2>(), inbound.Read<T3>()), inbound.Reply);

    public static Invocation From<T1, T2, T3, TResult>(Func<T1, T2, T3, Task<TResult>> handler) =>
        inbound => AnswerAsync(
            handler(inbound.Read<T1>(), inbound.Read<T2>(), inbound.Read<T3>()), inbound.Reply);

    public static Invocation From(Action<EventContext> handler) => inbound =>
    {
        handler(inbound.Context);
        return null;
    };

    public static Invocation From(Func<EventContext, Task> handler) => inbound => handler(inbound.Context);

    private static Task? Answer<TResult>(TResult result, AckReply? reply)
    {
        reply?.Send(result);
        return null;
    }

    private static async Task AnswerAsync<TResult>(Task<TResult> pending, AckReply? reply)
    {
        TResult result = await pending.ConfigureAwait(false);
        reply?.Send(result);
    }
}
