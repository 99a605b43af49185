using System.Text;

namespace RawWs.Protocol.Http;

/// <summary>Reads the names and values of a query: <c>a=1&amp;b=two+words</c>.</summary>
/// <remarks>
/// Decoded as forms are: <c>+</c> is a space, <c>%XX</c> an octet of UTF-8. It takes any text and never
/// throws: a malformed <c>%</c> stays as it is, octets that are not UTF-8 become U+FFFD. Linear in the length
/// of the query.
/// </remarks>
public static class QueryString
{
    /// <summary>
    /// The decoded value of the first parameter with that name; empty without <c>=</c>, null if absent.
    /// </summary>
    public static string? Get(string query, string name)
    {
        ArgumentNullException.ThrowIfNull(query);
        for (var rest = query.AsSpan(); TryTake(ref rest, out var key, out var value);)
        {
            if (Matches(key, name)) return Decode(value);
        }

        return null;
    }

    /// <summary>All parameters, decoded, in order; empty ones (<c>&amp;&amp;</c>) are left out.</summary>
    public static IEnumerable<KeyValuePair<string, string>> Enumerate(string query)
    {
        ArgumentNullException.ThrowIfNull(query);
        return Iterate(query);
    }

    private static IEnumerable<KeyValuePair<string, string>> Iterate(string query)
    {
        for (var position = 0; position < query.Length;)
        {
            var rest = query.AsSpan(position);
            if (!TryTake(ref rest, out var key, out var value)) yield break;
            position = query.Length - rest.Length;
            yield return new(Decode(key), Decode(value));
        }
    }

    /// <summary>Takes the next parameter off, still encoded.</summary>
    private static bool TryTake(
        ref ReadOnlySpan<char> rest, out ReadOnlySpan<char> key, out ReadOnlySpan<char> value)
    {
        rest = rest.TrimStart('&');
        var end = rest.IndexOf('&');
        var pair = end < 0 ? rest : rest[..end];
        rest = rest[pair.Length..];
        var mark = pair.IndexOf('=');
        key = mark < 0 ? pair : pair[..mark];
        value = mark < 0 ? default : pair[(mark + 1)..];
        return !pair.IsEmpty;
    }

    private static bool Matches(ReadOnlySpan<char> key, string name) =>
        key.ContainsAny('%', '+') ? Decode(key) == name : key.SequenceEqual(name);

    private static string Decode(ReadOnlySpan<char> text)
    {
        if (!text.ContainsAny('%', '+')) return text.ToString();
        var bytes = new byte[Encoding.UTF8.GetByteCount(text)];
        Encoding.UTF8.GetBytes(text, bytes);
        bytes.AsSpan().Replace((byte)'+', (byte)' ');
        var length = PercentEncoding.Decode(bytes, out _);
        return Encoding.UTF8.GetString(bytes, 0, length);
    }
}
