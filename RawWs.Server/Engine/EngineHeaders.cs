using System.Runtime.InteropServices;
using RawWs.Protocol.Http;

namespace RawWs.Server.Engine;

/// <summary>Headers that an application adds to the answer to one request, in order.</summary>
public sealed class EngineHeaders
{
    // These say where the answer ends and what it is.
    private static readonly string[] s_reserved =
    [
        "Connection", "Content-Encoding", "Content-Length", "Content-Type", "Date", "Sec-WebSocket-Accept",
        "Sec-WebSocket-Extensions", "Sec-WebSocket-Protocol", "Transfer-Encoding", "Upgrade",
    ];

    private readonly List<KeyValuePair<string, string>> _headers = [];

    internal EngineHeaders()
    {
    }

    internal ReadOnlySpan<KeyValuePair<string, string>> Items => CollectionsMarshal.AsSpan(_headers);

    /// <summary>Adds a header; a name may be added more than once.</summary>
    /// <exception cref="ArgumentException">
    /// The name is not a token or is one that the server itself writes, or the value has a control character.
    /// </exception>
    public void Add(string name, string value)
    {
        ResponseWriter.CheckHeader(name, value);
        if (s_reserved.Contains(name, StringComparer.OrdinalIgnoreCase))
            throw new ArgumentException($"{name} is written by the server.", nameof(name));
        _headers.Add(new(name, value));
    }

    internal ResponseWriter WriteTo(ResponseWriter response)
    {
        foreach (var (name, value) in _headers)
            response.Header(name, value);
        return response;
    }
}
