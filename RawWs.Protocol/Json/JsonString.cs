using System.Buffers;
using System.Buffers.Text;
using System.Text;

namespace RawWs.Protocol.Json;

/// <summary>The inside of a JSON string (RFC 8259 §7): what stands between the quotation marks.</summary>
internal static class JsonString
{
    /// <summary>How many bytes an escape spends at most on one byte, or one UTF-16 unit, of the text: <c>\u0000</c>.</summary>
    public const int MaxExpansion = 6;

    // RFC 8259 §7: these must be escaped, and nothing else.
    private static readonly SearchValues<byte> EscapedBytes =
        SearchValues.Create([.. Enumerable.Range(0, 0x20).Select(unit => (byte)unit), (byte)'"', (byte)'\\']);

    private static readonly SearchValues<char> EscapedChars =
        SearchValues.Create([.. Enumerable.Range(0, 0x20).Select(unit => (char)unit), '"', '\\']);

    /// <summary>Decodes the escapes of a string whose syntax has been checked.</summary>
    /// <param name="escaped">The inside of the string.</param>
    /// <param name="destination">At least as long as <paramref name="escaped"/>.</param>
    /// <param name="written">The length of the text.</param>
    /// <returns>False if an escape is a surrogate without its other half, which no UTF-8 can hold.</returns>
    public static bool TryUnescape(ReadOnlySpan<byte> escaped, Span<byte> destination, out int written)
    {
        written = 0;
        for (int run; (run = escaped.IndexOf((byte)'\\')) >= 0;)
        {
            escaped[..run].CopyTo(destination[written..]);
            written += run;
            byte letter = escaped[run + 1];
            escaped = escaped[(run + 2)..];
            if (letter != (byte)'u')
            {
                destination[written++] = Unescape(letter);
                continue;
            }

            if (!TryReadRune(ref escaped, out Rune rune))
                return false;
            written += rune.EncodeToUtf8(destination[written..]);
        }

        escaped.CopyTo(destination[written..]);
        written += escaped.Length;
        return true;
    }

    /// <summary>An upper bound for what <see cref="Escape(ReadOnlySpan{byte}, Span{byte})"/> writes.</summary>
    public static int MaxEscapedLength(ReadOnlySpan<byte> text) =>
        text.ContainsAny(EscapedBytes) ? checked(text.Length * MaxExpansion) : text.Length;

    /// <summary>Writes a UTF-8 text with the escapes that JSON demands, and answers how many bytes that took.</summary>
    public static int Escape(ReadOnlySpan<byte> text, Span<byte> destination)
    {
        int written = 0;
        for (int run; (run = text.IndexOfAny(EscapedBytes)) >= 0; text = text[(run + 1)..])
        {
            text[..run].CopyTo(destination[written..]);
            written += run;
            written += EscapeUnit(text[run], destination[written..]);
        }

        text.CopyTo(destination[written..]);
        return written + text.Length;
    }

    /// <summary>Writes a UTF-16 text likewise, in UTF-8; a lone surrogate becomes U+FFFD.</summary>
    public static int Escape(ReadOnlySpan<char> text, Span<byte> destination)
    {
        int written = 0;
        for (int run; (run = text.IndexOfAny(EscapedChars)) >= 0; text = text[(run + 1)..])
        {
            written += Encoding.UTF8.GetBytes(text[..run], destination[written..]);
            written += EscapeUnit((byte)text[run], destination[written..]);
        }

        return written + Encoding.UTF8.GetBytes(text, destination[written..]);
    }

    private static byte Unescape(byte letter) => letter switch
    {
        (byte)'b' => (byte)'\b',
        (byte)'f' => (byte)'\f',
        (byte)'n' => (byte)'\n',
        (byte)'r' => (byte)'\r',
        (byte)'t' => (byte)'\t',
        _ => letter,
    };

    private static bool TryReadRune(ref ReadOnlySpan<byte> digits, out Rune rune)
    {
        char first = ReadUnit(digits);
        digits = digits[4..];
        if (Rune.TryCreate(first, out rune))
            return true;
        if (!digits.StartsWith("\\u"u8))
            return false;

        char second = ReadUnit(digits[2..]);
        digits = digits[6..];
        return Rune.TryCreate(first, second, out rune);
    }

    private static char ReadUnit(ReadOnlySpan<byte> digits) =>
        Utf8Parser.TryParse(digits[..4], out ushort unit, out _, 'X') ? (char)unit : default;

    private static int EscapeUnit(byte unit, Span<byte> destination)
    {
        byte letter = unit switch
        {
            (byte)'"' or (byte)'\\' => unit,
            (byte)'\b' => (byte)'b',
            (byte)'\f' => (byte)'f',
            (byte)'\n' => (byte)'n',
            (byte)'\r' => (byte)'r',
            (byte)'\t' => (byte)'t',
            _ => 0,
        };
        destination[0] = (byte)'\\';
        if (letter != 0)
        {
            destination[1] = letter;
            return 2;
        }

        "u00"u8.CopyTo(destination[1..]);
        destination[4] = (byte)('0' + (unit >> 4));
        destination[5] = (byte)"0123456789abcdef"[unit & 0xF];
        return 6;
    }
}
