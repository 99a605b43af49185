using System.Buffers;
using System.Net;
using RawWs.Protocol.Http;
using RawWs.Server.Diagnostics;

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

    public HttpConnection(ServerContext context, ByteTransport transport)
    {
        _context = context;
        _transport = transport;
        _parser = new RequestParser(context.HttpLimits);
        TryEnter(Phase.Idle, context.Options.HandshakeTimeout);
        _slot = context.Connections.Add(this);
    }

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

    /// <summary>The peer's address, if the carrier of the bytes knows it.</summary>
    public EndPoint? RemoteEndPoint => _transport.RemoteEndPoint;

    /// <summary>Whether the bytes are encrypted on their way.</summary>
    public bool IsSecure => _transport.IsSecure;

    private async Task RunAsync()
    {
        WebSocketConnection? webSocket = null;
        try
        {
            var upgrade = await ServeAsync().ConfigureAwait(false);
            if (upgrade is { } accepted)
            {
                // The WebSocket runs as a task of its own: this one, with all it holds, ends here.
                webSocket = new WebSocketConnection(_context, _transport, accepted.Handler, _slot);
                _context.Connections.Replace(_slot, webSocket);
                _ = webSocket.RunAsync(accepted.Request, _buffer.AsMemory(_start.._end), _readable);
                return;
            }

            _transport.ShutdownSend();
            TryEnter(Phase.Lingering, _context.Options.LingerTimeout);
            await Linger.DrainAsync(_transport, _context.Options.MaxLingerBytes, _readable).ConfigureAwait(false);
        }
        catch (Exception e) when (TransportFaults.Includes(e))
        {
            // The peer has gone, or was too slow.
        }
        catch (Exception e)
        {
            Log.RequestFailed(_context.Logger, e, _transport.RemoteEndPoint);
            _context.Metrics.Failed("request");
        }
        finally
        {
            ReleaseBuffer();
            if (webSocket is null)
            {
                _transport.Close();
                _context.Connections.Remove(_slot);
            }
        }
    }

    /// <returns>The handshake that turned the connection into a WebSocket, or null if it is to be closed.</returns>
    private async Task<(WebSocketHandler Handler, RequestHead Request)?> ServeAsync()
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
        }
    }

    private async Task<(WebSocketHandler Handler, RequestHead Request)?> ServeAsync(HttpExchange exchange)
    {
        while (true)
        {
            var head = await ReadHeadAsync(exchange).ConfigureAwait(false);
            if (head is null)
                return null;

            WebSocketHandler? handler;
            if (exchange.FindEngine(head) is { } engine)
            {
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
                return (handler, head);
            if (exchange.Closes)
                return null;
            exchange.Reset();
            _hasServed = true;
            // In this order: a stop that comes behind the second check finds the connection idle, and ends it.
            if (!TryEnter(Phase.Idle, _context.Options.IdleTimeout) || _context.Connections.IsStopping)
                return null;
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
