using System.Net;
using System.Text.Json;
using RawWs.Protocol.Http;
using RawWs.Server.Events;

namespace RawWs.Server.Sessions;

/// <summary>
/// What a client said about itself when it connected. All of it comes from the client: trust none of it.
/// </summary>
public sealed record Handshake
{
    private static readonly IReadOnlyDictionary<string, string> s_none = new Dictionary<string, string>();

    private JsonElement? _auth;

    /// <summary>The headers of the HTTP request, by their names without regard to case.</summary>
    public IReadOnlyDictionary<string, string> Headers { get; init; } = s_none;

    /// <summary>The query of the HTTP request, decoded; of a name given twice the last value.</summary>
    public IReadOnlyDictionary<string, string> Query { get; init; } = s_none;

    /// <summary>Path and query of the HTTP request, as they were sent.</summary>
    public string Url { get; init; } = "";

    /// <summary>The address of the peer: the client's, or that of the proxy before this server.</summary>
    public string Address { get; init; } = "";

    /// <summary>The connection came in over TLS.</summary>
    public bool IsSecure { get; init; }

    /// <summary>When the request came in.</summary>
    public DateTimeOffset IssuedAt { get; init; }

    /// <summary>
    /// The credentials with which the client joined the namespace; an empty object if it brought none.
    /// </summary>
    public JsonElement Auth => Codec is null
        ? default
        : _auth ??= Codec.DecodeElement(AuthJson.IsEmpty ? "{}"u8 : AuthJson.Span);

    internal ReadOnlyMemory<byte> AuthJson { get; init; }

    internal EventJson? Codec { get; init; }

    /// <summary>
    /// The credentials as a <typeparamref name="T"/>; the default if the client brought none.
    /// </summary>
    /// <exception cref="JsonException">They do not fit the type.</exception>
    public T? GetAuth<T>() => AuthJson.IsEmpty || Codec is null ? default : Codec.Decode<T>(AuthJson.Span);

    internal static Handshake From(
        RequestHead request, EndPoint? remoteEndPoint, bool isSecure, TimeProvider timeProvider)
    {
        var headers = new Dictionary<string, string>(StringComparer.OrdinalIgnoreCase);
        foreach (var (name, value) in request.Headers)
            headers[name] = headers.TryGetValue(name, out var before) ? $"{before}, {value}" : value;
        var query = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var (name, value) in QueryString.Enumerate(request.Query))
            query[name] = value;
        return new Handshake
        {
            Headers = headers,
            Query = query,
            Url = request.Query.Length == 0 ? request.Path : $"{request.Path}?{request.Query}",
            Address = remoteEndPoint is IPEndPoint peer ? peer.Address.ToString() : "",
            IsSecure = isSecure,
            IssuedAt = timeProvider.GetUtcNow(),
        };
    }
}
