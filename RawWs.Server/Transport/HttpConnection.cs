using System.Buffers;
using RawWs.Protocol.Http;
using RawWs.Server.Diagnostics;
using RawWs.Server.Transport.Limits;
using RawWs.Server.Transport.Tls;

namespace RawWs.Server.Transport;

/// <summary>One TCP connection while it speaks HTTP: requests in order, until it ends or becomes a WebSocket.</summary>
internal sealed partial class HttpConnection : ITimedConnection, IThreadPoolWorkItem
{
    private readonly ServerContext _context;
    private readonly ByteTransport _transport;
    private readonly RequestParser _parser;
    private readonly Lock _lock = new();
    private readonly int _slot;

    private Phase _phase;
    private long _deadline;
    private long _phaseStart;
    private bool _hasServed;

    public HttpConnection(ServerContext context, ByteTransport transport, ConnectionLimits? limits = null)
    {
        _context = context;
        _transport = transport;
        _limits = limits;
        _parser = new RequestParser(context.HttpLimits);
        TryEnter(Phase.Idle, context.Options.HandshakeTimeout);
        _handshake = context.Admission.Handshakes.Add(this, context.Now);
        _slot = context.Connections.Add(this);
    }

    // The handshake that turned the connection into a WebSocket.
    private readonly record struct Upgrade(WebSocketHandler Handler, RequestHead Request, ConnectionDeflate? Deflate);

    private enum Phase
    {
        Idle,
        Head,
        Body,

        // For what an answer needs, such as an event to report; whoever answers bounds it.
        Waiting,
        Responding,
        Lingering,
        Ending,
    }

    /// <summary>Serves the connection until it ends; returns at the first wait.</summary>
    public void Start() => _ = RunAsync();

    void IThreadPoolWorkItem.Execute() => Start();

    public void OnTick(long now)
    {
        Phase phase;
        lock (_lock)
        {
            var isSlow = _phase == Phase.Body && IsBodyTooSlow(now);
            if (now < _deadline && !isSlow)
                return;
            phase = _phase;
            _phase = phase == Phase.Lingering ? Phase.Ending : Phase.Lingering;
            _deadline = now + _context.LingerTimeout;
        }

        switch (phase)
        {
            case Phase.Head or Phase.Body:
                _ = SendTimeoutAsync();
                break;
            case Phase.Idle or Phase.Lingering:
                // All is said: end without a reset, which could overtake the last answer.
                _transport.ShutdownReceive();
                break;
            default:
                _transport.Close();
                break;
        }
    }

    public void Stop()
    {
        lock (_lock)
        {
            if (_phase is not (Phase.Idle or Phase.Head or Phase.Body))
                return;
        }

        _transport.ShutdownReceive();
    }

    public void Abort() => _transport.Close();

    private async Task RunAsync()
    {
        WebSocketConnection? webSocket = null;
        try
        {
            var upgrade = await ServeAsync().ConfigureAwait(false);
            if (upgrade is { } accepted)
            {
                // The WebSocket runs as a task of its own: this one, with all it holds, ends here.
                webSocket = new WebSocketConnection(_context, _transport, accepted.Handler, _slot, accepted.Deflate)
                {
                    Limits = _limits,
                    RemoteEndPoint = RemoteEndPoint,
                    IsSecure = IsSecure,
                };
                _context.Connections.Replace(_slot, webSocket);
                _ = webSocket.RunAsync(accepted.Request, _buffer.AsMemory(_start.._end), _readable);
                return;
            }

            TryEnter(Phase.Lingering, _context.Options.LingerTimeout);
            _transport.ShutdownSend();
            await Linger.DrainAsync(_transport, _context.Options.MaxLingerBytes, _readable).ConfigureAwait(false);
        }
        catch (Exception e) when (TransportFaults.Includes(e))
        {
            // The peer has gone, or was too slow.
        }
        catch (Exception e)
        {
            Log.RequestFailed(_context.Logger, e, RemoteEndPoint);
            _context.Metrics.Failed("request");
        }
        finally
        {
            ReleaseBuffer();
            EndHandshake();
            if (webSocket is null)
            {
                _transport.Close();
                _limits?.Leave();
                _context.Connections.Remove(_slot);
            }
        }
    }

    /// <returns>The handshake that turned the connection into a WebSocket, or null if it is to be closed.</returns>
    private async Task<Upgrade?> ServeAsync()
    {
        var exchange = new HttpExchange(_context);
        try
        {
            return await ServeAsync(exchange).ConfigureAwait(false);
        }
        finally
        {
            // What was to be sent to a peer that has gone since.
            exchange.OnLost?.Invoke();
            exchange.TakeBody()?.Dispose();
            exchange.TakeDeflate()?.Dispose();
        }
    }

