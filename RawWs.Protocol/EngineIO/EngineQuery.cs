using RawWs.Protocol.Http;

namespace RawWs.Protocol.EngineIO;

/// <summary>What the query of an Engine.IO request says; of a name given twice the first counts.</summary>
public readonly record struct EngineQuery
{
    /// <summary>The version of the protocol, <c>EIO</c>; null if absent.</summary>
    public string? Eio { get; private init; }

    /// <summary>The transport; null if absent.</summary>
    public string? Transport { get; private init; }

    /// <summary>The session; null if absent.</summary>
    public string? Sid { get; private init; }

    /// <summary>Binary messages are wanted as base64 text, <c>b64</c>.</summary>
    public bool IsBase64 { get; private init; }

    /// <summary>The client wants a script, <c>j</c>: it speaks JSONP.</summary>
    public bool IsJsonp { get; private init; }

    /// <summary>Reads a raw query; what is not named above is left alone.</summary>
    public static EngineQuery Read(string query) => new()
    {
        Eio = QueryString.Get(query, "EIO"),
        Transport = QueryString.Get(query, "transport"),
        Sid = QueryString.Get(query, "sid"),
        IsBase64 = QueryString.Get(query, "b64") is not (null or "" or "0" or "false"),
        IsJsonp = QueryString.Get(query, "j") is not null,
    };
}
