using System.Buffers;
using RawWs.Protocol.WebSockets.Deflate;

namespace RawWs.Protocol.WebSockets;

/// <summary>Turns received bytes into messages: header, rules, unmasking in place, assembly, inflating,
/// UTF-8.</summary>
/// <remarks>
/// <para>Receive into <see cref="GetMemory"/>, tell <see cref="Advance"/>, then call <see cref="TryRead"/>
/// until it returns false. What was valid before a violation is returned before <see cref="Error"/> is set.
/// After an error or a close frame nothing more is read, and further bytes are thrown away.</para>
/// <para>A frame that fits the receive buffer is returned as a slice of it. Anything else is collected in a
/// second pooled buffer, which grows as bytes arrive and which a large frame is received into directly. A
/// payload is validated as it comes, and all work is linear in the bytes received, however they are
/// cut.</para>
/// <para>A compressed message is inflated as it comes too, into pieces that are put together at its end. The limit
/// on the size of a message holds for what it is inflated to, and its wire size may be an eighth larger.</para>
/// <para>Not safe for use by several threads at a time.</para>
/// </remarks>
public sealed partial class MessageReader : IDisposable
{
    private const int MinReceiveBuffer = 256;
    private const int MaxReceiveBuffer = 1024 * 1024;
    private const int MinDirectReceive = 4096;

    private readonly Role _role;
    private readonly long _maxMessageBytes;
    private readonly int _maxFragments;
    private readonly MessageInflater? _inflater;
    private readonly byte _allowedReservedBits;
    private ReceiveBuffer _received;
    private MessageBuffer _collected;
    private PieceBuffer _inflated;

    // The frame whose payload is being received.
    private FrameHeader _frame;
    private bool _isInFrame;
    private bool _isCollecting;
    private int _frameStart;
    private int _processed;

    // The data message that is open, or whose only frame is being received.
    private bool _isMessageOpen;
    private Opcode _opcode;
    private bool _isCompressed;
    private int _inflatedBytes;
    private long _announced;
    private int _fragments;
    private Utf8Stream _utf8;

    private bool _isEnded;
    private bool _isDelivered;
    private bool _isDisposed;

    // What GetMemory returned last: free space in the collected message or in the receive buffer.
    private bool _isDirect;
    private int _granted;

    /// <summary>A reader for one connection, before its first byte.</summary>
    /// <param name="role">Our own role: a server demands masked frames, a client unmasked ones.</param>
    /// <param name="limits">What the peer may send.</param>
    /// <param name="pool">Where buffers come from; the shared pool if null.</param>
    /// <param name="inflater">What inflates compressed messages if permessage-deflate was negotiated; it is
    /// disposed of with the reader.</param>
    /// <exception cref="ArgumentOutOfRangeException">A limit is out of its range.</exception>
    public MessageReader(
        Role role, MessageLimits limits, ArrayPool<byte>? pool = null, MessageInflater? inflater = null)
    {
        ArgumentNullException.ThrowIfNull(limits);
        ArgumentOutOfRangeException.ThrowIfNegative(limits.MaxMessageBytes, nameof(limits));
        ArgumentOutOfRangeException.ThrowIfGreaterThan(
            limits.MaxMessageBytes, Array.MaxLength, nameof(limits));
        ArgumentOutOfRangeException.ThrowIfLessThan(limits.MaxFragments, 1, nameof(limits));
        ArgumentOutOfRangeException.ThrowIfLessThan(
            limits.ReceiveBufferBytes, MinReceiveBuffer, nameof(limits));
        ArgumentOutOfRangeException.ThrowIfGreaterThan(
            limits.ReceiveBufferBytes, MaxReceiveBuffer, nameof(limits));
        _role = role;
        _maxMessageBytes = limits.MaxMessageBytes;
        _maxFragments = limits.MaxFragments;
        _inflater = inflater;
        _allowedReservedBits = inflater is null ? (byte)0 : FrameHeader.Rsv1;
        _received = new ReceiveBuffer(pool ?? ArrayPool<byte>.Shared, limits.ReceiveBufferBytes);
        _collected = new MessageBuffer(pool ?? ArrayPool<byte>.Shared);
        _inflated = new PieceBuffer(pool ?? ArrayPool<byte>.Shared);
    }

    /// <summary>The rule that the peer has broken, if any; once set it stays.</summary>
    public ProtocolError Error { get; private set; }

