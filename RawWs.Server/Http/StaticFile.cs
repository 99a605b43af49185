using System.Globalization;

namespace RawWs.Server.Http;

/// <summary>A file that may be served, as it was when its path was resolved.</summary>
internal sealed class StaticFile
{
    // RFC 9110 §5.6.7: the form to send, and the two obsolete ones that a recipient must understand.
    private static readonly string[] DateFormats =
        ["r", "dddd, dd-MMM-yy HH:mm:ss 'GMT'", "ddd MMM d HH:mm:ss yyyy"];

    private readonly Func<Stream> _open;

    public StaticFile(string contentType, long length, DateTimeOffset lastModified, string eTag, Func<Stream> open)
    {
        ContentType = contentType;
        Length = length;
        LastModified = lastModified;
        ETag = eTag;
        _open = open;
    }

    /// <summary>The value for Content-Type.</summary>
    public string ContentType { get; }

    /// <summary>
    /// The length in bytes. A file may change while it is read, so whoever sends it must count for himself.
    /// </summary>
    public long Length { get; }

    /// <summary>When the file changed last, in UTC and whole seconds, as HTTP counts.</summary>
    public DateTimeOffset LastModified { get; }

    /// <summary>The value for ETag, with its quotation marks: a hash of the content, or weak.</summary>
    public string ETag { get; }

    /// <summary>The value for Content-Encoding; null if the content is sent as it is.</summary>
    public string? ContentEncoding { get; init; }

    /// <summary>Whether others get the same file in another coding, by their Accept-Encoding.</summary>
    public bool VariesByEncoding { get; init; }

    /// <summary>Opens the content for reading, once per call.</summary>
    /// <exception cref="IOException">The file has gone since.</exception>
    /// <exception cref="UnauthorizedAccessException">The file may not be read.</exception>
    public Stream Open() => _open();

    /// <summary>Whether what the client has is this very file, so that 304 is the answer to its GET or HEAD.</summary>
    /// <param name="ifNoneMatch">The values of If-None-Match, joined by commas; null if there is none.</param>
    /// <param name="ifModifiedSince">The value of If-Modified-Since; null if there is none.</param>
    public bool Matches(string? ifNoneMatch, string? ifModifiedSince)
    {
        // RFC 9110 §13.1.3: If-Modified-Since does not count beside an If-None-Match.
        if (ifNoneMatch is not null)
            return MatchesTag(ifNoneMatch);

        return DateTimeOffset.TryParseExact(
                ifModifiedSince,
                DateFormats,
                CultureInfo.InvariantCulture,
                DateTimeStyles.AssumeUniversal | DateTimeStyles.AllowInnerWhite,
                out DateTimeOffset since)
            && LastModified <= since;
    }

    private bool MatchesTag(ReadOnlySpan<char> list)
    {
        list = list.Trim(" \t");
        if (list is "*")
            return true;

        ReadOnlySpan<char> own = OpaqueTag(ETag);
        while (!(list = list.TrimStart(" \t,")).IsEmpty)
        {
            // RFC 9110 §8.8.3: a tag may hold commas, so only its quotation marks tell where it ends.
            list = OpaqueTag(list);
            int end = list.StartsWith('"') ? list[1..].IndexOf('"') + 2 : 0;
            if (end < 2)
                return false;
            if (list[..end].SequenceEqual(own))
                return true;
            list = list[end..];
        }

        return false;
    }

    // RFC 9110 §13.1.2: the comparison is weak: the prefix does not count.
    private static ReadOnlySpan<char> OpaqueTag(ReadOnlySpan<char> tag) => tag.StartsWith("W/") ? tag[2..] : tag;
}
