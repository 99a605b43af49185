using System.Net;
using RawWs.Protocol.Http;
using RawWs.Server.Transport.Limits;

namespace RawWs.Server.Transport;

// Who the peer is, and whether it may have more.
internal sealed partial class HttpConnection
{
    private readonly ConnectionLimits? _limits;
    private LinkedListNode<(HttpConnection Connection, long Since)>? _handshake;
    private IPEndPoint? _client;
    private bool? _isClientSecure;

    /// <summary>The client's address: the peer's, or what a trusted proxy says it is.</summary>
    public EndPoint? RemoteEndPoint => _client ?? _transport.RemoteEndPoint;

    /// <summary>Whether the bytes are encrypted on their way from the client.</summary>
    public bool IsSecure => _isClientSecure ?? _transport.IsSecure;

    /// <summary>What the connection may bring; null for as much as it likes.</summary>
    public ConnectionLimits? Limits => _limits;

    private void EndHandshake()
    {
        if (_handshake is null)
            return;
        _context.Admission.Handshakes.Remove(_handshake);
        _handshake = null;
    }

    /// <summary>A request has come in: with each, since a proxy may send those of many clients over one connection.</summary>
    /// <returns>False if its client has too many connections: the exchange has the answer.</returns>
    private bool AdmitClient(RequestHead head, HttpExchange exchange)
    {
        EndHandshake();
        if (_context.Options.TrustedProxies.Count == 0)
            return true;
        if (_transport.RemoteEndPoint is not IPEndPoint { Address: var peer } || !_context.IsTrustedProxy(peer))
            return true;
        var client = ForwardedHeaders.Read(head.Headers, peer, _context.Options.TrustedProxies);
        _client = new IPEndPoint(client.Address, 0);
        _isClientSecure = client.IsSecure;
        // The proxy's own requests, such as those that ask whether the server lives, count for nobody.
        if (_limits is null || _context.IsTrustedProxy(client.Address))
        {
            _limits?.Leave();
            return true;
        }

        if (_limits.TryEnter(client.Address) is not { } refusal)
            return true;
        _context.Limits.Reached(refusal, client.Address);
        exchange.Refuse(head, Admission.StatusOf(refusal));
        return false;
    }

    /// <summary>Counts the request.</summary>
    /// <returns>True if it is one too many: the exchange has the answer.</returns>
    private bool IsAboveRate(RequestHead head, HttpExchange exchange)
    {
        if (_limits is null)
            return false;
        _limits.OnMessage();
        if (!_limits.MustDisconnect())
            return false;
        exchange.Refuse(head, 429);
        return true;
    }

    /// <summary>
    /// Waits until the client may bring more, on whichever of its connections, without reading what it sends meanwhile. The
    /// time is bounded, as nobody looks whether the peer is still there.
    /// </summary>
    /// <returns>False if the connection is over.</returns>
    private async ValueTask<bool> HoldBackAsync()
    {
        if (_limits is not { MustWait: true })
            return true;
        if (!TryEnter(Phase.Waiting, _context.Options.IdleTimeout))
            return false;
        await _limits.HoldBackAsync(() => _context.Connections.IsStopping || _phase >= Phase.Lingering)
            .ConfigureAwait(false);
        return !_context.Connections.IsStopping
            && TryEnter(Phase.Idle, _hasServed ? _context.Options.IdleTimeout : _context.Options.HandshakeTimeout);
    }
}
