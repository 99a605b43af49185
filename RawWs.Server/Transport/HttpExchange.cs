using System.Buffers;
using System.Globalization;
using System.Text;
using RawWs.Protocol.Http;
using RawWs.Protocol.WebSockets.Deflate;
using RawWs.Server.Diagnostics;
using RawWs.Server.Engine;
using RawWs.Server.Http;

namespace RawWs.Server.Transport;

/// <summary>One request and the answer to it: what the server does with a path, without any I/O of its own.</summary>
internal sealed class HttpExchange(ServerContext context)
{
    // An answer that was larger does not keep its memory for the next.
    private const int MaxKeptBytes = 64 * 1024;

    private ArrayBufferWriter<byte> _response = new(512);
    private Stream? _body;
    private ConnectionDeflate? _deflate;

    /// <summary>The interim answer to a client that waits before it sends its body (RFC 9110 §10.1.1).</summary>
    public static ReadOnlyMemory<byte> Continue { get; } = "HTTP/1.1 100 Continue\r\n\r\n"u8.ToArray();

    /// <summary>The answer to a client that is too slow.</summary>
    public static ReadOnlyMemory<byte> RequestTimeout { get; } = Encode(new HttpError(408, "Request Timeout"));

    /// <summary>The head of the answer, and its body where that is no file.</summary>
    public ReadOnlyMemory<byte> Response => _response.WrittenMemory;

    public bool HasResponse => _response.WrittenCount > 0;

    /// <summary>The status of an answer that an error has given; 0 without one.</summary>
    public int Status { get; private set; }

    /// <summary>Called if the peer goes before it has the answer.</summary>
    public Action? OnLost { get; set; }

    /// <summary>Whether the connection ends after this answer.</summary>
    public bool Closes { get; private set; }

    /// <summary>The file to send behind the head; the caller disposes of it.</summary>
    public Stream? TakeBody()
    {
        var body = _body;
        _body = null;
        return body;
    }

    /// <summary>Bytes of that file to send.</summary>
    public long BodyLength { get; private set; }

    public void Reset()
    {
        if (_response.Capacity > MaxKeptBytes)
            _response = new ArrayBufferWriter<byte>(512);
        _response.ResetWrittenCount();
        (OnLost, Status) = (null, 0);
    }

    /// <summary>The Engine.IO server that a request is for, if any.</summary>
    public EngineEndpoint? FindEngine(RequestHead head) =>
        PathDecoder.TryDecode(head.Path, out var path) ? context.Routes.FindEngine(path) : null;

    /// <summary>Starts an answer that the caller writes to its end.</summary>
    /// <param name="head">The request.</param>
    /// <param name="status">The status.</param>
    /// <param name="hasReadBody">Whether its body has been read; if it has one that was not, the connection ends.</param>
    public ResponseWriter Begin(RequestHead head, int status, bool hasReadBody)
    {
        // An answer in HTTP/1.0 would have to promise to stay; few such clients are left that ask for it.
        Closes |= !head.KeepAlive || !head.IsHttp11 || (head.HasBody && !hasReadBody);
        return Begin(status);
    }

    /// <summary>Starts an answer after which the connection ends.</summary>
    public ResponseWriter BeginLast(int status)
    {
        Closes = true;
        return Begin(status);
    }

    /// <summary>Answers a client that has sent, or is connected, more often than it may; the connection ends.</summary>
    public void Refuse(RequestHead head, int status)
    {
        Status = status;
        BeginLast(status).Header("Retry-After", 1).End(status == 429 ? "Too many requests"u8 : "Too many connections"u8, "text/plain; charset=utf-8", head.Method == "HEAD");
    }

    /// <summary>Accepts an opening handshake, with compression if the client offers what the server wants.</summary>
    public void Accept(
        WebSocketUpgrade upgrade, string? subprotocol, ReadOnlySpan<KeyValuePair<string, string>> headers)
    {
        _deflate = context.Deflate?.TryAccept(upgrade.Extensions);
        if (_deflate is null)
            upgrade.WriteAccept(_response, subprotocol, headers);
        else
            upgrade.WriteAccept(
                _response, subprotocol, [.. headers, new(DeflateNegotiation.HeaderName, _deflate.Answer)]);
    }

    /// <summary>What was agreed on about compression, if anything; the caller disposes of it.</summary>
    public ConnectionDeflate? TakeDeflate()
    {
        var deflate = _deflate;
        _deflate = null;
        return deflate;
    }

    /// <summary>Whether pages of the request's origin may use this server.</summary>
    public bool IsAllowed(string? origin) =>
        origin is null
        || context.Options.AllowedOrigins.Count == 0
        || context.Options.AllowedOrigins.Contains(origin, StringComparer.OrdinalIgnoreCase);

    public void Fail(HttpError error) => Fail(error, isHead: false);

