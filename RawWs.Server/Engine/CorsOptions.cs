using System.Globalization;
using RawWs.Protocol.Http;

namespace RawWs.Server.Engine;

/// <summary>Which pages of other origins may use the server over HTTP, as browsers enforce it (the Fetch standard's CORS protocol).</summary>
public sealed class CorsOptions
{
    private const string Any = "*";

    /// <summary>The origins, such as <c>https://example.com</c>; <c>*</c> for any.</summary>
    public IList<string> Origins { get; } = [];

    /// <summary>Pages may send cookies. Only for named origins, since any page could then act for its visitor.</summary>
    public bool Credentials { get; set; }

    /// <summary>Methods that a preflight allows.</summary>
    public IList<string> Methods { get; } = ["GET", "HEAD", "PUT", "PATCH", "POST", "DELETE"];

    /// <summary>Request headers that a preflight allows; those it asks for if empty.</summary>
    public IList<string> AllowedHeaders { get; } = [];

    /// <summary>Headers of an answer that pages may read, beside the usual ones.</summary>
    public IList<string> ExposedHeaders { get; } = [];

    /// <summary>How long a browser may keep the answer to a preflight; its own default if null.</summary>
    public TimeSpan? MaxAge { get; set; }

    internal string? Problem => Credentials && Origins.Contains(Any)
        ? $"{nameof(Credentials)} needs named {nameof(Origins)}."
        : null;

    /// <summary>Adds what every answer carries.</summary>
    internal void Write(RequestHead head, EngineHeaders headers)
    {
        if (Origins.Contains(Any))
        {
            headers.Add("Access-Control-Allow-Origin", Any);
        }
        else
        {
            headers.Add("Vary", "Origin");
            // A page that may not see the answer is told so by silence.
            if (head.Headers.Get("Origin") is not { } origin || !Origins.Contains(origin, StringComparer.OrdinalIgnoreCase))
                return;
            headers.Add("Access-Control-Allow-Origin", origin);
        }

        if (Credentials)
            headers.Add("Access-Control-Allow-Credentials", "true");
        if (ExposedHeaders.Count > 0)
            headers.Add("Access-Control-Expose-Headers", string.Join(',', ExposedHeaders));
    }

    /// <summary>Adds what only the answer to a preflight carries.</summary>
    internal void WritePreflight(RequestHead head, EngineHeaders headers)
    {
        headers.Add("Access-Control-Allow-Methods", string.Join(',', Methods));
        if (AllowedHeaders.Count > 0)
        {
            headers.Add("Access-Control-Allow-Headers", string.Join(',', AllowedHeaders));
        }
        else
        {
            headers.Add("Vary", "Access-Control-Request-Headers");
            if (head.Headers.Get("Access-Control-Request-Headers") is { } asked)
                headers.Add("Access-Control-Allow-Headers", asked);
        }

        if (MaxAge is { } age)
            headers.Add("Access-Control-Max-Age", ((long)age.TotalSeconds).ToString(CultureInfo.InvariantCulture));
    }
}