    /// <summary>Whether a receive buffer is held.</summary>
    public bool HasBuffer => _received.IsRented;

    /// <summary>Where to receive next; never empty. A buffer is taken from the pool if none is
    /// held.</summary>
    /// <exception cref="ObjectDisposedException"/>
    public Memory<byte> GetMemory()
    {
        ReturnDelivered();
        if (_isEnded)
        {
            _received.Discard();
        }

        int missing = _isCollecting && !_isCompressed ? MissingOfFrame : 0;
        _isDirect = missing >= MinDirectReceive && _received.UnreadCount == 0;
        Memory<byte> free = _isDirect ? _collected.GetFree(missing) : _received.GetFree();
        _granted = free.Length;
        return free;
    }

    /// <summary>Takes note of bytes received into the memory that <see cref="GetMemory"/> returned
    /// last.</summary>
    /// <param name="count">How many, at most the memory's length.</param>
    /// <exception cref="ArgumentOutOfRangeException">The count is negative or larger than that.</exception>
    public void Advance(int count)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(count);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(count, _granted);
        _granted -= count;
        if (_isDirect)
        {
            _collected.Advance(count);
        }
        else
        {
            _received.Advance(count);
        }
    }

    /// <summary>Takes bytes that were received elsewhere, such as those that came with the upgrade
    /// request.</summary>
    /// <exception cref="ObjectDisposedException"/>
    public void Append(ReadOnlySpan<byte> bytes)
    {
        while (!bytes.IsEmpty)
        {
            Span<byte> free = GetMemory().Span;
            int count = Math.Min(free.Length, bytes.Length);
            bytes[..count].CopyTo(free);
            Advance(count);
            bytes = bytes[count..];
        }
    }

    /// <summary>Reads the next message or control frame.</summary>
    /// <returns>False if more bytes are needed, a rule is broken (see <see cref="Error"/>), or a close frame
    /// has been read.</returns>
    /// <exception cref="ObjectDisposedException"/>
    public bool TryRead(out ReceivedMessage message)
    {
        ReturnDelivered();
        message = default;
        while (!_isEnded)
        {
            if (!_isInFrame)
            {
                if (!TryReadHeader(out FrameHeader header))
                {
                    return false;
                }

                if (IsWholeMessage(header))
                {
                    return TryTakeWholeMessage(header, out message);
                }

                BeginFrame(header);
            }

            if (!TryReceivePayload())
            {
                return false;
            }

            _isInFrame = false;
            if (_frame.IsControl)
            {
                message = FinishControl();
                return true;
            }

            if (_frame.Fin)
            {
                return TryFinishData(out message);
            }
        }

        return false;
    }

    /// <summary>How many bytes compressed messages, open ones included, were inflated to since the last
    /// call.</summary>
    public int TakeInflatedBytes()
    {
        int bytes = _inflatedBytes;
        _inflatedBytes = 0;
        return bytes;
    }

    /// <summary>Returns the receive buffer to the pool if nothing unread is in it, so that an idle connection
    /// holds none; an open fragmented message is kept.</summary>
    public void ReleaseBuffer()
    {
        if (_isDisposed)
        {
            return;
        }

        ReturnDelivered();
        if (_isEnded || _received.UnreadCount == 0)
        {
            _received.Return();
        }
    }

    /// <summary>Returns all buffers to the pool. Payloads that were read are no longer valid.</summary>
    public void Dispose()
    {
        _isDisposed = true;
        _received.Return();
        ReturnCollected();
        _inflater?.Dispose();
    }

    private int MissingOfFrame => (int)_frame.PayloadLength - (_collected.Length - _frameStart);

    private bool TryReadHeader(out FrameHeader header)
    {
        if (!FrameHeader.TryRead(_received.Unread, out header))
        {
            return false;
        }

        ProtocolError error = FrameRules.Check(header, _role, _isMessageOpen, _allowedReservedBits);
        if (error == ProtocolError.None && !header.IsControl)
        {
            error = CheckLimits(header);
        }

        return error == ProtocolError.None || Fail(error);
    }

    // RFC 6455 §10.4: limits on a frame and on a message, decided before any of the payload is taken.
    private ProtocolError CheckLimits(in FrameHeader header)
    {
        long announced = _isMessageOpen ? _announced : 0;
        int fragments = _isMessageOpen ? _fragments : 0;
        long max = _inflater is null ? _maxMessageBytes : MaxWireBytes(header);
        return header.PayloadLength > max - announced ? ProtocolError.MessageTooBig
            : fragments == _maxFragments ? ProtocolError.TooManyFragments
            : ProtocolError.None;
    }

    // RFC 1951 §3.2.6: a deflater that knows only the fixed code needs 9 bits for a byte. The rest is for
    // flushes.
    private long MaxWireBytes(in FrameHeader header) =>
        (_isMessageOpen ? _isCompressed : header.ReservedBits != 0)
            ? Math.Min(_maxMessageBytes + (_maxMessageBytes / 8) + 1024, Array.MaxLength)
            : _maxMessageBytes;

    private bool IsWholeMessage(in FrameHeader header) =>
        header.Fin && !_isMessageOpen && !header.IsControl
        && header.ReservedBits == 0 && header.PayloadLength <= _received.UnreadCount - header.Size;

    // Most messages are one frame that has come whole: nothing needs to be remembered about it.
    private bool TryTakeWholeMessage(in FrameHeader header, out ReceivedMessage message)
    {
        _received.Consume(header.Size);
        int length = (int)header.PayloadLength;
        Span<byte> payload = _received.Unread[..length];
        if (header.IsMasked)
        {
            Mask.Apply(payload, header.MaskingKey, 0);
        }

        // RFC 6455 §8.1: invalid UTF-8 fails the connection.
        if (header.Opcode == Opcode.Text && !Utf8Validator.IsValid(payload))
        {
            message = default;
            return Fail(ProtocolError.InvalidUtf8);
        }

        message = new ReceivedMessage(header.Opcode, Take(length));
        return true;
    }

    private void BeginFrame(in FrameHeader header)
    {
        _received.Consume(header.Size);
        if (!header.IsControl)
        {
            BeginData(header);
        }

        _frame = header;
        _isInFrame = true;
        _processed = 0;
        _frameStart = _collected.Length;
        _isCollecting = !header.IsControl
            && (!header.Fin || _fragments > 1 || _isCompressed || header.PayloadLength > _received.Capacity);
    }

    private void BeginData(in FrameHeader header)
    {
        if (header.Opcode != Opcode.Continuation)
        {
            _opcode = header.Opcode;
            _isCompressed = header.ReservedBits != 0;
            _announced = 0;
            _fragments = 0;
            _utf8 = default;
        }

        _announced += header.PayloadLength;
        _fragments++;
        _isMessageOpen = !header.Fin;
    }

    private ReceivedMessage FinishControl()
    {
        // RFC 6455 §1.4: "after receiving a control frame indicating the connection should be closed, a peer
        // discards any further data received". A message that is still open will never be whole.
        if (_frame.Opcode == Opcode.Close)
        {
            _isEnded = true;
            ReturnCollected();
        }

        return new ReceivedMessage(_frame.Opcode, Take((int)_frame.PayloadLength));
    }

    private bool TryFinishData(out ReceivedMessage message)
    {
        ProtocolError error = _isCompressed ? _inflater!.Finish() : ProtocolError.None;
        if (error != ProtocolError.None)
        {
            message = default;
            return Fail(error);
        }

        if (_opcode == Opcode.Text && !_utf8.IsComplete)
        {
            message = default;
            return Fail(ProtocolError.InvalidUtf8);
        }

        _isDelivered = _isCollecting;
        message = new ReceivedMessage(
            _opcode,
            !_isCollecting ? Take((int)_frame.PayloadLength) : _isCompressed ? _inflated.Join() : _collected.Memory);
        _isCollecting = false;
        return true;
    }

    private ReadOnlyMemory<byte> Take(int length)
    {
        ReadOnlyMemory<byte> payload = _received.UnreadMemory(length);
        _received.Consume(length);
        return payload;
    }

    private bool Fail(ProtocolError error)
    {
        Error = error;
        _isEnded = true;
        _isCollecting = false;
        _received.Discard();
        ReturnCollected();
        return false;
    }

    private void ReturnCollected()
    {
        _collected.Return();
        _inflated.Return();
    }

    private void ReturnDelivered()
    {
        ObjectDisposedException.ThrowIf(_isDisposed, this);
        if (_isDelivered)
        {
            _isDelivered = false;
            ReturnCollected();
        }
    }
}
