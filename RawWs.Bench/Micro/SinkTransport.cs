using System.Net;
using System.Runtime.InteropServices;
using RawWs.Server.Transport;

namespace RawWs.Bench.Micro;

/// <summary>A client in memory: it says what it has to say at once, then is silent, and drops what it is sent.</summary>
internal sealed class SinkTransport(byte[] script) : ByteTransport
{
    private readonly TaskCompletionSource<int> _end = new();
    private int _position;

    public override EndPoint? RemoteEndPoint => null;

    public override bool IsReadable => false;

    public override bool IsSecure => false;

    /// <summary>The array that the last send was made from.</summary>
    public byte[]? LastSent { get; private set; }

    public override ValueTask<int> ReceiveAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        var count = Math.Min(buffer.Length, script.Length - _position);
        if (_position == script.Length)
            return new ValueTask<int>(_end.Task);
        script.AsMemory(_position, count).CopyTo(buffer);
        _position += count;
        return new ValueTask<int>(count);
    }

    public override ValueTask SendAsync(ReadOnlyMemory<byte> buffer)
    {
        LastSent = MemoryMarshal.TryGetArray(buffer, out var segment) ? segment.Array : null;
        return default;
    }

    public override void ShutdownSend()
    {
    }

    public override void ShutdownReceive() => _end.TrySetResult(0);

    public override void Close() => _end.TrySetResult(0);
}
