using System.Buffers;
using System.Buffers.Text;
using System.Collections.Concurrent;
using System.Collections.Immutable;
using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using RawWs.Protocol.EngineIO;
using RawWs.Protocol.Http;
using RawWs.Protocol.WebSockets;
using RawWs.Server.Diagnostics;
using RawWs.Server.Transport;

namespace RawWs.Server.Engine;

/// <summary>An Engine.IO server on one path: its sessions, and the hooks of its requests.</summary>
/// <remarks>Hooks are added before the server starts; everything else may be called from any thread.</remarks>
public sealed class EngineEndpoint
{
    private const int MaxIdLength = 128;

    private static readonly SearchValues<char> s_idChars =
        SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_");

    private readonly ConcurrentDictionary<string, EngineSession> _sessions = new(StringComparer.Ordinal);
    private ImmutableArray<Func<EngineRequest, EngineHeaders, ValueTask>> _middleware = [];
    private ImmutableArray<Action<EngineRequest, EngineHeaders>> _onHeaders = [];
    private ImmutableArray<Action<EngineRequest, EngineHeaders>> _onInitialHeaders = [];
    private ImmutableArray<Action<EngineConnectionError>> _onConnectionError = [];
    private int _count;
    private bool _isStopping;

    internal EngineEndpoint(ServerContext context, string path, EngineHandler handler, EngineOptions options)
    {
        options.Validate();
        Context = context;
        Path = path.TrimEnd('/');
        Handler = handler;
        Options = options;
        BodyLimits = new HttpLimits { MaxBodyBytes = options.MaxPayloadBytes };
        MessageLimits = new MessageLimits
        {
            MaxMessageBytes = options.MaxPayloadBytes,
            MaxFragments = context.Options.MaxFragments,
            ReceiveBufferBytes = context.Options.ReceiveBufferBytes,
        };
        PingInterval = (long)options.PingInterval.TotalMilliseconds;
        PingTimeout = (long)options.PingTimeout.TotalMilliseconds;
        UpgradeTimeout = (long)options.UpgradeTimeout.TotalMilliseconds;
        CloseTimeout = (long)options.CloseTimeout.TotalMilliseconds;
        TimerStep = (long)context.Options.TimerResolution.TotalMilliseconds;
    }

    /// <summary>Sessions that are open, or wait for their client to take what was said last.</summary>
    public int SessionCount => Volatile.Read(ref _count);

    /// <summary>The path, without a trailing slash; everything below it belongs to this server too.</summary>
    internal string Path { get; }

    internal ServerContext Context { get; }

    internal EngineHandler Handler { get; }

    internal EngineOptions Options { get; }

    internal HttpLimits BodyLimits { get; }

    internal MessageLimits MessageLimits { get; }

    // In milliseconds, the unit of the server's clock.
    internal long PingInterval { get; }

    internal long PingTimeout { get; }

    internal long UpgradeTimeout { get; }

    internal long CloseTimeout { get; }

    internal long TimerStep { get; }

    /// <summary>
    /// Runs a middleware for every request, in the order in which they are added. It may add headers to the answer, and
    /// refuses the request by throwing: the client gets 400.
    /// </summary>
    public void Use(Func<EngineRequest, EngineHeaders, ValueTask> middleware) => Add(ref _middleware, middleware);

    /// <summary>Runs a callback before every answer's headers are written, to add some.</summary>
    public void OnHeaders(Action<EngineRequest, EngineHeaders> handler) => Add(ref _onHeaders, handler);

    /// <summary>Runs a callback before the headers of the first answer of each session are written, to add some.</summary>
    public void OnInitialHeaders(Action<EngineRequest, EngineHeaders> handler) => Add(ref _onInitialHeaders, handler);

    /// <summary>Runs a callback for every request that is refused.</summary>
    public void OnConnectionError(Action<EngineConnectionError> handler) => Add(ref _onConnectionError, handler);

    /// <summary>Whether a decoded path is this server's.</summary>
    internal bool Includes(string path) =>
        path.StartsWith(Path, StringComparison.Ordinal) && (path.Length == Path.Length || path[Path.Length] == '/');

    /// <summary>Answers one request.</summary>
    /// <returns>
    /// The handler of the WebSocket that the connection becomes, or null. Without an answer in the exchange the peer has
    /// gone.
    /// </returns>
    internal ValueTask<WebSocketHandler?> HandleAsync(
        RequestHead head, HttpExchange exchange, HttpConnection connection) =>
        new EngineExchange(this, head, exchange, connection).RunAsync();

