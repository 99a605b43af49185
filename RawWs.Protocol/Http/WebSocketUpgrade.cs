using System.Buffers;
using System.Buffers.Text;
using System.Diagnostics.CodeAnalysis;
using System.Security.Cryptography;
using System.Text;

namespace RawWs.Protocol.Http;

/// <summary>A valid opening handshake of a client (RFC 6455 §4.2.1), and the answers to it.</summary>
/// <remarks>Immutable, so it may be read from any thread.</remarks>
public sealed class WebSocketUpgrade
{
    /// <summary>The length of Sec-WebSocket-Accept in bytes: the base64 of a SHA-1 hash.</summary>
    public const int AcceptKeyBytes = 28;

    private const int KeyLength = 24;

    // 16 bytes are 21 characters of 6 bits and one with only 2: its lower 4 bits are zero.
    private static readonly SearchValues<char> _keyChars =
        SearchValues.Create("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/");

    private static readonly SearchValues<char> _lastKeyChars = SearchValues.Create("AQgw");

    // RFC 9110 §8.6 and RFC 9112 §6.1: a 101 has neither Content-Length nor Transfer-Encoding.
    private static readonly string[] _reserved =
    [
        "Upgrade", "Connection", "Sec-WebSocket-Accept", "Sec-WebSocket-Protocol", "Content-Length",
        "Transfer-Encoding",
    ];

    private WebSocketUpgrade(
        string key,
        string? origin,
        IReadOnlyList<string> subprotocols,
        IReadOnlyList<ExtensionOffer> extensions)
    {
        Key = key;
        Origin = origin;
        Subprotocols = subprotocols;
        Extensions = extensions;
    }

    /// <summary>Sec-WebSocket-Key: the base64 of 16 bytes.</summary>
    public string Key { get; }

    /// <summary>The origin of the page that connects; null unless a browser is the client.</summary>
    public string? Origin { get; }

    /// <summary>The subprotocols that the client offers, its favourite first; tokens, each once.</summary>
    public IReadOnlyList<string> Subprotocols { get; }

    /// <summary>The extensions that the client offers, its favourite first.</summary>
    public IReadOnlyList<ExtensionOffer> Extensions { get; }

    /// <summary>Whether the client asks for the WebSocket protocol at all, be it validly or not.</summary>
    public static bool IsUpgradeRequest(RequestHead head)
    {
        ArgumentNullException.ThrowIfNull(head);
        return head.Headers.HasElement("Upgrade", "websocket");
    }

    /// <summary>Checks a request on a WebSocket path.</summary>
    /// <returns>False if it is no valid opening handshake; the error says how to answer it.</returns>
    public static bool TryRead(
        RequestHead head, [NotNullWhen(true)] out WebSocketUpgrade? upgrade, out HttpError error)
    {
        ArgumentNullException.ThrowIfNull(head);
        upgrade = null;
        error = CheckRequest(head);
        if (!error.IsNone) return false;

        var headers = head.Headers;
        List<string> subprotocols = [];
        List<ExtensionOffer> extensions = [];
        if (!headers.TryGetSingle("Sec-WebSocket-Key", out var key) || !IsKey(key))
            error = new(400, "Sec-WebSocket-Key must be the base64 of 16 bytes.");
        else if (headers.Contains("Origin") && !headers.TryGetSingle("Origin", out _))
            error = new(400, "There must not be two Origin headers.");
        else if (!TryReadSubprotocols(headers, subprotocols))
            error = new(400, "Sec-WebSocket-Protocol is malformed.");
        else if (!TryReadExtensions(headers, extensions))
            error = new(400, "Sec-WebSocket-Extensions is malformed.");
        else
            upgrade = new WebSocketUpgrade(key, headers.Get("Origin"), subprotocols, extensions);
        return upgrade is not null;
    }

