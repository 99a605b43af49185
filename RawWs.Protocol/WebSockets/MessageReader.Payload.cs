namespace RawWs.Protocol.WebSockets;

// The payload of a frame that has not come whole, or is compressed, or is a part of a message.
public sealed partial class MessageReader
{
    private const int CachedPart = 16 * 1024;

    /// <summary>Unmasks and checks what has come of the frame; true once that is all of it.</summary>
    private bool TryReceivePayload()
    {
        int length = (int)_frame.PayloadLength;
        int count;
        Span<byte> fresh;
        if (_isCollecting && _isCompressed)
        {
            return TryInflatePayload(length);
        }

        if (_isCollecting)
        {
            int missing = MissingOfFrame;
            count = Math.Min(missing, _received.UnreadCount);
            _collected.Append(_received.Unread[..count], missing);
            _received.Consume(count);
            fresh = _collected.From(_frameStart + _processed);
            count = _collected.Length - _frameStart;
        }
        else
        {
            count = Math.Min(length, _received.UnreadCount);
            fresh = _received.Unread[_processed..count];
        }

        ProtocolError error = UnmaskAndCheck(fresh);
        return error == ProtocolError.None ? count == length : Fail(error);
    }

    // Part by part, so that what was unmasked is still in the first cache when it is checked.
    private ProtocolError UnmaskAndCheck(Span<byte> fresh)
    {
        ProtocolError error;
        do
        {
            Span<byte> part = fresh[..Math.Min(fresh.Length, CachedPart)];
            fresh = fresh[part.Length..];
            if (_frame.IsMasked)
            {
                Mask.Apply(part, _frame.MaskingKey, _processed);
            }

            _processed += part.Length;
            error = CheckPayload(part);
        }
        while (error == ProtocolError.None && !fresh.IsEmpty);

        return error;
    }

    private bool TryInflatePayload(int length)
    {
        int count = Math.Min(length - _processed, _received.UnreadCount);
        Span<byte> compressed = _received.Unread[..count];
        if (_frame.IsMasked)
        {
            Mask.Apply(compressed, _frame.MaskingKey, _processed);
        }

        int start = _inflated.Length;
        ProtocolError inflateError = _inflater!.Inflate(compressed, ref _inflated, _maxMessageBytes);
        _received.Consume(count);
        _processed += count;
        _inflatedBytes += _inflated.Length - start;

        // Text that was inflated before an error comes first, or the verdict would depend on how frames are
        // cut.
        ProtocolError error = ProtocolError.None;
        while (start < _inflated.Length && error == ProtocolError.None)
        {
            Span<byte> fresh = _inflated.From(start);
            error = CheckPayload(fresh);
            start += fresh.Length;
        }

        error = error == ProtocolError.None ? inflateError : error;
        return error == ProtocolError.None ? _processed == length : Fail(error);
    }

    // RFC 6455 §8.1: invalid UTF-8 fails the connection, here at the first bad byte of an unfinished message.
    private ProtocolError CheckPayload(ReadOnlySpan<byte> fresh)
    {
        if (_frame.Opcode == Opcode.Close)
        {
            // At most 125 bytes, so that checking again what came before costs less than keeping its state.
            return ClosePayload.Check(_received.Unread[.._processed], _processed == _frame.PayloadLength);
        }

        bool isText = !_frame.IsControl && _opcode == Opcode.Text;
        return isText && !_utf8.TryAppend(fresh) ? ProtocolError.InvalidUtf8 : ProtocolError.None;
    }
}
