using System.Diagnostics.CodeAnalysis;

namespace RawWs.Protocol.Http;

/// <summary>The request line and the headers of one HTTP/1.1 or HTTP/1.0 request, checked.</summary>
/// <remarks>Immutable, so it may be read from any thread.</remarks>
public sealed class RequestHead
{
    private readonly RequestTarget _target;
    private readonly BodyFraming _framing;

    private RequestHead(
        string method,
        RequestTarget target,
        bool isHttp11,
        HeaderList headers,
        string host,
        BodyFraming framing)
    {
        _target = target;
        _framing = framing;
        Method = method;
        IsHttp11 = isHttp11;
        Headers = headers;
        Host = host;

        // RFC 9112 §9.3: HTTP/1.1 persists unless told otherwise, HTTP/1.0 only when asked to.
        KeepAlive = !headers.HasElement("Connection", "close")
            && (isHttp11 || headers.HasElement("Connection", "keep-alive"));

        // RFC 9110 §10.1.1: an HTTP/1.0 client does not know 100 Continue.
        ExpectsContinue = isHttp11 && HasBody && headers.HasElement("Expect", "100-continue");
    }

    /// <summary>A token, case-sensitive.</summary>
    public string Method { get; }

    /// <summary>
    /// The target as received: <c>/path?query</c>, <c>http://host/path?query</c>, or <c>*</c>.
    /// </summary>
    public string Target => _target.Text;

    /// <summary>The path of the target, still percent-encoded; <c>*</c> for <c>OPTIONS *</c>.</summary>
    /// <remarks>
    /// Starts with a slash, but may hold dot segments: <see cref="PathDecoder"/> judges those.
    /// </remarks>
    public string Path => _target.Path;

    /// <summary>The query without its question mark, still encoded; empty if there is none.</summary>
    public string Query => _target.Query;

    /// <summary>HTTP/1.1; false means HTTP/1.0.</summary>
    public bool IsHttp11 { get; }

    /// <summary>All header lines.</summary>
    public HeaderList Headers { get; }

    /// <summary>The host, with its port if it has one; empty only if an HTTP/1.0 client names none.</summary>
    /// <remarks>
    /// That of a target in absolute form if there is one (RFC 9112 §3.2.2), otherwise the Host header.
    /// </remarks>
    public string Host { get; }

    /// <summary>The client is willing to send another request on the connection.</summary>
    public bool KeepAlive { get; }

    /// <summary>The body comes in chunks.</summary>
    public bool IsChunked => _framing.IsChunked;

    /// <summary>The announced length of the body; null if there is none or it is chunked.</summary>
    public long? ContentLength => _framing.ContentLength;

    /// <summary>A body follows, though a chunked one may turn out empty.</summary>
    public bool HasBody => IsChunked || ContentLength > 0;

    /// <summary>
    /// The client waits for <see cref="ResponseWriter.WriteContinue"/> before it sends the body.
    /// </summary>
    public bool ExpectsContinue { get; }

    /// <summary>Checks what can only be judged when all headers are there.</summary>
    internal static bool TryCreate(
        string method,
        RequestTarget target,
        bool isHttp11,
        HeaderList headers,
        [NotNullWhen(true)] out RequestHead? head,
        out HttpError error)
    {
        head = null;
        var hasHost = headers.TryGetSingle("Host", out var host);

        // RFC 9112 §3.2: exactly one valid Host; HTTP/1.0 does not require it.
        var isHostValid = hasHost ? Authority.IsValid(host) : !isHttp11 && !headers.Contains("Host");
        if (!isHostValid)
        {
            error = new HttpError(400, "One valid Host header is required.");
            return false;
        }

        error = BodyFraming.Read(headers, isHttp11, out var framing);
        if (!error.IsNone) return false;
        head = new RequestHead(method, target, isHttp11, headers, target.Authority ?? host ?? "", framing);
        return true;
    }
}
