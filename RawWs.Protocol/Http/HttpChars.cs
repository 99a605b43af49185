using System.Buffers;

namespace RawWs.Protocol.Http;

/// <summary>The character classes of HTTP's grammar.</summary>
internal static class HttpChars
{
    public const byte Cr = (byte)'\r';
    public const byte Lf = (byte)'\n';

    /// <summary>Optional white space around values and list elements (RFC 9110 §5.6.3).</summary>
    public const string Whitespace = " \t";

    private const string TokenText =
        "!#$%&'*+-.^_`|~0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

    /// <summary>RFC 9110 §5.6.2: tchar.</summary>
    public static readonly SearchValues<byte> Token = Bytes(b => TokenText.Contains((char)b));

    /// <inheritdoc cref="Token"/>
    public static readonly SearchValues<char> TokenChars = SearchValues.Create(TokenText);

    /// <summary>RFC 9110 §5.5: visible ASCII, space, tab and obs-text; no other control character.</summary>
    public static readonly SearchValues<byte> FieldValue = Bytes(IsFieldValue);

    /// <inheritdoc cref="FieldValue"/>
    public static readonly SearchValues<char> FieldValueChars =
        SearchValues.Create([.. Enumerable.Range(0, 256).Where(IsFieldValue).Select(b => (char)b)]);

    /// <summary>
    /// Visible ASCII without <c>#</c>, as RFC 9112 §3.2 has no fragment in a target. Wider than RFC 3986 by
    /// the few characters, such as <c>|</c> and <c>{</c>, that browsers send in a query as they are.
    /// </summary>
    public static readonly SearchValues<byte> Target = Bytes(b => b is > 0x20 and < 0x7F and not '#');

    public static bool IsToken(ReadOnlySpan<char> text) =>
        !text.IsEmpty && !text.ContainsAnyExcept(TokenChars);

    /// <summary>The value of a hexadecimal digit, or -1.</summary>
    public static int HexValue(int digit) => digit switch
    {
        >= '0' and <= '9' => digit - '0',
        >= 'a' and <= 'f' => digit - 'a' + 10,
        >= 'A' and <= 'F' => digit - 'A' + 10,
        _ => -1,
    };

    private static bool IsFieldValue(int b) => b is '\t' or (>= 0x20 and not 0x7F);

    private static SearchValues<byte> Bytes(Func<int, bool> isMember) =>
        SearchValues.Create([.. Enumerable.Range(0, 256).Where(isMember).Select(b => (byte)b)]);
}
