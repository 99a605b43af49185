using System.Buffers;

namespace RawWs.Protocol.Json;

/// <summary>Pieces of JSON text (RFC 8259), written and tidied without a tree.</summary>
public static class JsonText
{
    private static readonly SearchValues<byte> s_quoteOrSpace = SearchValues.Create("\" \t\r\n"u8);
    private static readonly SearchValues<byte> s_quoteOrEscape = SearchValues.Create("\"\\"u8);

    /// <summary>Writes a text as a JSON string; a lone surrogate becomes U+FFFD.</summary>
    public static void WriteString(IBufferWriter<byte> output, string text)
    {
        ArgumentNullException.ThrowIfNull(output);
        ArgumentNullException.ThrowIfNull(text);
        var span = output.GetSpan(checked((text.Length * JsonString.MaxExpansion) + 2));
        span[0] = (byte)'"';
        var written = 1 + JsonString.Escape(text, span[1..]);
        span[written] = (byte)'"';
        output.Advance(written + 1);
    }

    /// <summary>Whether there is white space between the tokens.</summary>
    /// <param name="json">Valid JSON, or several values with commas between them.</param>
    public static bool HasWhiteSpace(ReadOnlySpan<byte> json)
    {
        while (true)
        {
            var at = json.IndexOfAny(s_quoteOrSpace);
            if (at < 0)
                return false;
            if (json[at] != (byte)'"')
                return true;
            json = json[(at + StringLength(json[at..]))..];
        }
    }

    /// <summary>Copies JSON without the white space between its tokens.</summary>
    /// <inheritdoc cref="HasWhiteSpace"/>
    public static void Minify(IBufferWriter<byte> output, ReadOnlySpan<byte> json)
    {
        ArgumentNullException.ThrowIfNull(output);
        while (!json.IsEmpty)
        {
            var at = json.IndexOfAny(s_quoteOrSpace);
            if (at < 0)
                at = json.Length;
            else if (json[at] == (byte)'"')
                at += StringLength(json[at..]);
            output.Write(json[..at]);
            json = json[at..].TrimStart(" \t\r\n"u8);
        }
    }

    /// <summary>The length of the string that valid JSON begins with, both quotation marks included.</summary>
    internal static int StringLength(ReadOnlySpan<byte> json)
    {
        var at = 1;
        while (at < json.Length)
        {
            var step = json[at..].IndexOfAny(s_quoteOrEscape);
            if (step < 0)
                break;
            at += step;
            if (json[at] == (byte)'"')
                return at + 1;
            at += 2;
        }

        return json.Length;
    }
}