    /// <summary>The first subprotocol in the client's order that is supported, or null.</summary>
    public string? ChooseSubprotocol(IReadOnlyList<string> supported)
    {
        ArgumentNullException.ThrowIfNull(supported);
        foreach (var offered in Subprotocols)
        {
            if (supported.Contains(offered, StringComparer.Ordinal)) return offered;
        }

        return null;
    }

    /// <summary>Writes the 101 that accepts the handshake (RFC 6455 §4.2.2).</summary>
    /// <param name="output">Where it goes; the first frame may follow at once.</param>
    /// <param name="subprotocol">One that the client offered, or null for none.</param>
    /// <param name="headers">More headers, among them Sec-WebSocket-Extensions if one was agreed on.</param>
    /// <exception cref="InvalidOperationException">The subprotocol was not offered.</exception>
    /// <exception cref="ArgumentException">
    /// A header is malformed, or is one that this method writes or that a 101 cannot have. Nothing is
    /// written.
    /// </exception>
    public void WriteAccept(
        IBufferWriter<byte> output, string? subprotocol, ReadOnlySpan<KeyValuePair<string, string>> headers)
    {
        // RFC 6455 §4.2.2: a client must fail the connection over a subprotocol that it did not offer.
        if (subprotocol is not null && !Subprotocols.Contains(subprotocol, StringComparer.Ordinal))
            throw new InvalidOperationException("The client did not offer this subprotocol.");

        Span<byte> accept = stackalloc byte[AcceptKeyBytes];
        WriteAcceptKey(Key, accept);
        var response = new ResponseWriter(output, 101)
            .Header("Upgrade", "websocket")
            .Header("Connection", "Upgrade")
            .Header("Sec-WebSocket-Accept", Encoding.ASCII.GetString(accept));
        if (subprotocol is not null) response.Header("Sec-WebSocket-Protocol", subprotocol);
        foreach (var (name, value) in headers)
        {
            ThrowIfReserved(name);
            response.Header(name, value);
        }

        response.EndHead();
    }

    /// <summary>Computes Sec-WebSocket-Accept (RFC 6455 §4.2.2).</summary>
    /// <param name="key">Sec-WebSocket-Key, 24 characters.</param>
    /// <param name="destination">Gets <see cref="AcceptKeyBytes"/> bytes of ASCII.</param>
    /// <exception cref="ArgumentException">The key or the destination has the wrong length.</exception>
    [SuppressMessage("Security", "CA5350", Justification = "RFC 6455 §4.2.2 demands SHA-1.")]
    public static void WriteAcceptKey(ReadOnlySpan<char> key, Span<byte> destination)
    {
        ArgumentOutOfRangeException.ThrowIfNotEqual(key.Length, KeyLength);
        ArgumentOutOfRangeException.ThrowIfLessThan(destination.Length, AcceptKeyBytes);
        var guid = "258EAFA5-E914-47DA-95CA-C5AB0DC85B11"u8;
        Span<byte> text = stackalloc byte[KeyLength + guid.Length];
        Encoding.ASCII.GetBytes(key, text);
        guid.CopyTo(text[KeyLength..]);
        Span<byte> hash = stackalloc byte[SHA1.HashSizeInBytes];
        SHA1.HashData(text, hash);
        Base64.EncodeToUtf8(hash, destination, out _, out _);
    }

