using System.Buffers;
using System.Net.WebSockets;
using System.Runtime.CompilerServices;

namespace RawWs.Bench.Peers;

/// <summary>Whole messages of one connection, in a rented buffer that is held only while messages come.</summary>
internal sealed class KestrelReceiver(WebSocket socket) : IDisposable
{
    private const int FirstBytes = 4096;

    private byte[] _buffer = [];

    // What the last long message needed: the next need not grow up to it.
    private int _rentBytes = FirstBytes;

    public WebSocketMessageType Type { get; private set; }

    /// <summary>Valid until the next call.</summary>
    public ReadOnlyMemory<byte> Payload { get; private set; }

    /// <returns>False if the connection is at its end.</returns>
    [AsyncMethodBuilder(typeof(PoolingAsyncValueTaskMethodBuilder<>))]
    public async ValueTask<bool> ReceiveAsync()
    {
        // Completes with the header of the next frame, before anything of its payload is taken.
        var next = socket.ReceiveAsync(Memory<byte>.Empty, CancellationToken.None);
        if (!next.IsCompleted)
            Release();
        var result = await next;
        if (_buffer.Length == 0)
            _buffer = ArrayPool<byte>.Shared.Rent(_rentBytes);

        var length = 0;
        while (!result.EndOfMessage)
        {
            if (length == _buffer.Length && !TryGrow())
            {
                await socket.CloseOutputAsync(WebSocketCloseStatus.MessageTooBig, null, CancellationToken.None);
                return false;
            }

            result = await socket.ReceiveAsync(_buffer.AsMemory(length), CancellationToken.None);
            length += result.Count;
        }

        Type = result.MessageType;
        Payload = _buffer.AsMemory(0, length);
        return result.MessageType != WebSocketMessageType.Close;
    }

    public void Dispose() => Release();

    private bool TryGrow()
    {
        if (_buffer.Length >= ServeVerb.MaxMessageBytes)
            return false;
        var larger = ArrayPool<byte>.Shared.Rent(2 * _buffer.Length);
        _buffer.CopyTo(larger, 0);
        ArrayPool<byte>.Shared.Return(_buffer);
        _buffer = larger;
        _rentBytes = larger.Length;
        return true;
    }

    private void Release()
    {
        if (_buffer.Length == 0)
            return;
        ArrayPool<byte>.Shared.Return(_buffer);
        _buffer = [];
    }
}
