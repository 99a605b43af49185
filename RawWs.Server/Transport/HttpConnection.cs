using System.Buffers;
using System.Net;
using System.Runtime.InteropServices;
using RawWs.Protocol.Http;
using RawWs.Server.Diagnostics;

namespace RawWs.Server.Transport;

/// <summary>One TCP connection while it speaks HTTP: requests in order, until it ends or becomes a WebSocket.</summary>
internal sealed class HttpConnection : ITimedConnection, IThreadPoolWorkItem
{
    // A head may be followed by early frames in the same read; so much may be buffered beyond the limits of a head.
    private const int Slack = 4 * 1024;

    private readonly ServerContext _context;
    private readonly ByteTransport _transport;
    private readonly RequestParser _parser;
    private readonly Lock _lock = new();
    private readonly int _slot;

    private byte[] _buffer = [];
    private int _start;
    private int _end;
    private Phase _phase;
    private long _deadline;
    private long _phaseStart;
    private long _bodyBytes;
    private bool _hasServed;

    // A receive without a buffer that has not completed yet: it tells that there is something to receive.
    private Task<int>? _readable;

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

    /// <summary>Runs on a thread of the pool: a slow handler never holds up the accept loop.</summary>
    void IThreadPoolWorkItem.Execute() => _ = RunAsync();

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

    /// <summary>Takes in the body of a request.</summary>
    /// <param name="head">The request.</param>
    /// <param name="exchange">Gets the error if the body is malformed, too large or too slow.</param>
    /// <param name="limits">More than its bytes is 413.</param>
    /// <returns>The body; null if there is an error, or if the peer has gone.</returns>
    public async Task<Memory<byte>?> ReadBodyAsync(RequestHead head, HttpExchange exchange, HttpLimits limits)
    {
        var body = new ArrayBufferWriter<byte>();
        if (!await ReadBodyAsync(head, exchange, limits, body).ConfigureAwait(false) || exchange.HasResponse)
            return null;
        // The body is in: what is done with it takes the time of the server, not of the peer.
        if (!TryEnter(Phase.Waiting, TimeSpan.MaxValue))
            return null;
        return MemoryMarshal.AsMemory(body.WrittenMemory);
    }

    /// <summary>Waits until there is something to answer, and whether the peer stays for it.</summary>
    /// <returns>False if the peer has gone, or has ended its side.</returns>
    public async Task<bool> WaitAsync(Task answer)
    {
        if (!TryEnter(Phase.Waiting, TimeSpan.MaxValue))
            return false;
        while (!answer.IsCompleted)
        {
            _readable ??= WaitReadableAsync();
            if (await Task.WhenAny(answer, _readable).ConfigureAwait(false) == answer)
                break;
            if (_readable.IsCompletedSuccessfully && !_transport.IsReadable)
            {
                // An event of what was received before: the receive below would wait, and the answer with it.
                _readable = null;
                continue;
            }

            if (!await ReceiveAsync().ConfigureAwait(false))
                return false;
            if (_end - _start >= _context.Options.ReceiveBufferBytes)
            {
                // A peer that sends so many requests ahead must wait like anyone else.
                await answer.ConfigureAwait(false);
            }
        }

        return true;
    }

