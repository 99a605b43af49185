using System.Diagnostics.CodeAnalysis;
using System.Net;
using System.Net.Security;
using System.Runtime.CompilerServices;

namespace RawWs.Server.Transport.Tls;

/// <summary>TLS over another carrier, by the runtime's <see cref="SslStream"/>.</summary>
/// <remarks>
/// Before <see cref="AuthenticateAsync"/> has succeeded nothing can be received or sent; the ends of both directions
/// are then the carrier's own. With event loops, decryption, handler and encryption run on the thread on which the
/// carrier's receive has completed.
/// </remarks>
[SuppressMessage("Reliability", "CA1001", Justification = "Close disposes of what there is.")]
internal sealed class TlsTransport : ByteTransport
{
    private readonly ByteTransport _inner;
    private readonly HandshakeGate _gate;
    private readonly Func<SslStream, Task> _authenticate;
    private readonly TlsTurns _turns;
    private readonly TransportStream _stream;
    private SslStream? _tls;
    private volatile bool _isSecured;
    private volatile bool _isClosed;

    // What is known about a receive: nothing, until one without a buffer is under way or has completed.
    private volatile Knowledge _knowledge;

    // A receive without a buffer that IsReadable has begun: the next receive waits for it first.
    private Task? _probe;

    /// <param name="inner">What carries the encrypted bytes.</param>
    /// <param name="gate">Where the handshake waits for its turn.</param>
    /// <param name="authenticate">The server's part of the handshake.</param>
    public TlsTransport(ByteTransport inner, HandshakeGate gate, Func<SslStream, Task> authenticate)
    {
        _inner = inner;
        _gate = gate;
        _authenticate = authenticate;
        _turns = new TlsTurns(EndSendingAsync);
        _stream = new TransportStream(inner, _turns);
    }

    private enum Knowledge
    {
        None,
        Waiting,
        Receiving,
        Readable,
    }

    public override EndPoint? RemoteEndPoint => _inner.RemoteEndPoint;

    public override bool IsSecure => true;

    // A receive with a buffer would have the stream hold one of its own, too, while it waits.
    public override bool WaitsWithoutBuffer => true;

    /// <summary>Whether the peer has said anything at all.</summary>
    public bool HasHeard => _stream.HasReceived;

    // Bytes of the carrier may be no more than a part of a record, or one without data: only the stream knows.
    public override bool IsReadable
    {
        get
        {
            if (!_isSecured)
                return _inner.IsReadable;
            if (_knowledge == Knowledge.None)
                _probe = Observe(WaitReadableAsync().AsTask());
            // What the carrier has, and has not told yet, it tells now.
            if (_knowledge == Knowledge.Waiting)
                _ = _inner.IsReadable;
            return _knowledge == Knowledge.Readable;
        }
    }

    /// <summary>Makes the connection secure; nothing else may be done with it meanwhile, but to end it.</summary>
    /// <exception cref="IOException">The peer does not speak TLS as it should, has gone, or was too slow.</exception>
    public async Task AuthenticateAsync()
    {
        // Who has said nothing yet has no part in any bound but the number of connections.
        await _inner.ReceiveAsync(Memory<byte>.Empty).ConfigureAwait(false);
        using var handshake = _gate.Enter(_inner);
        await handshake.BeginTurnAsync().ConfigureAwait(false);
        _stream.Handshake = handshake;
        var tls = _tls = new SslStream(_stream, leaveInnerStreamOpen: true);
        try
        {
            if (_isClosed || _stream.HasEndedReceiving)
                throw new IOException("The peer was too slow.");
            await _authenticate(tls).ConfigureAwait(false);
            _isSecured = true;
        }
        catch (Exception e) when (e is not IOException)
        {
            // Whatever a peer can make of its first bytes, the runtime has an exception for it.
            throw new IOException(e.Message, e);
        }
        finally
        {
            _stream.Handshake = null;
            if (!_isSecured || _isClosed)
                await tls.DisposeAsync().ConfigureAwait(false);
        }

        // The turn ends here, and so does the stay on the thread pool: handlers run where they always do.
        handshake.Dispose();
        await _inner.ReturnToLoop();
    }

