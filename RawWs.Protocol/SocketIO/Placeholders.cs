using System.Buffers;
using System.Buffers.Text;

namespace RawWs.Protocol.SocketIO;

/// <summary>
/// The places in JSON where bytes belong: <c>{"_placeholder":true,"num":N}</c> stands for the attachment N.
/// </summary>
/// <remarks>
/// Everything here takes valid JSON, one value or several with commas between them, and works on its text in linear
/// time. An object with these two members in either order is a placeholder, and nothing else.
/// </remarks>
public static class Placeholders
{
    private const int MaxLookBack = 64;

    private static ReadOnlySpan<byte> Mark => "\"_placeholder\""u8;

    /// <summary>
    /// Whether every placeholder is well-formed and names one of so many attachments, and none is named twice: each
    /// mention may be worth a copy of its bytes.
    /// </summary>
    public static bool AreValid(ReadOnlySpan<byte> json, int attachmentCount)
    {
        Span<bool> seen = attachmentCount <= 64 ? stackalloc bool[attachmentCount] : new bool[attachmentCount];
        var at = 0;
        while (TryFind(json, ref at, out var found))
        {
            if (found.Number < 0 || found.Number >= attachmentCount || seen[found.Number])
                return false;
            seen[found.Number] = true;
        }

        return true;
    }

    /// <summary>Writes a placeholder.</summary>
    public static void Write(IBufferWriter<byte> output, int number)
    {
        ArgumentNullException.ThrowIfNull(output);
        output.Write("{\"_placeholder\":true,\"num\":"u8);
        Utf8Formatter.TryFormat(number, output.GetSpan(11), out var digits);
        output.Advance(digits);
        output.Write("}"u8);
    }

    /// <summary>Copies JSON with the base64 text of its attachment in the place of every placeholder.</summary>
    public static void WriteBase64(
        IBufferWriter<byte> output, ReadOnlySpan<byte> json, ReadOnlySpan<ReadOnlyMemory<byte>> attachments)
    {
        ArgumentNullException.ThrowIfNull(output);
        var copied = 0;
        var at = 0;
        while (TryFind(json, ref at, out var found))
        {
            if (found.Number < 0 || found.Number >= attachments.Length)
                continue;
            output.Write(json[copied..found.Start]);
            WriteBase64(output, attachments[found.Number].Span);
            copied = found.End;
        }

        output.Write(json[copied..]);
    }

    /// <summary>Copies JSON with its placeholders numbered anew in their order, and says which attachments they were.</summary>
    /// <param name="output">Where it goes.</param>
    /// <param name="json">The JSON.</param>
    /// <param name="used">Gets the former number behind each new one.</param>
    public static void Renumber(IBufferWriter<byte> output, ReadOnlySpan<byte> json, ICollection<int> used)
    {
        ArgumentNullException.ThrowIfNull(output);
        ArgumentNullException.ThrowIfNull(used);
        var copied = 0;
        var at = 0;
        while (TryFind(json, ref at, out var found))
        {
            if (found.Number < 0)
                continue;
            output.Write(json[copied..found.Start]);
            Write(output, used.Count);
            used.Add(found.Number);
            copied = found.End;
        }

        output.Write(json[copied..]);
    }

    /// <summary>Reads a placeholder that a value consists of.</summary>
    /// <returns>The number of its attachment; -1 if the value is something else.</returns>
    public static int Read(ReadOnlySpan<byte> value)
    {
        var at = 0;
        return TryFind(value, ref at, out var found) && found.Start == 0 && found.End == value.Length
            ? found.Number
            : -1;
    }

    // Inside a JSON text the mark with its quotation marks is always a whole string: within another string, quotation
    // marks are escaped.
    private static bool TryFind(ReadOnlySpan<byte> json, ref int at, out Found found)
    {
        found = default;
        while (at < json.Length)
        {
            var step = json[at..].IndexOf(Mark);
            if (step < 0)
                break;
            var mark = at + step;
            at = mark + Mark.Length;
            var cursor = new Cursor(json, at);
            if (!cursor.Takes(":"u8) || !cursor.Takes("true"u8))
                continue;
            at = cursor.Position;
            if (!TryMatch(json, mark, ref cursor, out found))
                found = new Found(mark, at, -1);
            at = Math.Max(at, found.End);
            return true;
        }

        return false;
    }

    // The cursor is behind the mark's value.
    private static bool TryMatch(ReadOnlySpan<byte> json, int mark, ref Cursor cursor, out Found found)
    {
        found = default;
        var before = json[..mark].TrimEnd(" \t\r\n"u8);
        int start;
        long number;
        if (before.EndsWith("{"u8))
        {
            start = before.Length - 1;
            if (!cursor.Takes(","u8) || !cursor.Takes("\"num\""u8) || !cursor.Takes(":"u8)
                || !cursor.TakesNumber(out number))
                return false;
        }
        else
        {
            // {"num":N,"_placeholder":true}: look for the start of this object.
            // No farther back than a number can be long, so that the whole stays linear.
            var near = Math.Max(0, before.Length - MaxLookBack);
            start = near + before[near..].LastIndexOf((byte)'{');
            if (start < near)
                return false;
            var first = new Cursor(json, start + 1);
            if (!first.Takes("\"num\""u8) || !first.Takes(":"u8) || !first.TakesNumber(out number)
                || !first.Takes(","u8) || !first.IsAt(mark))
                return false;
        }

        if (number > int.MaxValue || !cursor.Takes("}"u8))
            return false;
        found = new Found(start, cursor.Position, (int)number);
        return true;
    }

    private static void WriteBase64(IBufferWriter<byte> output, ReadOnlySpan<byte> bytes)
    {
        var length = Base64.GetMaxEncodedToUtf8Length(bytes.Length);
        var span = output.GetSpan(length + 2);
        span[0] = (byte)'"';
        Base64.EncodeToUtf8(bytes, span[1..], out _, out _);
        span[length + 1] = (byte)'"';
        output.Advance(length + 2);
    }

    /// <param name="Start">Where its object begins.</param>
    /// <param name="End">Where it ends.</param>
    /// <param name="Number">Its attachment; -1 if it is malformed.</param>
    private readonly record struct Found(int Start, int End, int Number);

    /// <summary>Takes token after token, and the white space before each.</summary>
    private ref struct Cursor(ReadOnlySpan<byte> json, int position)
    {
        private readonly ReadOnlySpan<byte> _json = json;

        public int Position { get; private set; } = position;

        public bool Takes(ReadOnlySpan<byte> token)
        {
            SkipSpace();
            if (!_json[Position..].StartsWith(token))
                return false;
            Position += token.Length;
            return true;
        }

        /// <summary>Takes an integer that is not negative.</summary>
        public bool TakesNumber(out long number)
        {
            SkipSpace();
            var rest = _json[Position..];
            var digits = rest.IndexOfAnyExceptInRange((byte)'0', (byte)'9');
            digits = digits < 0 ? rest.Length : digits;
            if (!Utf8Parser.TryParse(rest[..digits], out number, out var used) || used != digits)
                return false;
            Position += digits;
            // Behind an integer comes the end of the member, not a fraction or an exponent.
            return !_json[Position..].StartsWith("."u8)
                && !_json[Position..].StartsWith("e"u8)
                && !_json[Position..].StartsWith("E"u8);
        }

        public bool IsAt(int position)
        {
            SkipSpace();
            return Position == position;
        }

        private void SkipSpace()
        {
            while (Position < _json.Length && " \t\r\n"u8.Contains(_json[Position]))
                Position++;
        }
    }
}
