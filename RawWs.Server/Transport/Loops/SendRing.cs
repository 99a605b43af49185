using System.Buffers;
using System.Runtime.InteropServices;

namespace RawWs.Server.Transport.Loops;

/// <summary>What goes to many sockets at the end of a <see cref="FlushBatch"/>: one call of the system sends it to all.</summary>
/// <remarks>
/// Belongs to a thread, and opens its <see cref="IoUring"/> with the first send. A send by itself spends about a fifth of its
/// time on the way into the system and back.
/// </remarks>
internal sealed unsafe class SendRing : IDisposable
{
    private const int Capacity = 256;

    // The sockets cannot be closed meanwhile: whoever wants to waits.
    private const int MaxBytes = 1024 * 1024;

    private readonly Send[] _sends = new Send[Capacity];
    private readonly IoUring.Request[] _requests = new IoUring.Request[Capacity];
    private readonly List<MemoryHandle> _pins = new(Capacity);
    private IoUring? _ring;
    private bool _isRefused;
    private int _count;
    private int _bytes;

    // Most often all are sent the same: it is pinned once.
    private byte[]? _pinned;
    private byte* _address;

    /// <summary>From so many receivers on a ring is worth its own work; tests let it do all.</summary>
    public static int LeastReceivers { get; set; } = 4;

    /// <summary>Whether it has had anything to send, and the system had an io_uring for it.</summary>
    public bool IsOpen => _ring is not null;

    /// <summary>Leaves a send to the next <see cref="Submit"/>.</summary>
    /// <param name="outbox">Is told what has become of it.</param>
    /// <param name="transport">Where it goes.</param>
    /// <param name="piece">What to send.</param>
    /// <returns>False if the caller has to send it.</returns>
    public bool TryAdd(Outbox outbox, ByteTransport transport, in FrameQueue.Piece piece)
    {
        if (transport is not LoopTransport { AllowsRing: true } socket || !TryOpen())
            return false;
        if (_count == Capacity || _bytes + (long)piece.Length > MaxBytes)
            Submit();
        _sends[_count++] = new Send(outbox, socket, piece);
        _bytes += piece.Length;
        return true;
    }

    /// <summary>Sends what was added.</summary>
    public void Submit()
    {
        _isRefused = false;
        if (_count == 0)
            return;
        var sends = _sends.AsSpan(0, _count);
        var requests = _requests.AsSpan(0, _count);
        (_count, _bytes) = (0, 0);
        // Of what is not even prepared nothing is sent.
        requests.Clear();
        var isSure = false;
        try
        {
            for (var i = 0; i < sends.Length; i++)
                requests[i] = Prepare(ref sends[i]);
            isSure = _ring!.Submit(requests);
        }
        finally
        {
            foreach (ref readonly var send in sends)
                send.LetGo();
            foreach (var pin in _pins)
                pin.Dispose();
            _pins.Clear();
            _pinned = null;
            if (!isSure)
                Dispose();
            // Only now: whoever is told may close any of the sockets, which waits until nobody holds it.
            for (var i = 0; i < sends.Length; i++)
            {
                var send = sends[i];
                sends[i] = default;
                send.Complete(requests[i].Result);
            }
        }
    }

    public void Dispose()
    {
        _ring?.Dispose();
        _ring = null;
    }

    // Where the system has none for now it is asked once for a batch, and not for each receiver.
    private bool TryOpen()
    {
        if (_ring is null && !_isRefused)
            _isRefused = (_ring = IoUring.TryCreate(Capacity)) is null;
        return _ring is not null;
    }

    private IoUring.Request Prepare(ref Send send)
    {
        try
        {
            return new((int)send.Hold(), Pin(send.Piece.Memory), send.Piece.Length);
        }
        catch (Exception e) when (e is ObjectDisposedException or OutOfMemoryException)
        {
            // The socket is closed, or nothing can be pinned: the outbox sends for itself, and meets what there is to meet.
            return default;
        }
    }

    private byte* Pin(ReadOnlyMemory<byte> memory)
    {
        if (!MemoryMarshal.TryGetArray(memory, out var segment) || segment.Array != _pinned)
        {
            var pin = memory.Pin();
            _pins.Add(pin);
            _pinned = segment.Array;
            _address = (byte*)pin.Pointer - segment.Offset;
        }

        return _address + segment.Offset;
    }

    private struct Send(Outbox outbox, LoopTransport transport, FrameQueue.Piece piece)
    {
        private bool _isHeld;

        public FrameQueue.Piece Piece { get; } = piece;

        /// <summary>Keeps the socket open.</summary>
        /// <exception cref="ObjectDisposedException">It has been closed.</exception>
        public nint Hold()
        {
            transport.Handle.DangerousAddRef(ref _isHeld);
            return transport.Handle.DangerousGetHandle();
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
            // After a fault nothing was taken: the outbox tries again by itself, and finds the socket broken.
            outbox.OnSent(Piece, Math.Max(result, 0));
        }
    }
}
