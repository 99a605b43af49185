using System.Buffers;

namespace RawWs.Server.Events;

/// <summary>Walks comma-separated JSON values one by one, without building a tree.</summary>
/// <remarks>
/// The values have been checked by whoever decoded the packet; of anything else the walk makes wrong cuts,
/// which the deserializer then refuses, but it stays inside its bytes and always ends.
/// </remarks>
internal ref struct ArgumentReader
{
    private static readonly SearchValues<byte> s_structure = SearchValues.Create("\"[]{},"u8);

    private ReadOnlySpan<byte> _rest;
    private bool _hasNext;

    public ArgumentReader(ReadOnlySpan<byte> json)
    {
        _rest = json;
        _hasNext = !Trim(json).IsEmpty;
    }

    /// <summary>Takes the next value, without the white space around it.</summary>
    public bool TryRead(out ReadOnlySpan<byte> value)
    {
        value = default;
        if (!_hasNext)
            return false;

        int end = EndOfFirst(_rest);
        value = Trim(_rest[..end]);
        _hasNext = end < _rest.Length;
        _rest = _hasNext ? _rest[(end + 1)..] : default;
        return true;
    }

    private static ReadOnlySpan<byte> Trim(ReadOnlySpan<byte> json) => json.Trim(" \t\r\n"u8);

    private static int EndOfFirst(ReadOnlySpan<byte> json)
    {
        var depth = 0;
        var at = 0;
        while (at < json.Length)
        {
            int step = json[at..].IndexOfAny(s_structure);
            if (step < 0)
                break;

            at += step;
            switch (json[at])
            {
                case (byte)'"':
                    at = EndOfString(json, at + 1);
                    continue;
                case (byte)'[' or (byte)'{':
                    depth++;
                    break;
                case (byte)']' or (byte)'}':
                    depth--;
                    break;
                case (byte)',' when depth <= 0:
                    return at;
            }

            at++;
        }

        return json.Length;
    }

    private static int EndOfString(ReadOnlySpan<byte> json, int at)
    {
        while (at < json.Length)
        {
            int step = json[at..].IndexOfAny((byte)'"', (byte)'\\');
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
