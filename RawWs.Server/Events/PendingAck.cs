namespace RawWs.Server.Events;

/// <summary>
/// One wait of the application for one client's ack. It ends once; who removes it from its table ends it.
/// </summary>
internal abstract class PendingAck
{
    /// <summary>When it expires, as a timestamp of the server's clock.</summary>
    public long Deadline { get; init; }

    public abstract void Answer(
        EventJson codec, ReadOnlySpan<byte> arguments, ReadOnlyMemory<byte>[] attachments);

    public abstract void Fail(Exception reason);
}

/// <summary>The wait behind one <c>EmitWithAckAsync</c>.</summary>
internal sealed class PendingAck<TResult> : PendingAck
{
    // The client's answer comes in on the receive loop: what waits for it must not run there.
    private readonly TaskCompletionSource<TResult> _completion =
        new(TaskCreationOptions.RunContinuationsAsynchronously);
    private CancellationTokenRegistration _cancellation;

    public Task<TResult> Task => _completion.Task;

    /// <summary>The wait for an answer that cannot come.</summary>
    public static Task<TResult> Failed(Exception reason)
    {
        var wait = new PendingAck<TResult>();
        wait.SetException(reason);
        return wait.Task;
    }

    public override void Answer(
        EventJson codec, ReadOnlySpan<byte> arguments, ReadOnlyMemory<byte>[] attachments)
    {
        if (AckValue.TryRead(codec, arguments, attachments, out TResult? value, out AckException? error))
            _completion.TrySetResult(value!);
        else
            SetException(error!);

        _cancellation.Unregister();
    }

    public override void Fail(Exception reason)
    {
        if (reason is OperationCanceledException cancelled)
            _completion.TrySetCanceled(cancelled.CancellationToken);
        else
            SetException(reason);

        _cancellation.Unregister();
    }

    // Who asks and does not wait for the answer is told nothing: a client that goes must not make a process see an
    // exception that nobody has observed.
    private void SetException(Exception reason)
    {
        _completion.TrySetException(reason);
        _ = Task.Exception;
    }

    /// <summary>Ends the wait when the token is cancelled.</summary>
    public void CancelWith(PendingAcks table, long id, CancellationToken token)
    {
        _cancellation = token.UnsafeRegister(
            (_, cancelled) => table.Take(id)?.Fail(new OperationCanceledException(cancelled)), null);
        if (Task.IsCompleted)
            _cancellation.Unregister();
    }
}

/// <summary>Reads the value in an ack.</summary>
internal static class AckValue
{
    /// <summary>
    /// The first value of the ack, or all of them where <see cref="EventArguments"/> are asked for.
    /// </summary>
    public static bool TryRead<TResult>(
        EventJson codec,
        ReadOnlySpan<byte> arguments,
        ReadOnlyMemory<byte>[] attachments,
        out TResult? value,
        out AckException? error)
    {
        value = default;
        error = null;
        if (typeof(TResult) == typeof(EventArguments))
        {
            value = (TResult)(object)new EventArguments(
                codec, arguments.ToArray(), attachments: attachments);
            return true;
        }

        try
        {
            var values = new ArgumentReader(arguments);
            if (values.TryRead(out ReadOnlySpan<byte> json))
            {
                value = codec.Decode<TResult>(json, attachments);
                return true;
            }

            if (default(TResult) is null)
                return true;

            error = Unfit(null);
        }
        // A converter may throw anything, NotSupportedException names a type the options do not know: it all
        // belongs to the caller that chose the type, never to the receive loop.
        catch (Exception e) when (e is not OutOfMemoryException)
        {
            error = Unfit(e);
        }

        return false;
    }

    private static AckException Unfit(Exception? inner) =>
        new(AckException.BadArguments, "The answer does not fit its type.", isReceived: true, inner);
}
