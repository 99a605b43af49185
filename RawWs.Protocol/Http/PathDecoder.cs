using System.Text;
using System.Text.Unicode;

namespace RawWs.Protocol.Http;

/// <summary>Turns the path of a request into a path that is safe to look up below a root.</summary>
public static class PathDecoder
{
    /// <summary>Percent-decodes a path, once.</summary>
    /// <param name="path">As in <see cref="RequestHead.Path"/>.</param>
    /// <param name="decoded">Starts with a slash; empty if the path is refused.</param>
    /// <returns>
    /// False for everything that might lead elsewhere: no slash at the start, an empty segment, a segment of
    /// dots, an encoded slash, a backslash, a colon (a drive or a stream), a control character, and a
    /// <c>%XX</c> that is malformed, or that is still there after decoding; also if the octets are not UTF-8.
    /// </returns>
    public static bool TryDecode(string path, out string decoded)
    {
        ArgumentNullException.ThrowIfNull(path);
        decoded = "";
        if (path.Length == 0 || path[0] != '/' || path.AsSpan().ContainsAnyExceptInRange('!', '~'))
            return false;

        var bytes = Encoding.ASCII.GetBytes(path);
        var slashes = bytes.AsSpan().Count((byte)'/');
        var length = PercentEncoding.Decode(bytes, out var isMalformed);
        var octets = bytes.AsSpan(0, length);
        if (isMalformed || octets.Count((byte)'/') != slashes || !Utf8.IsValid(octets)) return false;
        if (IsEncodedTwice(octets)) return false;

        var text = Encoding.UTF8.GetString(octets);
        if (!IsSafe(text)) return false;
        decoded = text;
        return true;
    }

    private static bool IsEncodedTwice(ReadOnlySpan<byte> octets)
    {
        for (var mark = octets.IndexOf((byte)'%'); mark >= 0; mark = octets.IndexOf((byte)'%'))
        {
            if (PercentEncoding.TryReadOctet(octets[mark..], out _)) return true;
            octets = octets[(mark + 1)..];
        }

        return false;
    }

    private static bool IsSafe(string text)
    {
        foreach (var c in text)
        {
            if (char.IsControl(c) || c is '\\' or ':') return false;
        }

        var segments = text.AsSpan(1);
        foreach (var range in segments.Split('/'))
        {
            var segment = segments[range];

            // Only the last segment may be empty: that of a path which ends with a slash.
            if (segment.IsEmpty && range.End.Value < segments.Length) return false;

            // Some file systems drop dots and spaces at the end of a name: `.. ` and `...` count as dots too.
            if (!segment.IsEmpty && segment.Trim(". ").IsEmpty) return false;
        }

        return true;
    }
}
