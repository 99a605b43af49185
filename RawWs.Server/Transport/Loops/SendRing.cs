using System.Buffers;
using System.Runtime.InteropServices;

namespace RawWs.Server.Transport.Loops;

/// <summary>What goes to many sockets at the end of a <see cref="FlushBatch"/>: one call of the system sends it to all.</summary>
/// <remarks>Belongs to a thread. A send by itself spends about a fifth of its time on the way into the system and back.</remarks>
internal sealed unsafe class SendRing
{
    private const int Capacity = 256;

    [ThreadStatic]
    private static SendRing? s_ofThread;

    [ThreadStatic]
    private static bool s_hasNone;

    private readonly IoUring _ring;
    private readonly Send[] _sends = new Send[Capacity];
    private readonly IoUring.Request[] _requests = new IoUring.Request[Capacity];
    private readonly List<MemoryHandle> _pins = [];
    private int _count;

    // Most often all are sent the same: it is pinned once.
    private byte[]? _pinned;
    private byte* _address;

    private SendRing(IoUring ring) => _ring = ring;

    /// <summary>The ring of this thread; null where the system has none.</summary>
    public static SendRing? OfThread => s_ofThread ?? (s_hasNone ? null : Create());

    /// <summary>From so many receivers on a ring is worth its own work; tests let it do all.</summary>
    public static int LeastReceivers { get; set; } = 4;

    /// <summary>Leaves a send to the next <see cref="Submit"/>.</summary>
    /// <param name="outbox">Is told what has become of it.</param>
    /// <param name="transport">Where it goes.</param>
    /// <param name="piece">What to send.</param>
    /// <returns>False if the transport has no socket for it: the caller sends it.</returns>
    public bool TryAdd(Outbox outbox, ByteTransport transport, in FrameQueue.Piece piece)
    {
        if (transport is not LoopTransport { AllowsRing: true } socket)
            return false;
        if (_count == Capacity)
            Submit();
        _sends[_count++] = new Send(outbox, socket, piece);
        return true;
    }

    /// <summary>Sends what was added.</summary>
    public void Submit()
    {
        var sends = _sends.AsSpan(0, _count);
        var requests = _requests.AsSpan(0, _count);
        _count = 0;
        try
        {
            for (var i = 0; i < sends.Length; i++)
                requests[i] = sends[i].TryHold(out var handle) ? Request(handle, sends[i].Piece.Memory) : default;
            _ring.Submit(requests);
        }
        finally
        {
            foreach (ref readonly var send in sends)
                send.LetGo();
            foreach (var pin in _pins)
                pin.Dispose();
            _pins.Clear();
            _pinned = null;
        }

        // Only now: whoever is told may close any of the sockets, which waits until nobody holds it.
        for (var i = 0; i < sends.Length; i++)
        {
            var send = sends[i];
            sends[i] = default;
            send.Complete(requests[i].Result);
        }
    }

    private static SendRing? Create()
    {
        if (IoUring.TryCreate(Capacity) is { } ring)
            return s_ofThread = new SendRing(ring);
        s_hasNone = true;
        return null;
    }

    private IoUring.Request Request(nint socket, ReadOnlyMemory<byte> bytes)
    {
        if (!MemoryMarshal.TryGetArray(bytes, out var segment) || segment.Array != _pinned)
        {
            var pin = bytes.Pin();
            _pins.Add(pin);
            _pinned = segment.Array;
            _address = (byte*)pin.Pointer - segment.Offset;
        }

        return new((int)socket, _address + segment.Offset, bytes.Length);
    }

    private struct Send(Outbox outbox, LoopTransport transport, FrameQueue.Piece piece)
    {
        private bool _isHeld;

        public FrameQueue.Piece Piece { get; } = piece;

        /// <summary>Keeps the socket open.</summary>
        /// <returns>False if it has been closed.</returns>
        public bool TryHold(out nint handle)
        {
            handle = 0;
            try
            {
                transport.Handle.DangerousAddRef(ref _isHeld);
                handle = transport.Handle.DangerousGetHandle();
            }
            catch (ObjectDisposedException)
            {
                // The outbox will find out by itself.
            }

            return _isHeld;
        }

        public readonly void LetGo()
        {
            if (_isHeld)
                transport.Handle.DangerousRelease();
        }

        public readonly void Complete(int result)
        {
            // What may have been sent must not be sent again.
            if (result == IoUring.Unknown)
                transport.Close();
            // A fault is met once more by the send of the rest.
            outbox.OnSent(Piece, Math.Max(result, 0));
        }
    }
}
