using System.Buffers;
using System.Net;

namespace RawWs.Protocol.Http;

/// <summary>The host and port of a Host header or of a target in absolute form.</summary>
internal static class Authority
{
    private static readonly SearchValues<char> _nameChars =
        SearchValues.Create("-._~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz");

    private static readonly SearchValues<char> _ipV6Chars = SearchValues.Create("0123456789ABCDEFabcdef:.");

    /// <summary>
    /// A host name, an IPv4 address or an IPv6 address in brackets, with an optional port. Narrower than RFC
    /// 3986 §3.2.2: no sub-delimiters and no percent-encoding, which no name in the DNS has.
    /// </summary>
    public static bool IsValid(ReadOnlySpan<char> text)
    {
        var hostLength = text.StartsWith('[') ? text.IndexOf(']') + 1 : text.IndexOf(':');
        if (hostLength < 0) hostLength = text.Length;
        var host = text[..hostLength];
        var port = text[hostLength..];
        return (host.StartsWith('[') ? IsIPv6(host[1..^1]) : IsName(host)) && (port.IsEmpty || IsPort(port));
    }

    private static bool IsName(ReadOnlySpan<char> host) =>
        !host.IsEmpty && !host.ContainsAnyExcept(_nameChars);

    private static bool IsIPv6(ReadOnlySpan<char> address) =>
        !address.ContainsAnyExcept(_ipV6Chars) && address.Contains(':') && IPAddress.TryParse(address, out _);

    // RFC 3986 §3.2.3: the digits may be missing behind the colon.
    private static bool IsPort(ReadOnlySpan<char> port)
    {
        if (port[0] != ':' || port.Length > 6) return false;
        var number = 0;
        foreach (var digit in port[1..])
        {
            if (!char.IsAsciiDigit(digit)) return false;
            number = number * 10 + (digit - '0');
        }

        return number <= ushort.MaxValue;
    }
}