    // It cannot promise that a cancelled receive has taken nothing, so it does not cancel.
    public override ValueTask<int> ReceiveAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (!_isSecured)
            return ValueTask.FromException<int>(NewFault());
        if (_probe is { } probe)
        {
            if (!probe.IsCompleted)
                return ReceiveBehindAsync(probe, buffer);
            _probe = null;
        }

        return buffer.IsEmpty ? WaitReadableAsync() : ReceiveSomeAsync(buffer);
    }

    public override async ValueTask<int> DiscardAsync(Memory<byte> scratch)
    {
        // The stream must not have a part in the carrier any more.
        if (_probe is { IsCompleted: false } probe)
            await probe.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _probe = null;
        return await _inner.ReceiveAsync(scratch).ConfigureAwait(false);
    }

    public override ValueTask SendAsync(ReadOnlyMemory<byte> buffer)
    {
        if (!_isSecured || !_turns.TryBeginWriting())
            return ValueTask.FromException(NewFault());
        var write = _tls!.WriteAsync(buffer);
        if (!write.IsCompletedSuccessfully)
            return AwaitWriteAsync(write);
        _turns.EndWriting();
        return write;
    }

    public override void ShutdownSend()
    {
        if (_isSecured)
            _turns.End();
        else
            _inner.ShutdownSend();
    }

    public override void ShutdownReceive()
    {
        _stream.HasEndedReceiving = true;
        _inner.ShutdownReceive();
    }

    public override void Close()
    {
        _isClosed = _stream.HasEndedReceiving = true;
        _inner.Close();
        if (_isSecured)
            _tls!.Dispose();
    }

    private async Task EndSendingAsync()
    {
        try
        {
            await _tls!.ShutdownAsync().ConfigureAwait(false);
        }
        catch (Exception)
        {
            // The peer does without a close_notify where the stream cannot make or the carrier not send one.
        }

        _inner.ShutdownSend();
    }

    private async ValueTask AwaitWriteAsync(ValueTask write)
    {
        try
        {
            await write.ConfigureAwait(false);
        }
        finally
        {
            _turns.EndWriting();
        }
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    private async ValueTask<int> WaitReadableAsync()
    {
        _knowledge = Knowledge.Waiting;
        try
        {
            return await ReadAsync(Memory<byte>.Empty).ConfigureAwait(false);
        }
        finally
        {
            _knowledge = Knowledge.Readable;
        }
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    private async ValueTask<int> ReceiveSomeAsync(Memory<byte> buffer)
    {
        _knowledge = Knowledge.Receiving;
        try
        {
            return await ReadAsync(buffer).ConfigureAwait(false);
        }
        finally
        {
            _knowledge = Knowledge.None;
        }
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    private async ValueTask<int> ReceiveBehindAsync(Task probe, Memory<byte> buffer)
    {
        await probe.ConfigureAwait(false);
        _probe = null;
        return buffer.IsEmpty ? 0 : await ReceiveSomeAsync(buffer).ConfigureAwait(false);
    }

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    private async ValueTask<int> ReadAsync(Memory<byte> buffer)
    {
        _turns.BeginReading();
        try
        {
            return await _tls!.ReadAsync(buffer).ConfigureAwait(false);
        }
        catch (IOException) when (_stream.HasEndedReceiving && !_isClosed)
        {
            // Within a record, which makes no difference to who has asked for the end.
            return 0;
        }
        finally
        {
            _turns.EndReading();
        }
    }

    private static Task Observe(Task probe)
    {
        // It may outlive everyone who could wait for it.
        _ = probe.ContinueWith(
            static task => _ = task.Exception,
            CancellationToken.None,
            TaskContinuationOptions.OnlyOnFaulted | TaskContinuationOptions.ExecuteSynchronously,
            TaskScheduler.Default);
        return probe;
    }

    private IOException NewFault() =>
        new(_isSecured ? "The sending direction has been ended." : "The connection is not secured.");
}