    private async Task<Upgrade?> ServeAsync(HttpExchange exchange)
    {
        if (_transport is TlsTransport tls && !await TryAuthenticateAsync(tls).ConfigureAwait(false))
            return null;
        while (true)
        {
            if (!await HoldBackAsync().ConfigureAwait(false))
                return null;
            var head = await ReadHeadAsync(exchange).ConfigureAwait(false);
            if (head is null)
                return null;

            WebSocketHandler? handler = null;
            if (!AdmitClient(head, exchange))
            {
                // The exchange has the answer.
            }
            else if (_client is not null && !await HoldBackAsync().ConfigureAwait(false))
            {
                // Whom a proxy speaks for is known only now.
                return null;
            }
            else if (IsAboveRate(head, exchange))
            {
                // Likewise.
            }
            else if (exchange.FindEngine(head) is { } engine)
            {
                // The head is in: what is done with it takes the time of the application, not of the peer.
                if (!TryEnter(Phase.Waiting, TimeSpan.MaxValue))
                    return null;
                handler = await engine.HandleAsync(head, exchange, this).ConfigureAwait(false);
                if (!exchange.HasResponse)
                    return null;
            }
            else
            {
                handler = exchange.TryUpgrade(head);
            }

            if (handler is null && !exchange.HasResponse)
            {
                if (head.HasBody && !await SkipBodyAsync(head, exchange).ConfigureAwait(false))
                    return null;
                if (!exchange.HasResponse)
                    exchange.Respond(head);
            }

            if (!TryEnter(Phase.Responding, _context.Options.ResponseTimeout))
                return null;
            await SendAsync(exchange).ConfigureAwait(false);
            exchange.OnLost = null;
            if (handler is not null)
                return new Upgrade(handler, head, exchange.TakeDeflate());
            if (exchange.Closes)
                return null;
            exchange.Reset();
            _hasServed = true;
            // In this order: a stop that comes behind the second check finds the connection idle, and ends it.
            if (!TryEnter(Phase.Idle, _context.Options.IdleTimeout) || _context.Connections.IsStopping)
                return null;
        }
    }

    // Its time is a part of that for the first head.
    private async Task<bool> TryAuthenticateAsync(TlsTransport tls)
    {
        try
        {
            await tls.AuthenticateAsync().ConfigureAwait(false);
            return true;
        }
        catch (Exception e) when (TransportFaults.Includes(e))
        {
            // One that only looks whether the port is open is no failure.
            if (tls.HasHeard)
            {
                Log.TlsFailed(_context.Logger, RemoteEndPoint, e.Message);
                _context.Metrics.Failed("tls");
            }

            return false;
        }
    }

    private async Task SendAsync(HttpExchange exchange)
    {
        await _transport.SendAsync(exchange.Response).ConfigureAwait(false);
        _context.Metrics.BytesSent(exchange.Response.Length);
        if (exchange.TakeBody() is not { } body)
            return;
        var buffer = ArrayPool<byte>.Shared.Rent(64 * 1024);
        try
        {
            await using (body.ConfigureAwait(false))
            {
                // A file that grows or shrinks meanwhile must not upset the framing that its length has promised.
                for (var left = exchange.BodyLength; left > 0;)
                {
                    var wanted = buffer.AsMemory(0, (int)Math.Min(left, buffer.Length));
                    var count = await body.ReadAsync(wanted).ConfigureAwait(false);
                    if (count == 0)
                        throw new IOException("The file is shorter than its length said.");
                    if (!TryEnter(Phase.Responding, _context.Options.ResponseTimeout))
                        return;
                    await _transport.SendAsync(wanted[..count]).ConfigureAwait(false);
                    _context.Metrics.BytesSent(count);
                    left -= count;
                }
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
        }
    }

    /// <returns>False if the timer has given up on the connection meanwhile.</returns>
    private bool TryEnter(Phase phase, TimeSpan timeout)
    {
        lock (_lock)
        {
            if (_phase >= Phase.Lingering)
                return false;
            _phase = phase;
            _phaseStart = _context.Now;
            _deadline = timeout == TimeSpan.MaxValue ? long.MaxValue : _phaseStart + (long)timeout.TotalMilliseconds;
            return true;
        }
    }

    // The time for a head runs from its first byte; for the first head from the accepted connection.
    private bool TryEnterHead()
    {
        lock (_lock)
        {
            if (_phase >= Phase.Lingering)
                return false;
            _phase = Phase.Head;
            if (_hasServed)
                _deadline = _context.Now + (long)_context.Options.HandshakeTimeout.TotalMilliseconds;
            return true;
        }
    }

    private bool IsBodyTooSlow(long now)
    {
        var elapsed = now - _phaseStart;
        return elapsed > (long)_context.Options.BodyGracePeriod.TotalMilliseconds
            && Volatile.Read(ref _bodyBytes) * 1000 < _context.Options.MinBodyBytesPerSecond * elapsed;
    }

    private async Task SendTimeoutAsync()
    {
        try
        {
            await _transport.SendAsync(HttpExchange.RequestTimeout).ConfigureAwait(false);
            _transport.ShutdownSend();
        }
        catch (Exception e) when (TransportFaults.Includes(e))
        {
            // The peer has gone meanwhile.
        }
    }
}
