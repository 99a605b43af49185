using System.Buffers;
using System.Runtime.InteropServices;
using RawWs.Protocol.Http;
using RawWs.Server.Diagnostics;

namespace RawWs.Server.Transport;

// What comes in: heads, bodies, and whether the peer stays.
internal sealed partial class HttpConnection
{
    // A head may be followed by early frames in the same read; so much may be buffered beyond the limits of a head.
    private const int Slack = 4 * 1024;

    private byte[] _buffer = [];
    private int _start;
    private int _end;
    private long _bodyBytes;

    // A receive without a buffer that has not completed yet: it tells that there is something to receive.
    private Task<int>? _readable;

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
                    _context.Logger, RemoteEndPoint, _parser.Error.Status, _parser.Error.Message);
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

    /// <summary>Whether the whole body of a request has come with its head.</summary>
    public bool HasReceivedBody(RequestHead head) =>
        head is { ExpectsContinue: false, ContentLength: { } length } && length <= _end - _start;

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

    private Task<bool> SkipBodyAsync(RequestHead head, HttpExchange exchange) =>
        ReadBodyAsync(head, exchange, _context.HttpLimits, null);

    // The output gets the decoded body as it comes in, and not by what it claims to be; null drops it.
    /// <returns>False if the peer has gone, or was too slow; a malformed body is answered by the exchange.</returns>
    private async Task<bool> ReadBodyAsync(
        RequestHead head, HttpExchange exchange, HttpLimits limits, ArrayBufferWriter<byte>? output)
    {
        _bodyBytes = 0;
        if (head.ExpectsContinue)
        {
            // One send at a time: while this one waits, a timeout must not answer.
            if (!TryEnter(Phase.Responding, _context.Options.ResponseTimeout))
                return false;
            await _transport.SendAsync(HttpExchange.Continue).ConfigureAwait(false);
        }

        if (!TryEnter(Phase.Body, TimeSpan.MaxValue))
            return false;
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

        // The peer may have gone before there was an answer, and another thread is about to tell: what is sent now
        // would be lost without a word.
        return !_transport.IsReadable || _end - _start >= _context.Options.ReceiveBufferBytes
            || await ReceiveAsync().ConfigureAwait(false);
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
        _limits?.OnBytes(count);
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
}
