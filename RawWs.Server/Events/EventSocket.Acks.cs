namespace RawWs.Server.Events;

public sealed partial class EventSocket
{
    /// <summary>Emits an event and waits for the client's ack.</summary>
    /// <typeparam name="TResult">
    /// The type of the first value in the ack, or <see cref="EventArguments"/> for all of them. A null or a
    /// missing value is the default of a type that has null.
    /// </typeparam>
    /// <param name="name">The name of the event.</param>
    /// <param name="timeout">How long to wait; <see cref="EventOptions.AckTimeout"/> if it is not given. It
    /// is watched by a coarse clock that serves all acks: it may be a little late, but never early.</param>
    /// <param name="cancellationToken">Ends the wait; the event has been emitted nevertheless.</param>
    /// <exception cref="ArgumentException">The name is reserved, or the arguments cannot be sent.</exception>
    /// <exception cref="InvalidOperationException">
    /// The client owes <see cref="EventOptions.MaxPendingAcks"/> acks already.
    /// </exception>
    /// <exception cref="TimeoutException">The client gave no ack in time.</exception>
    /// <exception cref="AckException">
    /// The client answered with an error or with something else than a <typeparamref name="TResult"/>, or it
    /// is disconnected.
    /// </exception>
    public Task<TResult> EmitWithAckAsync<TResult>(
        string name, TimeSpan? timeout = null, CancellationToken cancellationToken = default) =>
        AskAsync<TResult>(CheckName(name), EventArguments.None, timeout, cancellationToken);

    /// <inheritdoc cref="EmitWithAckAsync{TResult}(string, TimeSpan?, CancellationToken)"/>
    public Task<TResult> EmitWithAckAsync<T, TResult>(
        string name, T value, TimeSpan? timeout = null, CancellationToken cancellationToken = default) =>
        AskAsync<TResult>(CheckName(name), Hub.Json.Encode(value), timeout, cancellationToken);

    /// <inheritdoc cref="EmitWithAckAsync{TResult}(string, TimeSpan?, CancellationToken)"/>
    public Task<TResult> EmitWithAckAsync<T1, T2, TResult>(
        string name, T1 value1, T2 value2, TimeSpan? timeout = null,
        CancellationToken cancellationToken = default) =>
        AskAsync<TResult>(CheckName(name), Hub.Json.Encode(value1, value2), timeout, cancellationToken);

    /// <inheritdoc cref="EmitWithAckAsync{TResult}(string, TimeSpan?, CancellationToken)"/>
    public Task<TResult> EmitWithAckAsync<T1, T2, T3, TResult>(
        string name, T1 value1, T2 value2, T3 value3, TimeSpan? timeout = null,
        CancellationToken cancellationToken = default) =>
        AskAsync<TResult>(
            CheckName(name), Hub.Json.Encode(value1, value2, value3), timeout, cancellationToken);

    /// <summary>The client answered; ignored if nobody waits for this id (any more).</summary>
    /// <param name="id">The id under which it was asked.</param>
    /// <param name="arguments">Comma-separated JSON values; read before this returns.</param>
    /// <param name="attachments">The bytes that placeholders refer to; kept.</param>
    internal void OnAck(long id, ReadOnlySpan<byte> arguments, ReadOnlyMemory<byte>[]? attachments = null) =>
        _acks.Take(id)?.Answer(Hub.Json, arguments, attachments ?? []);

    /// <summary>The client answered with an error; ignored if nobody waits for this id (any more).</summary>
    internal void OnAckError(long id, string code, string message) =>
        _acks.Take(id)?.Fail(new AckException(
            string.IsNullOrEmpty(code) ? AckException.HandlerError : code, message, isReceived: true, null));

    internal Task<TResult> AskAsync<TResult>(
        string name,
        EventArguments arguments,
        TimeSpan? timeout,
        CancellationToken cancellationToken,
        EmitFlags flags = default)
    {
        long deadline = Hub.DeadlineAfter(timeout);
        if (cancellationToken.IsCancellationRequested)
            return Task.FromCanceled<TResult>(cancellationToken);

        if (!Connected)
            return PendingAck<TResult>.Failed(PendingAcks.Gone(_reason));

        // In the table before it is sent: the answer may come before the sending call returns.
        var wait = new PendingAck<TResult> { Deadline = deadline };
        long id = Namespace.NextAckId();
        switch (_acks.TryAdd(id, wait))
        {
            case AckAdded.Disconnected:
                return PendingAck<TResult>.Failed(PendingAcks.Gone(_reason));
            case AckAdded.TooMany:
                return PendingAck<TResult>.Failed(new InvalidOperationException(
                    $"{nameof(EventOptions.MaxPendingAcks)} is {Hub.Options.MaxPendingAcks}; it owes them."));
        }

        if (cancellationToken.CanBeCanceled)
            wait.CancelWith(_acks, id, cancellationToken);

        Send(new OutboundMessage(Namespace.Name, name, arguments)
        {
            AckId = id,
            IsVolatile = flags.IsVolatile,
            IsIncompressible = flags.IsIncompressible,
        });
        return wait.Task;
    }

    private bool TryExpect(long id, AckCollector collector)
    {
        PendingAck wait = collector.Expect();
        if (_acks.TryAdd(id, wait) == AckAdded.Added)
            return true;

        wait.Fail(new InvalidOperationException("The receiver cannot be asked."));
        return false;
    }
}
