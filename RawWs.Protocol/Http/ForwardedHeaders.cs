using System.Buffers;
using System.Net;

namespace RawWs.Protocol.Http;

/// <summary>
/// Reads what proxies say about the client that they speak for: <c>X-Forwarded-For</c> and <c>X-Forwarded-Proto</c>.
/// </summary>
/// <remarks>
/// Each proxy appends the peer that it has seen, so the list is believed from its right end, as far as those who wrote
/// it are trusted. RFC 7239's <c>Forwarded</c> is not read: a proxy writes one of the two and passes on the other as the
/// client sent it, so whoever reads both believes the client.
/// </remarks>
public static class ForwardedHeaders
{
    private static readonly SearchValues<char> _ipV4Chars = SearchValues.Create("0123456789.");
    private static readonly SearchValues<char> _ipV6Chars = SearchValues.Create("0123456789ABCDEFabcdef:.");

    /// <summary>Finds the client of a request that has come from a trusted proxy.</summary>
    /// <param name="headers">The headers of the request.</param>
    /// <param name="proxy">The address that the request came from.</param>
    /// <param name="trusted">The networks of proxies that are trusted.</param>
    /// <returns>
    /// The last address, seen from the proxy, that is not trusted; where the list ends, or is malformed, the last before
    /// that. Never fails.
    /// </returns>
    public static ForwardedClient Read(HeaderList headers, IPAddress proxy, IEnumerable<IPNetwork> trusted)
    {
        ArgumentNullException.ThrowIfNull(headers);
        ArgumentNullException.ThrowIfNull(proxy);
        ArgumentNullException.ThrowIfNull(trusted);
        var client = Unmapped(proxy);
        var hops = 0;
        var addresses = Elements(headers, "X-Forwarded-For");
        for (var i = addresses.Count - 1; i >= 0 && TryReadAddress(addresses[i], out var address); i--)
        {
            client = address;
            hops++;
            if (!IsTrusted(address, trusted))
                break;
        }

        // The proxy that saw the client wrote the scheme at the same place, or one proxy wrote the only one there is.
        var schemes = Elements(headers, "X-Forwarded-Proto");
        var scheme = schemes.Count == 0 ? "" : schemes[^Math.Clamp(hops, 1, schemes.Count)];
        return new ForwardedClient(client, IsSecure(scheme));
    }

    /// <summary>Whether an address is in one of the networks; an IPv4 address in an IPv6 one counts as itself.</summary>
    public static bool IsTrusted(IPAddress address, IEnumerable<IPNetwork> trusted)
    {
        ArgumentNullException.ThrowIfNull(address);
        ArgumentNullException.ThrowIfNull(trusted);
        address = Unmapped(address);
        foreach (var network in trusted)
        {
            if (network.Contains(address)) return true;
        }

        return false;
    }

    private static IPAddress Unmapped(IPAddress address) =>
        address.IsIPv4MappedToIPv6 ? address.MapToIPv4() : address;

    // RFC 9110 §5.3: several lines of one name are one list, in their order.
    private static List<string> Elements(HeaderList headers, string name)
    {
        var elements = new List<string>();
        foreach (var line in headers.Values(name))
        {
            foreach (var range in line.AsSpan().Split(','))
                elements.Add(line[range].Trim(' ', '\t'));
        }

        return elements;
    }

    /// <summary>An address, of IPv6 with or without brackets, and perhaps a port that some proxies add.</summary>
    private static bool TryReadAddress(string text, out IPAddress address)
    {
        address = IPAddress.None;
        var host = text.AsSpan();
        var colon = host.IndexOf(':');
        if (host.StartsWith('['))
        {
            var end = host.IndexOf(']');
            if (end < 0 || !IsPortOrNothing(host[(end + 1)..])) return false;
            host = host[1..end];
            if (!host.Contains(':')) return false;
        }
        else if (colon >= 0 && colon == host.LastIndexOf(':'))
        {
            if (!IsPortOrNothing(host[colon..])) return false;
            host = host[..colon];
        }

        // The parser also takes "1" and "0x7f.1" for addresses of IPv4, and zones of IPv6 that mean nothing here.
        var isIPv4 = host.Count('.') == 3 && !host.ContainsAnyExcept(_ipV4Chars);
        if (!isIPv4 && (!host.Contains(':') || host.ContainsAnyExcept(_ipV6Chars))) return false;
        if (!IPAddress.TryParse(host, out var parsed)) return false;
        address = Unmapped(parsed);
        return true;
    }

    private static bool IsPortOrNothing(ReadOnlySpan<char> text) =>
        text.IsEmpty || (text is [':', _, ..] && text.Length <= 6 && !text[1..].ContainsAnyExceptInRange('0', '9'));

    private static bool? IsSecure(string scheme) => scheme.ToUpperInvariant() switch
    {
        "HTTPS" or "WSS" => true,
        "HTTP" or "WS" => false,
        _ => null,
    };
}

/// <summary>A client as the proxies before the server tell it.</summary>
/// <param name="Address">Its address; IPv4 is never written as IPv6.</param>
/// <param name="IsSecure">Whether it came over TLS; null if no proxy says so.</param>
public readonly record struct ForwardedClient(IPAddress Address, bool? IsSecure);
