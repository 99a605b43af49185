namespace RawWs.Server.Transport;

/// <summary>
/// Small frames that a <see cref="FlushBatch"/> posts to many outboxes, written one behind the other once: each outbox
/// refers to all that it was given as one piece, and copies nothing.
/// </summary>
/// <remarks>
/// Belongs to a thread. What has been handed out is never written to again, so any thread may send it. Without it ten
/// messages to a thousand receivers would be ten thousand copies, into a thousand buffers that no cache holds.
/// </remarks>
internal sealed class SharedRun
{
    private const int FirstBytes = 1024;

    private byte[] _bytes = [];
    private int _length;

    // What was asked for last, and, once it was asked for again, the two together.
    private ReadOnlyMemory<byte> _before;
    private ReadOnlyMemory<byte> _frame;
    private ReadOnlyMemory<byte> _joined;

    /// <summary>Two pieces of memory as one.</summary>
    /// <param name="before">Frames that the caller has been given before, none of which will be written to again.</param>
    /// <param name="frame">The one that follows, likewise.</param>
    /// <param name="joined">Both.</param>
    /// <returns>False if nobody else seems to need them together: the caller copies them for itself.</returns>
    public bool TryJoin(ReadOnlyMemory<byte> before, ReadOnlyMemory<byte> frame, out ReadOnlyMemory<byte> joined)
    {
        if (!before.Equals(_before) || !frame.Equals(_frame))
        {
            var goesOn = !_joined.IsEmpty && before.Equals(_joined);
            (_before, _frame, _joined) = (before, frame, default);
            if (!goesOn)
            {
                // The first who asks may be the only one.
                joined = default;
                return false;
            }
        }

        if (_joined.IsEmpty)
            _joined = Join(before, frame.Span);
        joined = _joined;
        return true;
    }

    /// <summary>Lets go of all that it refers to.</summary>
    public void Clear()
    {
        if (_before.IsEmpty)
            return;
        (_bytes, _length) = ([], 0);
        (_before, _frame, _joined) = (default, default, default);
    }

    private ReadOnlyMemory<byte> Join(ReadOnlyMemory<byte> before, ReadOnlySpan<byte> frame)
    {
        var length = before.Length + frame.Length;
        // The frame can follow where the array ends with what comes before it, and has room.
        var isLast = before.Length <= _length && before.Equals(_bytes.AsMemory(_length - before.Length, before.Length));
        if (!isLast || _bytes.Length - _length < frame.Length)
        {
            _bytes = GC.AllocateUninitializedArray<byte>(Math.Max(FirstBytes, 2 * length));
            before.Span.CopyTo(_bytes);
            _length = before.Length;
        }

        frame.CopyTo(_bytes.AsSpan(_length));
        _length += frame.Length;
        return _bytes.AsMemory(_length - length, length);
    }
}
