using System.Text;

namespace RawWs.Protocol.Http;

/// <summary>A request target (RFC 9112 §3.2), taken apart.</summary>
/// <param name="Text">As received.</param>
/// <param name="Path">Percent-encoded as received; <c>*</c> for the asterisk form.</param>
/// <param name="Query">Without the question mark; empty if there is none.</param>
/// <param name="Authority">Host and port of the absolute form, otherwise null.</param>
internal sealed record RequestTarget(string Text, string Path, string Query, string? Authority)
{
    /// <summary>Takes a target of visible ASCII apart; null if it has none of the forms.</summary>
    /// <remarks>The authority form belongs to CONNECT alone, which an origin server does not offer.</remarks>
    public static RequestTarget? Parse(string method, ReadOnlySpan<byte> bytes)
    {
        var text = Encoding.ASCII.GetString(bytes);
        if (text[0] == '/') return Split(text, text, authority: null);

        // RFC 9112 §3.2.4: the asterisk form is only for OPTIONS. The HTTP/2 preface, `PRI *`, ends here.
        if (text == "*") return method == "OPTIONS" ? new(text, text, "", null) : null;

        var rest = text.AsSpan();
        if (rest.StartsWith("http://", StringComparison.OrdinalIgnoreCase)) rest = rest[7..];
        else if (rest.StartsWith("https://", StringComparison.OrdinalIgnoreCase)) rest = rest[8..];
        else return null;

        var length = rest.IndexOfAny('/', '?');
        var authority = length < 0 ? rest : rest[..length];
        if (!Http.Authority.IsValid(authority)) return null;
        rest = rest[authority.Length..];
        var origin = rest.StartsWith('/') ? rest.ToString() : string.Concat("/", rest);
        return Split(text, origin, authority.ToString());
    }

    private static RequestTarget Split(string text, string origin, string? authority)
    {
        var mark = origin.IndexOf('?');
        return mark < 0
            ? new(text, origin, "", authority)
            : new(text, origin[..mark], origin[(mark + 1)..], authority);
    }
}
