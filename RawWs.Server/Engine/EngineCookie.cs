namespace RawWs.Server.Engine;

/// <summary>
/// A cookie with the session's id that the first answer sets, for load balancers that send a client to the same
/// server by it. The server itself never reads it.
/// </summary>
public sealed class EngineCookie
{
    /// <summary>The name of the cookie.</summary>
    public string Name { get; set; } = "io";

    /// <summary>The path it is sent for.</summary>
    public string Path { get; set; } = "/";

    /// <summary>The host it is sent to; that of the server alone if null.</summary>
    public string? Domain { get; set; }

    /// <summary>How long it lives; as long as the browser's session if null.</summary>
    public TimeSpan? MaxAge { get; set; }

    /// <summary>Scripts cannot read it.</summary>
    public bool HttpOnly { get; set; } = true;

    /// <summary>It is sent over TLS only.</summary>
    public bool Secure { get; set; }

    /// <summary><c>Lax</c>, <c>Strict</c> or <c>None</c>; not said if null.</summary>
    public string? SameSite { get; set; } = "Lax";

    internal string Write(string value)
    {
        var cookie = $"{Name}={value}; Path={Path}";
        if (Domain is not null)
            cookie += $"; Domain={Domain}";
        if (MaxAge is { } age)
            cookie += $"; Max-Age={(long)age.TotalSeconds}";
        if (HttpOnly)
            cookie += "; HttpOnly";
        if (Secure)
            cookie += "; Secure";
        return SameSite is null ? cookie : $"{cookie}; SameSite={SameSite}";
    }
}
