namespace RawWs.Protocol.WebSockets.Deflate;

/// <summary>The receiving direction of one connection with permessage-deflate (RFC 7692 §7.2.2).</summary>
/// <remarks>It belongs to the <see cref="MessageReader"/> that it is given to. With context takeover it keeps
/// its window, as later messages may refer to it, from the first compressed message until it is disposed of;
/// without, it holds nothing between messages. A peer that reaches back further than the window it has agreed on
/// is not always found out: zlib still has more at hand within one call.</remarks>
public sealed class MessageInflater : IDisposable
{
    private readonly DeflatePool _pool;
    private readonly int _windowBits;
    private readonly bool _keepsWindow;
    private Inflater? _inflater;

    /// <summary>The direction before its first message.</summary>
    /// <param name="pool">Where inflaters come from.</param>
    /// <param name="agreed">What was negotiated.</param>
    /// <param name="role">Our own role: a server inflates what the client has compressed.</param>
    public MessageInflater(DeflatePool pool, DeflateParameters agreed, Role role)
    {
        ArgumentNullException.ThrowIfNull(pool);
        Role sender = role == Role.Server ? Role.Client : Role.Server;
        _pool = pool;
        _windowBits = Math.Max(agreed.MaxWindowBits(sender), WindowBits.Min);
        _keepsWindow = !agreed.ForgetsWindow(sender);
    }

    /// <summary>Whether an inflater is held: for a window, or for a message that is open.</summary>
    public bool HoldsInflater => _inflater is not null;

    /// <summary>Frees the window.</summary>
    public void Dispose()
    {
        if (_inflater is { } inflater)
        {
            _inflater = null;
            GiveBack(inflater);
        }
    }

    internal ProtocolError Inflate(ReadOnlySpan<byte> part, ref PieceBuffer output, long limit)
    {
        _inflater ??= _keepsWindow ? new Inflater(_windowBits) : _pool.RentInflater();
        return _inflater.Inflate(part, ref output, limit);
    }

    internal ProtocolError Finish()
    {
        ProtocolError error = _inflater is null ? ProtocolError.None : _inflater.Finish();
        if (!_keepsWindow || error != ProtocolError.None)
        {
            Dispose();
        }

        return error;
    }

    private void GiveBack(Inflater inflater)
    {
        if (_keepsWindow)
        {
            inflater.Dispose();
        }
        else
        {
            _pool.Return(inflater);
        }
    }
}
