namespace RawWs.Protocol.Http;

/// <summary>How the body of a request is delimited (RFC 9112 §6).</summary>
/// <param name="IsChunked">The chunked transfer coding delimits it.</param>
/// <param name="ContentLength">Its announced length; null without a Content-Length.</param>
internal readonly record struct BodyFraming(bool IsChunked, long? ContentLength)
{
    /// <summary>Reads the framing; whatever two recipients might read differently is an error.</summary>
    public static HttpError Read(HeaderList headers, bool isHttp11, out BodyFraming framing)
    {
        framing = default;
        var hasCodings = headers.Contains("Transfer-Encoding");
        if (headers.Contains("Content-Length"))
        {
            // RFC 9112 §6.3: a message with both might be an attempt at request smuggling.
            if (hasCodings) return new(400, "Content-Length and Transfer-Encoding exclude each other.");
            if (!headers.TryGetSingle("Content-Length", out var text)
                || !TryParseLength(text, out var length))
            {
                return new(400, "Content-Length must be one decimal number.");
            }

            framing = new(false, length);
            return default;
        }

        if (!hasCodings) return default;

        // RFC 9112 §6.1: an HTTP/1.0 message with Transfer-Encoding has faulty framing.
        if (!isHttp11) return new(400, "HTTP/1.0 has no Transfer-Encoding.");
        framing = new(true, null);
        return CheckCodings(headers);
    }

    // RFC 9110 §8.6: 1*DIGIT. No sign, no list of equal values, nothing above 2^63 - 1.
    private static bool TryParseLength(string text, out long length)
    {
        length = 0;
        foreach (var digit in text)
        {
            if (!char.IsAsciiDigit(digit)) return false;
            if (length > (long.MaxValue - (digit - '0')) / 10) return false;
            length = length * 10 + (digit - '0');
        }

        return text.Length > 0;
    }

    // RFC 9112 §6.1: chunked must be the final coding, and only once; an unknown coding is 501.
    private static HttpError CheckCodings(HeaderList headers)
    {
        var isChunked = false;
        var hasOther = false;
        foreach (var line in headers.Values("Transfer-Encoding"))
        {
            var value = line.AsSpan();
            foreach (var range in value.Split(','))
            {
                var coding = value[range].Trim(HttpChars.Whitespace);
                if (isChunked || !HttpChars.IsToken(coding))
                    return new(400, "Transfer-Encoding must be exactly chunked.");
                isChunked = coding.Equals("chunked", StringComparison.OrdinalIgnoreCase);
                hasOther |= !isChunked;
            }
        }

        return hasOther ? new(501, "No transfer coding but chunked is supported.") : default;
    }
}
