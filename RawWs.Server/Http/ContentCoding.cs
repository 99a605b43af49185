namespace RawWs.Server.Http;

/// <summary>The choice of a content coding by Accept-Encoding (RFC 9110 §12.5.3).</summary>
internal static class ContentCoding
{
    /// <summary>Whether the client takes a coding: it is named, or <c>*</c> is, with a weight above zero.</summary>
    public static bool Accepts(string? acceptEncoding, string coding)
    {
        var byAny = false;
        foreach (var range in (acceptEncoding ?? "").AsSpan().Split(','))
        {
            var item = acceptEncoding.AsSpan(range);
            var semicolon = item.IndexOf(';');
            var name = (semicolon < 0 ? item : item[..semicolon]).Trim();
            var isAccepted = semicolon < 0 || !IsZero(item[(semicolon + 1)..]);
            if (name.Equals(coding, StringComparison.OrdinalIgnoreCase))
                return isAccepted;
            if (name is "*")
                byAny = isAccepted;
        }

        return byAny;
    }

    // weight = OWS ";" OWS "q=" qvalue; zero is written 0, 0.0, 0.00 or 0.000.
    private static bool IsZero(ReadOnlySpan<char> weight)
    {
        weight = weight.Trim();
        if (!weight.StartsWith("q=", StringComparison.OrdinalIgnoreCase))
            return false;
        return !weight[2..].Trim().ContainsAnyExcept('0', '.');
    }
}
