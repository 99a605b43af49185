namespace RawWs.Server.Events;

/// <summary>One client, for events with settings of their own.</summary>
/// <remarks>Immutable: each step makes another, which may be kept and used again.</remarks>
public sealed class SocketOperator : Emitter
{
    private readonly EventSocket _socket;
    private readonly EmitFlags _flags;

    internal SocketOperator(EventSocket socket, EmitFlags flags) => (_socket, _flags) = (socket, flags);

    /// <summary>For events that may be dropped when the client is not ready for them.</summary>
    public SocketOperator Volatile => new(_socket, _flags with { IsVolatile = true });

    /// <inheritdoc cref="EventSocket.Broadcast"/>
    public BroadcastOperator Broadcast => new(_socket.Namespace, new([], [], _socket), _flags);

    /// <inheritdoc cref="EventSocket.Local"/>
    public BroadcastOperator Local => Broadcast.Local;

    internal override EventHub Hub => _socket.Hub;

    /// <inheritdoc cref="EventSocket.To"/>
    public BroadcastOperator To(params ReadOnlySpan<string> rooms) => Broadcast.To(rooms);

    /// <inheritdoc cref="EventSocket.To"/>
    public BroadcastOperator In(params ReadOnlySpan<string> rooms) => Broadcast.To(rooms);

    /// <inheritdoc cref="EventSocket.Except"/>
    public BroadcastOperator Except(params ReadOnlySpan<string> rooms) => Broadcast.Except(rooms);

    /// <summary>For events that are worth compressing, or not, where the transport compresses at all.</summary>
    public SocketOperator Compress(bool compress) => new(_socket, _flags with { IsIncompressible = !compress });

    /// <summary>For events whose ack must come in this time when the call names no other.</summary>
    public SocketOperator Timeout(TimeSpan timeout) => new(_socket, _flags with { Timeout = timeout });

    /// <inheritdoc cref="EventSocket.EmitWithAckAsync{TResult}(string, TimeSpan?, CancellationToken)"/>
    public Task<TResult> EmitWithAckAsync<TResult>(
        string name, TimeSpan? timeout = null, CancellationToken cancellationToken = default) =>
        AskAsync<TResult>(name, EventArguments.None, timeout, cancellationToken);

    /// <inheritdoc cref="EventSocket.EmitWithAckAsync{TResult}(string, TimeSpan?, CancellationToken)"/>
    public Task<TResult> EmitWithAckAsync<T, TResult>(
        string name, T value, TimeSpan? timeout = null, CancellationToken cancellationToken = default) =>
        AskAsync<TResult>(name, Hub.Json.Encode(value), timeout, cancellationToken);

    /// <inheritdoc cref="EventSocket.EmitWithAckAsync{TResult}(string, TimeSpan?, CancellationToken)"/>
    public Task<TResult> EmitWithAckAsync<T1, T2, TResult>(
        string name, T1 value1, T2 value2, TimeSpan? timeout = null,
        CancellationToken cancellationToken = default) =>
        AskAsync<TResult>(name, Hub.Json.Encode(value1, value2), timeout, cancellationToken);

    /// <inheritdoc cref="EventSocket.EmitWithAckAsync{TResult}(string, TimeSpan?, CancellationToken)"/>
    public Task<TResult> EmitWithAckAsync<T1, T2, T3, TResult>(
        string name, T1 value1, T2 value2, T3 value3, TimeSpan? timeout = null,
        CancellationToken cancellationToken = default) =>
        AskAsync<TResult>(name, Hub.Json.Encode(value1, value2, value3), timeout, cancellationToken);

    internal override void Send(string name, EventArguments arguments) => _socket.Send(name, arguments, _flags);

    private Task<TResult> AskAsync<TResult>(
        string name, EventArguments arguments, TimeSpan? timeout, CancellationToken cancellationToken) =>
        _socket.AskAsync<TResult>(
            CheckName(name), arguments, timeout ?? _flags.Timeout, cancellationToken, _flags);
}

/// <summary>Settings of one emit.</summary>
/// <param name="IsVolatile">It may be dropped when a receiver is not ready for it.</param>
/// <param name="IsLocal">It goes to the clients of this node only.</param>
/// <param name="IsIncompressible">It is not worth compressing.</param>
/// <param name="Timeout">How long its acks may take; the default of the options if null.</param>
internal readonly record struct EmitFlags(
    bool IsVolatile = false, bool IsLocal = false, bool IsIncompressible = false, TimeSpan? Timeout = null);
