using System.Runtime.CompilerServices;

namespace RawWs.Server.Transport.Tls;

/// <summary>A carrier of bytes as the stream that <see cref="System.Net.Security.SslStream"/> wants beneath it.</summary>
internal sealed class TransportStream(ByteTransport inner, TlsTurns turns) : Stream
{
    /// <summary>The handshake, as long as it lasts.</summary>
    public HandshakeGate.Handshake? Handshake { get; set; }

    /// <summary>Whether the handshake has received anything.</summary>
    public bool HasReceived { get; private set; }

    /// <summary>Nobody waits for what is received any more: the handshake is not worth going on with.</summary>
    public bool HasEndedReceiving { get; set; }

    public override bool CanRead => true;

    public override bool CanWrite => true;

    public override bool CanSeek => false;

    public override long Length => throw new NotSupportedException();

    public override long Position
    {
        get => throw new NotSupportedException();
        set => throw new NotSupportedException();
    }

    public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (Handshake is { } handshake)
            return ReadAsync(buffer, handshake);
        turns.EndReading();
        var receive = inner.ReceiveAsync(buffer, CancellationToken.None);
        if (!receive.IsCompletedSuccessfully)
            return AwaitAsync(receive);
        turns.BeginReading();
        return new ValueTask<int>(receive.GetAwaiter().GetResult());
    }

    public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        var send = inner.SendAsync(buffer);
        return Handshake is null || send.IsCompleted ? send : AwaitAsync(send, Handshake);
    }

    public override void Flush()
    {
    }

    public override Task FlushAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    // An alert about a handshake that has failed is written so. There is room for it in the system: a connection that
    // young has not been sent much.
    public override void Write(byte[] buffer, int offset, int count)
    {
        var send = inner.SendAsync(buffer.AsSpan(offset, count).ToArray());
        if (send.IsCompleted)
            send.GetAwaiter().GetResult();
        else
            _ = ForgetAsync(send);
    }

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();

    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    private async ValueTask<int> AwaitAsync(ValueTask<int> receive)
    {
        try
        {
            return await receive.ConfigureAwait(false);
        }
        finally
        {
            turns.BeginReading();
        }
    }

    private async ValueTask<int> ReadAsync(Memory<byte> buffer, HandshakeGate.Handshake handshake)
    {
        var receive = inner.ReceiveAsync(buffer, CancellationToken.None);
        var waits = !receive.IsCompleted;
        if (waits)
            handshake.BeginWait();
        var count = await receive.ConfigureAwait(false);
        if (waits)
        {
            handshake.EndWait();
            await handshake.BeginTurnAsync().ConfigureAwait(false);
        }

        HasReceived |= count > 0;
        return HasEndedReceiving ? 0 : count;
    }

    private static async ValueTask AwaitAsync(ValueTask send, HandshakeGate.Handshake handshake)
    {
        handshake.BeginWait();
        await send.ConfigureAwait(false);
        handshake.EndWait();
        await handshake.BeginTurnAsync().ConfigureAwait(false);
    }

    private static async Task ForgetAsync(ValueTask send)
    {
        try
        {
            await send.ConfigureAwait(false);
        }
        catch (Exception e) when (TransportFaults.Includes(e))
        {
            // The connection ends in any case.
        }
    }
}
