using RawWs.Protocol.Http;
using RawWs.Protocol.WebSockets;
using RawWs.Protocol.WebSockets.Deflate;
using RawWs.Server.Diagnostics;

namespace RawWs.Server.Transport;

/// <summary>The compression of one server: what it grants to whom, and what its connections share.</summary>
internal sealed class ServerDeflate : IDisposable
{
    private readonly DeflatePool _pool;
    private readonly DeflateOptions _withoutTakeover;
    private readonly MessageDeflater?[] _shared;
    private readonly ServerMetrics _metrics;
    private readonly int _maxContexts;
    private int _contexts;

    private ServerDeflate(DeflateOptions options, int maxContexts, ServerMetrics metrics)
    {
        _pool = new DeflatePool(options);
        _withoutTakeover = options with { ServerNoContextTakeover = true, ClientNoContextTakeover = true };
        _shared = new MessageDeflater?[16];
        _metrics = metrics;
        _maxContexts = maxContexts;
    }

    /// <returns>Null if the options want none, or the runtime has no zlib that does what it should.</returns>
    public static ServerDeflate? TryCreate(ServerOptions options, ServerMetrics metrics) =>
        options.Deflate is { } deflate && DeflateNegotiation.IsAvailable
            ? new ServerDeflate(deflate, options.MaxDeflateContexts, metrics)
            : null;

    /// <summary>Accepts one of a client's offers.</summary>
    /// <returns>What was agreed on, to be disposed of with the connection; null if there is no offer to accept.</returns>
    public ConnectionDeflate? TryAccept(IReadOnlyList<ExtensionOffer> offers)
    {
        if (!DeflateNegotiation.TryAccept(offers, _pool.Options, out var agreed, out var answer))
            return null;
        var contexts = (agreed.ServerNoContextTakeover ? 0 : 1) + (agreed.ClientNoContextTakeover ? 0 : 1);
        if (contexts > 0 && !TryReserve(contexts))
        {
            // RFC 7692 §7.1.1: either may be in an answer although the client did not ask for it.
            contexts = 0;
            DeflateNegotiation.TryAccept(offers, _withoutTakeover, out agreed, out answer);
        }

        return new ConnectionDeflate(this, agreed, answer, contexts);
    }

    public MessageInflater CreateInflater(DeflateParameters agreed) => new(_pool, agreed, Role.Server);

    /// <summary>The deflater for one connection with context takeover.</summary>
    public MessageDeflater CreateDeflater(DeflateParameters agreed) => new(_pool, agreed, Role.Server);

    /// <summary>The deflater, without state, of all connections without context takeover that have this window.</summary>
    public MessageDeflater ShareDeflater(DeflateParameters agreed) => LazyInitializer.EnsureInitialized(
        ref _shared[agreed.ServerMaxWindowBits], () => CreateDeflater(agreed))!;

    public void Release(int contexts)
    {
        Interlocked.Add(ref _contexts, -contexts);
        _metrics.DeflateContexts(-contexts);
    }

    public void Dispose() => _pool.Dispose();

    private bool TryReserve(int contexts)
    {
        if (Interlocked.Add(ref _contexts, contexts) > _maxContexts)
        {
            Interlocked.Add(ref _contexts, -contexts);
            return false;
        }

        _metrics.DeflateContexts(contexts);
        return true;
    }
}

/// <summary>What one connection has agreed on about compression.</summary>
internal sealed class ConnectionDeflate : IDisposable
{
    private readonly ServerDeflate _server;
    private readonly DeflateParameters _agreed;
    private int _contexts;

    public ConnectionDeflate(ServerDeflate server, DeflateParameters agreed, string answer, int contexts)
    {
        _server = server;
        _agreed = agreed;
        _contexts = contexts;
        Answer = answer;
        if (agreed.ServerNoContextTakeover)
            Shared = server.ShareDeflater(agreed);
        else
            Own = server.CreateDeflater(agreed);
    }

    /// <summary>The value of the header that tells the client.</summary>
    public string Answer { get; }

    /// <summary>Compresses each message by itself, for anyone with this window; null with context takeover.</summary>
    public MessageDeflater? Shared { get; }

    /// <summary>Compresses with regard to the messages before, in the order in which they are sent; null without.</summary>
    public MessageDeflater? Own { get; }

    public MessageInflater CreateInflater() => _server.CreateInflater(_agreed);

    /// <summary>Others may have the contexts. The deflater and the inflater are disposed of by who uses them.</summary>
    public void Dispose()
    {
        if (Interlocked.Exchange(ref _contexts, 0) is > 0 and var contexts)
            _server.Release(contexts);
    }
}
