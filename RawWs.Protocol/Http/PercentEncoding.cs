namespace RawWs.Protocol.Http;

/// <summary>Percent-decoding in place (RFC 3986 §2.1).</summary>
internal static class PercentEncoding
{
    /// <summary>
    /// Decodes each <c>%XX</c> once, keeps what is malformed, and says how many bytes are left.
    /// </summary>
    public static int Decode(Span<byte> bytes, out bool isMalformed)
    {
        isMalformed = false;
        var length = 0;
        for (var i = 0; i < bytes.Length; i++)
        {
            var next = bytes[i];
            if (next == '%')
            {
                if (TryReadOctet(bytes[i..], out var octet))
                {
                    next = octet;
                    i += 2;
                }
                else
                {
                    isMalformed = true;
                }
            }

            bytes[length++] = next;
        }

        return length;
    }

    /// <summary>The octet of the <c>%XX</c> at the start of the bytes.</summary>
    public static bool TryReadOctet(ReadOnlySpan<byte> bytes, out byte octet)
    {
        octet = 0;
        if (bytes.Length < 3 || bytes[0] != '%') return false;
        var high = HttpChars.HexValue(bytes[1]);
        var low = HttpChars.HexValue(bytes[2]);
        octet = (byte)((high << 4) | low);
        return high >= 0 && low >= 0;
    }
}
