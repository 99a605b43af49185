namespace RawWs.Protocol.WebSockets.Deflate;

/// <summary>The sending direction of one connection with permessage-deflate: writes messages as frames,
/// compressed where that is worth it (RFC 7692 §7.2.1).</summary>
/// <remarks>
/// <para>With context takeover it keeps a deflater, from the first compressed message until
/// <see cref="Release"/>; frames must go out in the order in which they were written, and nothing may be
/// called by several threads at a time.</para>
/// <para>Without, it has no state: it may be shared by threads and connections, and a frame may be sent to
/// every connection that has agreed on this window or a larger one.</para>
/// </remarks>
public sealed class MessageDeflater : IDisposable
{
    private readonly DeflatePool _pool;
    private readonly int _windowBits;
    private readonly bool _keepsWindow;
    private Deflater? _deflater;

    /// <summary>The direction before its first message.</summary>
    /// <param name="pool">Where deflaters come from.</param>
    /// <param name="agreed">What was negotiated.</param>
    /// <param name="role">Our own role.</param>
    public MessageDeflater(DeflatePool pool, DeflateParameters agreed, Role role)
    {
        ArgumentNullException.ThrowIfNull(pool);
        _pool = pool;
        _windowBits = agreed.MaxWindowBits(role);
        _keepsWindow = !agreed.ForgetsWindow(role);
    }

    /// <summary>Whether a deflater is held for its window.</summary>
    public bool HoldsDeflater => _deflater is not null;

    /// <summary>Whether <see cref="Write"/> tries to compress a message, rather than write it as it is.</summary>
    /// <param name="opcode">The kind of the frame.</param>
    /// <param name="length">The size of the payload in bytes.</param>
    // A peer may allow a window so small that zlib cannot keep to it; whether a message is compressed is the
    // sender's choice (RFC 7692 §6).
    public bool Compresses(Opcode opcode, int length) =>
        opcode is Opcode.Text or Opcode.Binary
        && length >= Math.Max(1, _pool.Options.MinMessageBytes)
        && _windowBits >= WindowBits.Min;

    /// <summary>Space in which any message of this size can be written.</summary>
    /// <exception cref="OverflowException">The frame might be larger than 2 GiB.</exception>
    public static int MaxFrameSize(int payloadLength) =>
        checked(FrameHeader.MaxSize + Deflater.MaxSize(payloadLength));

    /// <summary>Writes a frame, whole and final: compressed, with RSV1, if it is a message of the least size
    /// for that, and if it gets smaller or context takeover wants it in the window.</summary>
    /// <param name="destination">Where the frame goes, at least <see cref="MaxFrameSize"/>; must not overlap
    /// the payload.</param>
    /// <param name="opcode">The kind of the frame.</param>
    /// <param name="payload">The payload; it is left as it is.</param>
    /// <param name="maskingKey">A client's key as in <see cref="FrameWriter.WriteMasked"/>; null for a
    /// server.</param>
    /// <returns>The size of the frame.</returns>
    /// <exception cref="ArgumentException">The destination is too short, or a rule for control frames is
    /// broken.</exception>
    public int Write(
        Span<byte> destination, Opcode opcode, ReadOnlySpan<byte> payload, uint? maskingKey = null)
    {
        ArgumentOutOfRangeException.ThrowIfLessThan(
            destination.Length, MaxFrameSize(payload.Length), nameof(destination));
        if (!Compresses(opcode, payload.Length))
        {
            return WritePlain(destination, opcode, payload, maskingKey);
        }

        Span<byte> compressed = destination[FrameHeader.MaxSize..];
        compressed = compressed[..Deflate(payload, compressed)];
        if (!_keepsWindow && compressed.Length >= payload.Length)
        {
            return WritePlain(destination, opcode, payload, maskingKey);
        }

        // RFC 7692 §6: RSV1 of the first frame tells that the message is compressed.
        var header = new FrameHeader(opcode, compressed.Length, true, FrameHeader.Rsv1, maskingKey);
        Span<byte> body = destination.Slice(header.Write(destination), compressed.Length);
        compressed.CopyTo(body);
        if (maskingKey is uint key)
        {
            Mask.Apply(body, key, 0);
        }

        return header.Size + body.Length;
    }

    /// <summary>Frees the window, so that an idle connection holds none: the next message begins a new one,
    /// which the peer need not know.</summary>
    public void Release()
    {
        _deflater?.Dispose();
        _deflater = null;
    }

    /// <inheritdoc cref="Release"/>
    public void Dispose() => Release();

    private int Deflate(ReadOnlySpan<byte> payload, Span<byte> destination)
    {
        if (_keepsWindow)
        {
            _deflater ??= new Deflater(_windowBits, _pool.Options.Level);
            return _deflater.Deflate(payload, destination, keepWindow: true);
        }

        Deflater deflater = _pool.RentDeflater(_windowBits);
        int length = deflater.Deflate(payload, destination, keepWindow: false);
        _pool.Return(deflater);
        return length;
    }

    private static int WritePlain(
        Span<byte> destination, Opcode opcode, ReadOnlySpan<byte> payload, uint? maskingKey) =>
        maskingKey is uint key
            ? FrameWriter.WriteMasked(destination, opcode, payload, key)
            : FrameWriter.Write(destination, opcode, payload);
}
