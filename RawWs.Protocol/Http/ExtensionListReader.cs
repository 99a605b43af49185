using System.Text;

namespace RawWs.Protocol.Http;

/// <summary>Reads the value of one Sec-WebSocket-Extensions line (RFC 6455 §9.1), in linear time.</summary>
/// <remarks>
/// <code>
/// extension-list  = 1#extension
/// extension       = token *( ";" extension-param )
/// extension-param = token [ "=" ( token | quoted-string ) ]
/// </code>
/// </remarks>
internal ref struct ExtensionListReader
{
    private ReadOnlySpan<char> _rest;

    /// <summary>Appends the offers of a line; false if it is malformed.</summary>
    public static bool TryRead(string line, List<ExtensionOffer> offers)
    {
        var reader = new ExtensionListReader { _rest = line };
        do
        {
            if (!reader.TryReadOffer(out var offer)) return false;
            offers.Add(offer);
        }
        while (reader.Take(','));

        return reader._rest.IsEmpty;
    }

    private bool TryReadOffer(out ExtensionOffer offer)
    {
        offer = null!;
        if (!TryReadToken(out var name)) return false;
        List<ExtensionParameter>? parameters = null;
        while (Take(';'))
        {
            string? value = null;
            if (!TryReadToken(out var parameter)) return false;
            if (Take('=') && !TryReadValue(out value)) return false;
            (parameters ??= []).Add(new ExtensionParameter(parameter, value));
        }

        offer = new ExtensionOffer(name, (IReadOnlyList<ExtensionParameter>?)parameters ?? []);
        return true;
    }

    private bool TryReadValue(out string? value)
    {
        if (Take('"')) return TryReadQuoted(out value);
        var isToken = TryReadToken(out var token);
        value = token;
        return isToken;
    }

    // RFC 6455 §9.1: a quoted value must be a token after unquoting.
    private bool TryReadQuoted(out string value)
    {
        var text = new StringBuilder();
        value = "";
        for (var i = 0; i < _rest.Length; i++)
        {
            if (_rest[i] == '"')
            {
                _rest = _rest[(i + 1)..];
                value = text.ToString();
                return value.Length > 0;
            }

            if (_rest[i] == '\\' && ++i == _rest.Length) return false;
            if (!HttpChars.TokenChars.Contains(_rest[i])) return false;
            text.Append(_rest[i]);
        }

        return false;
    }

    private bool TryReadToken(out string token)
    {
        SkipWhitespace();
        var length = _rest.IndexOfAnyExcept(HttpChars.TokenChars);
        if (length < 0) length = _rest.Length;
        token = _rest[..length].ToString();
        _rest = _rest[length..];
        return length > 0;
    }

    private bool Take(char expected)
    {
        SkipWhitespace();
        if (!_rest.StartsWith(expected)) return false;
        _rest = _rest[1..];
        return true;
    }

    private void SkipWhitespace() => _rest = _rest.TrimStart(HttpChars.Whitespace);
}