    internal bool TryGet(string id, [NotNullWhen(true)] out EngineSession? session) =>
        _sessions.TryGetValue(id, out session);

    /// <summary>Takes a new session in, unless there are too many, or there is one of its id.</summary>
    internal bool TryAdd(EngineSession session)
    {
        if (Interlocked.Increment(ref _count) > Options.MaxSessions)
            Context.Limits.Reached(LimitKind.Sessions, session.Handshake.Address);
        else if (!Volatile.Read(ref _isStopping) && _sessions.TryAdd(session.Id, session))
            return true;
        Interlocked.Decrement(ref _count);
        return false;
    }

    internal void Remove(EngineSession session)
    {
        if (_sessions.TryRemove(new KeyValuePair<string, EngineSession>(session.Id, session)))
            Interlocked.Decrement(ref _count);
    }

    /// <summary>Makes the id of a new session; null if the application's own is none, or is taken.</summary>
    internal string? CreateId(EngineRequest request)
    {
        if (Options.GenerateId is not { } generate)
            return Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(15));
        try
        {
            var id = generate(request);
            return id is { Length: > 0 and <= MaxIdLength } && !id.AsSpan().ContainsAnyExcept(s_idChars)
                && !_sessions.ContainsKey(id)
                ? id
                : null;
        }
        catch (Exception e)
        {
            HookFailed(e);
            return null;
        }
    }

    /// <summary>The open packet of a session.</summary>
    internal ReadOnlySpan<byte> WriteOpen(EngineSession session)
    {
        var output = new ArrayBufferWriter<byte>();
        var offersWebSocket = session.TransportName == "polling"
            && Options.AllowUpgrades
            && Options.Transports.HasFlag(EngineTransports.WebSocket);
        OpenPacket.Write(
            output, session.Id, offersWebSocket, PingInterval, PingTimeout, Options.MaxPayloadBytes);
        return output.WrittenSpan;
    }

    /// <summary>Runs the middleware of every request.</summary>
    /// <returns>False if one has refused.</returns>
    internal async ValueTask<bool> PassAsync(EngineRequest request, EngineHeaders headers)
    {
        try
        {
            foreach (var middleware in _middleware)
                await middleware(request, headers).ConfigureAwait(false);
            return true;
        }
        catch (Exception e)
        {
            Log.EngineRequestRefused(Context.Logger, e, request.Handshake.Address);
            return false;
        }
    }

    internal void AddHeaders(EngineRequest request, EngineHeaders headers, EngineSession? opened)
    {
        if (opened is not null && Options.Cookie is { } cookie)
            headers.Add("Set-Cookie", cookie.Write(opened.Id));
        if (opened is not null)
            Run(_onInitialHeaders, request, headers);
        Run(_onHeaders, request, headers);
    }

    internal void Report(EngineConnectionError error)
    {
        foreach (var handler in _onConnectionError)
        {
            try
            {
                handler(error);
            }
            catch (Exception e)
            {
                HookFailed(e);
            }
        }
    }

    internal void HookFailed(Exception error)
    {
        Log.EngineHookFailed(Context.Logger, error, Path);
        Context.Metrics.Failed("handler");
    }

    internal void OnTick()
    {
        var now = Context.Now;
        foreach (var (_, session) in _sessions)
            session.OnTick(now);
    }

    /// <summary>Ends every session over polling; a WebSocket is ended with its connection.</summary>
    internal void Stop()
    {
        Volatile.Write(ref _isStopping, true);
        foreach (var (_, session) in _sessions)
            session.Stop();
    }

    private static void Add<T>(ref ImmutableArray<T> hooks, T hook)
        where T : Delegate
    {
        ArgumentNullException.ThrowIfNull(hook);
        ImmutableInterlocked.Update(ref hooks, static (present, added) => present.Add(added), hook);
    }

    private void Run(
        ImmutableArray<Action<EngineRequest, EngineHeaders>> hooks, EngineRequest request, EngineHeaders headers)
    {
        foreach (var hook in hooks)
        {
            try
            {
                hook(request, headers);
            }
            catch (Exception e)
            {
                HookFailed(e);
            }
        }
    }
}