    private Task<int> WaitReadableAsync()
    {
        var readable = _transport.ReceiveAsync(Memory<byte>.Empty).AsTask();
        // It may outlive everyone who waits for it.
        _ = readable.ContinueWith(
            static task => _ = task.Exception,
            CancellationToken.None,
            TaskContinuationOptions.OnlyOnFaulted | TaskContinuationOptions.ExecuteSynchronously,
            TaskScheduler.Default);
        return readable;
    }

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
                _ = webSocket.RunAsync(accepted.Request, _buffer.AsMemory(_start.._end));
                return;
            }

            _transport.ShutdownSend();
            TryEnter(Phase.Lingering, _context.Options.LingerTimeout);
            await Linger.DrainAsync(_transport, _context.Options.MaxLingerBytes).ConfigureAwait(false);
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

    private async Task<RequestHead?> ReadHeadAsync(HttpExchange exchange)
    {
        while (true)
        {
            var status = _parser.Read(_buffer.AsSpan(_start.._end), out var head, out var consumed);
            if (status == HttpParseStatus.Complete)
            {
                _start += consumed;
                return head;
            }

            if (status == HttpParseStatus.Failed)
            {
                Log.RequestRefused(
                    _context.Logger, _transport.RemoteEndPoint, _parser.Error.Status, _parser.Error.Message);
                exchange.Fail(_parser.Error);
                if (TryEnter(Phase.Responding, _context.Options.ResponseTimeout))
                    await SendAsync(exchange).ConfigureAwait(false);
                return null;
            }

            // Part of this head may have come with the request before it.
            if (_phase == Phase.Idle && _parser.HasStarted && !TryEnterHead())
                return null;
            if (!await ReceiveAsync().ConfigureAwait(false))
                return null;
        }
    }

    private Task<bool> SkipBodyAsync(RequestHead head, HttpExchange exchange) =>
        ReadBodyAsync(head, exchange, _context.HttpLimits, null);

    // The output gets the decoded body as it comes in, and not by what it claims to be; null drops it.
    /// <returns>False if the peer has gone, or was too slow; a malformed body is answered by the exchange.</returns>
    private async Task<bool> ReadBodyAsync(
        RequestHead head, HttpExchange exchange, HttpLimits limits, ArrayBufferWriter<byte>? output)
    {
        _bodyBytes = 0;
        if (!TryEnter(Phase.Body, TimeSpan.MaxValue))
            return false;
        if (head.ExpectsContinue)
            await _transport.SendAsync(HttpExchange.Continue).ConfigureAwait(false);
        var body = new BodyReader(head, limits);
        var decoded = ArrayPool<byte>.Shared.Rent(4096);
        try
        {
            while (true)
            {
                var status = body.Read(
                    _buffer.AsSpan(_start.._end), decoded, out var consumed, out var written);
                _start += consumed;
                output?.Write(decoded.AsSpan(0, written));
                Volatile.Write(ref _bodyBytes, _bodyBytes + written);
                if (status == HttpParseStatus.Complete)
                    return true;
                if (status == HttpParseStatus.Failed)
                {
                    exchange.Fail(body.Error);
                    return true;
                }

                // The decoded bytes may have filled the destination before the source was used up.
                if (consumed == 0 && !await ReceiveAsync().ConfigureAwait(false))
                    return false;
            }
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(decoded);
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

    /// <returns>False at the end of the stream, or when the peer was too slow and has been told so.</returns>
    private async ValueTask<bool> ReceiveAsync()
    {
        if (_start == _end)
        {
            // Nothing is buffered: wait without a buffer.
            ReleaseBuffer();
            if (_readable is null)
                await _transport.ReceiveAsync(Memory<byte>.Empty).ConfigureAwait(false);
        }

        if (_readable is { } readable)
        {
            await readable.ConfigureAwait(false);
            _readable = null;
        }

        EnsureRoom();
        var count = await _transport.ReceiveAsync(_buffer.AsMemory(_end)).ConfigureAwait(false);
        _end += count;
        _context.Metrics.BytesReceived(count);
        return count > 0 && _phase < Phase.Lingering;
    }

    private void EnsureRoom()
    {
        if (_end < _buffer.Length)
            return;
        var unread = _buffer.AsSpan(_start.._end);
        // The parser fails before a head outgrows its limits, so the buffer stays below them and the slack.
        var largest = _context.Options.MaxRequestLineBytes + _context.Options.MaxHeaderBytes + Slack;
        var size = Math.Min(Math.Max(_context.Options.ReceiveBufferBytes, unread.Length * 2), largest);
        var buffer = ArrayPool<byte>.Shared.Rent(Math.Max(size, unread.Length + 1));
        unread.CopyTo(buffer);
        var length = unread.Length;
        ReleaseBuffer();
        (_buffer, _end) = (buffer, length);
    }

    private void ReleaseBuffer()
    {
        if (_buffer.Length > 0)
            ArrayPool<byte>.Shared.Return(_buffer);
        (_buffer, _start, _end) = ([], 0, 0);
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