    /// <summary>Writes a client's opening handshake (RFC 6455 §4.1).</summary>
    /// <param name="output">Where it goes.</param>
    /// <param name="host">Host, with the port unless it is the default one.</param>
    /// <param name="target">Path and query.</param>
    /// <param name="nonce">16 bytes, random for each connection.</param>
    /// <param name="headers">
    /// More headers: Origin, Sec-WebSocket-Protocol, Sec-WebSocket-Extensions, …
    /// </param>
    /// <exception cref="ArgumentException">An argument is malformed. Nothing is written.</exception>
    public static void WriteRequest(
        IBufferWriter<byte> output,
        string host,
        string target,
        ReadOnlySpan<byte> nonce,
        ReadOnlySpan<KeyValuePair<string, string>> headers)
    {
        ArgumentNullException.ThrowIfNull(output);
        ArgumentNullException.ThrowIfNull(target);
        ArgumentOutOfRangeException.ThrowIfNotEqual(nonce.Length, 16);
        if (!Authority.IsValid(host)) throw new ArgumentException("Not a host.", nameof(host));
        if (!IsOriginForm(target)) throw new ArgumentException("Not a path with a query.", nameof(target));

        var head = new ArrayBufferWriter<byte>(256);
        head.Write("GET "u8);
        Encoding.ASCII.GetBytes(target, head);
        head.Write(" HTTP/1.1\r\n"u8);
        HeaderWriter.Write(head, "Host", host);
        HeaderWriter.Write(head, "Upgrade", "websocket");
        HeaderWriter.Write(head, "Connection", "Upgrade");
        HeaderWriter.Write(head, "Sec-WebSocket-Version", "13");
        HeaderWriter.Write(head, "Sec-WebSocket-Key", Convert.ToBase64String(nonce));
        foreach (var (name, value) in headers) HeaderWriter.Write(head, name, value);
        head.Write("\r\n"u8);
        output.Write(head.WrittenSpan);
    }

    // RFC 6455 §4.2.1, items 1 to 6, in the order in which an answer is most useful.
    private static HttpError CheckRequest(RequestHead head)
    {
        if (head.Method != "GET") return new(405, "A WebSocket handshake is a GET.");
        if (!head.IsHttp11) return new(400, "A WebSocket handshake is HTTP/1.1.");
        if (!IsUpgradeRequest(head)) return new(426, "This is a WebSocket endpoint.");
        if (!head.Headers.HasElement("Connection", "Upgrade"))
            return new(400, "Connection must contain Upgrade.");
        if (head.HasBody) return new(400, "A WebSocket handshake has no body.");

        // RFC 6455 §4.4: the answer to another version names the one that is supported.
        if (!head.Headers.TryGetSingle("Sec-WebSocket-Version", out var version) || version != "13")
            return new(426, "Only version 13 of the WebSocket protocol is supported.");
        return default;
    }

    private static bool IsKey(ReadOnlySpan<char> key) =>
        key.Length == KeyLength
        && !key[..21].ContainsAnyExcept(_keyChars)
        && _lastKeyChars.Contains(key[21])
        && key.EndsWith("==");

    // RFC 6455 §4.1 and §11.3.4: a list of distinct tokens, which may be spread over several lines.
    private static bool TryReadSubprotocols(HeaderList headers, List<string> subprotocols)
    {
        var seen = new HashSet<string>(StringComparer.Ordinal);
        foreach (var line in headers.Values("Sec-WebSocket-Protocol"))
        {
            var value = line.AsSpan();
            foreach (var range in value.Split(','))
            {
                var token = value[range].Trim(HttpChars.Whitespace);
                if (!HttpChars.IsToken(token)) return false;
                var subprotocol = token.ToString();
                if (!seen.Add(subprotocol)) return false;
                subprotocols.Add(subprotocol);
            }
        }

        return true;
    }

    private static bool TryReadExtensions(HeaderList headers, List<ExtensionOffer> extensions)
    {
        foreach (var line in headers.Values("Sec-WebSocket-Extensions"))
        {
            if (!ExtensionListReader.TryRead(line, extensions)) return false;
        }

        return true;
    }

    private static bool IsOriginForm(string target) =>
        target.StartsWith('/')
        && !target.Contains('#')
        && !target.AsSpan().ContainsAnyExceptInRange('!', '~');

    private static void ThrowIfReserved(string name)
    {
        if (_reserved.Contains(name, StringComparer.OrdinalIgnoreCase))
            throw new ArgumentException($"{name} cannot be set here.", nameof(name));
    }
}
