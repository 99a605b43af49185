using System.Net;
using RawWs.Server.Transport;

namespace RawWs.Tests.Support;

/// <summary>One end of a connection in memory: the second carrier that the contract of transports is run over.</summary>
internal sealed class MemoryTransport : ByteTransport
{
    private readonly Lane _incoming;
    private readonly Lane _outgoing;
    private readonly List<int> _sends = [];

    private MemoryTransport(Lane incoming, Lane outgoing) => (_incoming, _outgoing) = (incoming, outgoing);

    public override EndPoint? RemoteEndPoint => null;

    public override bool IsSecure => false;

    public override bool IsReadable => _incoming.IsReadable;

    /// <summary>How often a receive with an empty buffer shall complete although there is nothing to receive.</summary>
    public int EarlyReceives { get; set; }

    /// <summary>The size of every send so far, in order.</summary>
    public IReadOnlyList<int> Sends
    {
        get
        {
            lock (_sends)
                return [.. _sends];
        }
    }

    /// <param name="capacity">Bytes that either side may send and the other has not received yet.</param>
    public static (MemoryTransport, MemoryTransport) CreatePair(int capacity = 64 * 1024)
    {
        var (there, back) = (new Lane(capacity), new Lane(capacity));
        return (new MemoryTransport(back, there), new MemoryTransport(there, back));
    }

    // It cannot give back what a receive has taken, so it does not cancel.
    public override ValueTask<int> ReceiveAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) =>
        buffer.IsEmpty && EarlyReceives-- > 0 ? new ValueTask<int>(0) : _incoming.TakeAsync(buffer);

    public override ValueTask SendAsync(ReadOnlyMemory<byte> buffer)
    {
        lock (_sends)
            _sends.Add(buffer.Length);
        return _outgoing.SendAsync(buffer);
    }

    /// <summary>Whether it takes at once what there is room for.</summary>
    public bool TakesAtOnce { get; set; }

    /// <summary>Called in the middle of a <see cref="TrySend"/>.</summary>
    public Action? Sending { get; set; }

    public override int TrySend(ReadOnlySpan<byte> first, ReadOnlySpan<byte> second)
    {
        Sending?.Invoke();
        if (!TakesAtOnce)
            return 0;
        var sent = _outgoing.TrySend(first);
        if (sent == first.Length)
            sent += _outgoing.TrySend(second);
        lock (_sends)
            _sends.Add(sent);
        return sent;
    }

    public override void ShutdownSend() => _outgoing.End();

    public override void ShutdownReceive() => _incoming.EndReceiving();

    public override void Close()
    {
        _outgoing.End();
        _incoming.Break();
    }

    /// <summary>Breaks both directions, as a reset does.</summary>
    public void Reset()
    {
        _outgoing.Break();
        _incoming.Break();
    }

    /// <summary>The bytes on their way in one direction.</summary>
    private sealed class Lane(int capacity)
    {
        private readonly Lock _lock = new();
        private readonly Queue<byte> _bytes = [];
        private bool _isEnded;
        private bool _isBroken;
        private bool _isReceivingEnded;
        private TaskCompletionSource _changed = NewSignal();

        public bool IsReadable
        {
            get
            {
                lock (_lock)
                    return _bytes.Count > 0 || _isEnded || _isReceivingEnded || _isBroken;
            }
        }

        public async ValueTask<int> TakeAsync(Memory<byte> buffer)
        {
            while (true)
            {
                Task changed;
                lock (_lock)
                {
                    if (_isBroken)
                        throw new IOException("The connection is closed.");
                    if (_bytes.Count > 0 && !_isReceivingEnded)
                        return Take(buffer.Span);
                    if (_isEnded || _isReceivingEnded)
                        return 0;
                    changed = _changed.Task;
                }

                await changed;
            }
        }

        public int TrySend(ReadOnlySpan<byte> bytes)
        {
            lock (_lock)
            {
                if (_isBroken || _isEnded)
                    throw new IOException("The connection is closed.");
                return Put(bytes);
            }
        }

        public async ValueTask SendAsync(ReadOnlyMemory<byte> buffer)
        {
            while (true)
            {
                Task changed;
                lock (_lock)
                {
                    buffer = buffer[TrySend(buffer.Span)..];
                    if (buffer.IsEmpty)
                        return;
                    changed = _changed.Task;
                }

                await changed;
            }
        }

        public void End() => Change(() => _isEnded = true);

        public void EndReceiving() => Change(() => _isReceivingEnded = true);

        public void Break() => Change(() => _isBroken = true);

        private static TaskCompletionSource NewSignal() => new(TaskCreationOptions.RunContinuationsAsynchronously);

        private int Take(Span<byte> buffer)
        {
            var count = Math.Min(buffer.Length, _bytes.Count);
            for (var i = 0; i < count; i++)
                buffer[i] = _bytes.Dequeue();
            Signal();
            return count;
        }

        private int Put(ReadOnlySpan<byte> bytes)
        {
            var count = Math.Min(bytes.Length, capacity - _bytes.Count);
            foreach (var value in bytes[..count])
                _bytes.Enqueue(value);
            Signal();
            return count;
        }

        private void Change(Action change)
        {
            lock (_lock)
            {
                change();
                Signal();
            }
        }

        // Under the lock.
        private void Signal()
        {
            var changed = _changed;
            _changed = NewSignal();
            changed.SetResult();
        }
    }
}
