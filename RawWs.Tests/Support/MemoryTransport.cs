using System.Net;
using System.Threading.Channels;
using RawWs.Server.Transport;

namespace RawWs.Tests.Support;

/// <summary>A carrier without a socket: the second implementation of the seam, and one whose every send can be held.</summary>
internal sealed class MemoryTransport : ByteTransport
{
    private readonly Channel<byte[]> _incoming = Channel.CreateBounded<byte[]>(1000);
    private readonly List<byte[]> _sends = [];
    private TaskCompletionSource _gate = Completed();
    private byte[] _rest = [];

    public override EndPoint? RemoteEndPoint => null;

    public override bool IsSecure => true;

    public bool IsClosed { get; private set; }

    public bool IsSendShutDown { get; private set; }

    /// <summary>The bytes of each send, in order.</summary>
    public IReadOnlyList<byte[]> Sends
    {
        get
        {
            lock (_sends)
                return [.. _sends];
        }
    }

    /// <summary>Makes sends wait until <see cref="Release"/>.</summary>
    public void Hold() => _gate = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);

    public void Release() => _gate.TrySetResult();

    /// <summary>Makes the send that waits, and every later one, fail.</summary>
    public void Break() => _gate.TrySetException(new IOException("broken"));

    public void Receive(byte[] bytes) => Assert.That(_incoming.Writer.TryWrite(bytes), Is.True);

    public void EndReceive() => _incoming.Writer.TryComplete();

    public override async ValueTask<int> ReceiveAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        if (_rest.Length == 0)
        {
            if (!await _incoming.Reader.WaitToReadAsync(cancellationToken))
                return 0;
            if (buffer.IsEmpty)
                return 0;
            _incoming.Reader.TryRead(out _rest!);
        }

        var count = Math.Min(buffer.Length, _rest.Length);
        _rest.AsMemory(0, count).CopyTo(buffer);
        _rest = _rest[count..];
        return count;
    }

    public override async ValueTask SendAsync(ReadOnlyMemory<byte> buffer)
    {
        ObjectDisposedException.ThrowIf(IsClosed, this);
        // As on a wire: what is sent is taken when it is sent, whatever the caller does with its buffer later.
        var bytes = buffer.ToArray();
        await _gate.Task;
        lock (_sends)
            _sends.Add(bytes);
    }

    public override void ShutdownSend() => IsSendShutDown = true;

    public override void ShutdownReceive() => EndReceive();

    public override void Close()
    {
        IsClosed = true;
        _incoming.Writer.TryComplete(new IOException("closed"));
        _gate.TrySetException(new IOException("closed"));
    }

    private static TaskCompletionSource Completed()
    {
        var completed = new TaskCompletionSource();
        completed.SetResult();
        return completed;
    }
}