    /// <summary>Answers a request for a WebSocket path.</summary>
    /// <returns>The handler of the new connection; null if the request was refused, or is for no such path.</returns>
    public WebSocketHandler? TryUpgrade(RequestHead head)
    {
        if (!PathDecoder.TryDecode(head.Path, out var path)
            || !context.Routes.TryGetWebSocket(path, out var open))
            return null;

        if (!WebSocketUpgrade.TryRead(head, out var upgrade, out var error))
        {
            Fail(error, head.Method == "HEAD");
            return null;
        }

        // RFC 6455 §10.2: the server decides which pages may use it.
        if (!IsAllowed(upgrade.Origin))
        {
            Fail(new HttpError(403, "Origin not allowed"));
            return null;
        }

        Accept(upgrade, upgrade.ChooseSubprotocol([.. context.Options.Subprotocols]), []);
        return open();
    }

    /// <summary>Answers a request for anything else: health, a file, the Socket.IO client, or nothing we have.</summary>
    public void Respond(RequestHead head)
    {
        var isHead = head.Method == "HEAD";
        // An answer in HTTP/1.0 would have to promise to stay; few such clients are left that ask for it.
        Closes = !head.KeepAlive || !head.IsHttp11;
        if (!PathDecoder.TryDecode(head.Path, out var path))
            Fail(new HttpError(400, "Bad path"), isHead);
        else if (context.Routes.IsHealth(path))
            RespondToGet(head, () => WriteHealth(isHead));
        else if (context.Routes.IsMetrics(path))
            RespondToGet(head, () => WriteMetrics(isHead));
        else if (context.Routes.FindClient(path) is { } client)
            RespondToGet(head, () => WriteClientFile(head, client, path));
        else if (context.Routes.TryGetFile(path, out var file))
            RespondToGet(head, () => WriteFile(head, file, new EngineHeaders()));
        else
            Refuse(new HttpError(404, "Not Found"), isHead);
    }

    private static byte[] Encode(HttpError error)
    {
        var output = new ArrayBufferWriter<byte>();
        ResponseWriter.WriteError(output, error, close: true, isHead: false);
        return output.WrittenSpan.ToArray();
    }

    // What was wrong with the request may have upset its framing: nothing more is read on this connection.
    private void Fail(HttpError error, bool isHead)
    {
        Closes = true;
        Status = error.Status;
        ResponseWriter.WriteError(_response, error, close: true, isHead);
    }

    // The request was well-formed, the connection can go on.
    private void Refuse(HttpError error, bool isHead) =>
        ResponseWriter.WriteError(_response, error, Closes, isHead);

    private void RespondToGet(RequestHead head, Action respond)
    {
        if (head.Method is "GET" or "HEAD")
            respond();
        else
            ResponseWriter.WriteError(
                _response, new HttpError(405, "Method Not Allowed"), Closes, isHead: false, allow: "GET, HEAD");
    }

    private void WriteHealth(bool isHead)
    {
        var body = Encoding.ASCII.GetBytes(string.Create(
            CultureInfo.InvariantCulture,
            $$"""{"status":"ok","connections":{{context.Connections.Count}}}"""));
        Begin(200).Header("Cache-Control", "no-store").End(body, "application/json", isHead);
    }

    private void WriteMetrics(bool isHead)
    {
        var text = new ArrayBufferWriter<byte>(4096);
        context.Prometheus!.Write(text);
        Begin(200).Header("Cache-Control", "no-store").End(text.WrittenSpan, PrometheusText.ContentType, isHead);
    }

    private void WriteClientFile(RequestHead head, SocketIoClientFiles client, string path)
    {
        // Pages that may poll from elsewhere may also import the script from here.
        var headers = new EngineHeaders();
        context.Options.Engine.Cors?.Write(head, headers);
        if (client.TryGet(path, head.Headers.Get("Accept-Encoding"), out var file))
            WriteFile(head, file, headers);
        else
            Refuse(new HttpError(404, SocketIoClientFiles.Hint), head.Method == "HEAD");
    }

    private void WriteFile(RequestHead head, StaticFile file, EngineHeaders headers)
    {
        var isMatch = file.Matches(head.Headers.Get("If-None-Match"), head.Headers.Get("If-Modified-Since"));
        var writer = headers.WriteTo(Begin(isMatch ? 304 : 200))
            .Header("ETag", file.ETag)
            .Header("Last-Modified", file.LastModified.ToString("R", CultureInfo.InvariantCulture))
            // The browser asks each time whether its copy is still good; the answer is a short 304.
            .Header("Cache-Control", "no-cache")
            .Header("X-Content-Type-Options", "nosniff");
        // RFC 9110 §15.4.5: a 304 has it too.
        if (file.VariesByEncoding)
            writer.Header("Vary", "Accept-Encoding");
        if (!isMatch)
        {
            if (file.ContentEncoding is { } encoding)
                writer.Header("Content-Encoding", encoding);
            writer.Header("Content-Type", file.ContentType).Header("Content-Length", file.Length);
            if (head.Method == "GET")
                (_body, BodyLength) = (file.Open(), file.Length);
        }

        writer.EndHead();
    }

    private ResponseWriter Begin(int status)
    {
        var writer = new ResponseWriter(_response, status)
            .Header("Date", context.TimeProvider.GetUtcNow().ToString("R", CultureInfo.InvariantCulture));
        return Closes ? writer.Header("Connection", "close") : writer;
    }
}
