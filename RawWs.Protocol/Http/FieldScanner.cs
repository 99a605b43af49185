using System.Buffers;

namespace RawWs.Protocol.Http;

/// <summary>Where a <see cref="FieldScanner"/> has stopped.</summary>
internal enum FieldScan
{
    /// <summary>At the end of the bytes.</summary>
    More,

    /// <summary>Behind the CRLF of a line.</summary>
    Line,

    /// <summary>Behind the empty line that ends the section.</summary>
    End,

    /// <summary>At a byte that breaks a rule or a limit.</summary>
    Failed,
}

/// <summary>
/// The grammar of a field section (RFC 9112 §5), headers or trailers, over bytes split anywhere.
/// </summary>
/// <remarks>
/// It judges each byte once and in order, so a verdict never depends on where the bytes were split.
/// </remarks>
internal struct FieldScanner(int maxBytes, int maxLines)
{
    private enum State : byte { LineStart, Name, Value, LineEnd, SectionEnd }

    private State _state;
    private int _lines;

    // The CRLF of the empty line does not count.
    private int _budget = maxBytes + 2;

    /// <summary>Where the name of the last line starts, in the span that was given.</summary>
    public int NameStart { get; private set; }

    /// <summary>Where its colon is.</summary>
    public int Colon { get; private set; }

    /// <summary>What is wrong, after <see cref="FieldScan.Failed"/>.</summary>
    public HttpError Error { get; private set; }

    /// <summary>Goes on from <paramref name="position"/> and moves it to where it stops.</summary>
    public FieldScan Scan(ReadOnlySpan<byte> bytes, ref int position)
    {
        var start = position;
        var window = bytes[..(start + Math.Min(bytes.Length - start, _budget))];
        var result = Scan(window, bytes, ref position);
        _budget -= position - start;
        return result;
    }

    private FieldScan Scan(ReadOnlySpan<byte> window, ReadOnlySpan<byte> bytes, ref int position)
    {
        while (position < window.Length)
        {
            var next = window[position];
            switch (_state)
            {
                case State.LineStart when next == HttpChars.Cr:
                    _state = State.SectionEnd;
                    position++;
                    break;

                case State.LineStart:
                    // RFC 9112 §5.2: a line that starts with white space (obs-fold) is rejected.
                    if (next is (byte)' ' or (byte)'\t')
                        return Fail(400, "A header line must not be folded.");
                    if (!HttpChars.Token.Contains(next))
                        return Fail(400, "A header name is missing or malformed.");
                    if (_lines == maxLines) return Fail(431, "Too many headers.");
                    _lines++;
                    _state = State.Name;
                    NameStart = position++;
                    break;

                case State.Name:
                    if (!Skip(window, HttpChars.Token, ref position)) break;
                    if (window[position] != ':')
                    {
                        // RFC 9112 §5.1: no white space between the name and the colon.
                        return Fail(400, "A header name must be followed by a colon.");
                    }

                    _state = State.Value;
                    Colon = position++;
                    break;

                case State.Value:
                    if (!Skip(window, HttpChars.FieldValue, ref position)) break;
                    // RFC 9112 §2.2: only CRLF ends a line; RFC 9110 §5.5: no control characters.
                    if (window[position] != HttpChars.Cr)
                        return Fail(400, "A header value has a control character.");
                    _state = State.LineEnd;
                    position++;
                    break;

                case State.LineEnd:
                    if (next != HttpChars.Lf) return Fail(400, "A line must end with CRLF.");
                    _state = State.LineStart;
                    position++;
                    return FieldScan.Line;

                default:
                    if (next != HttpChars.Lf) return Fail(400, "A line must end with CRLF.");
                    position++;
                    return FieldScan.End;
            }
        }

        return window.Length < bytes.Length ? Fail(431, "The headers are too long.") : FieldScan.More;
    }

    /// <summary>Moves behind the members of a class; false if it reaches the end of the bytes.</summary>
    private static bool Skip(ReadOnlySpan<byte> bytes, SearchValues<byte> members, ref int position)
    {
        var length = bytes[position..].IndexOfAnyExcept(members);
        position = length < 0 ? bytes.Length : position + length;
        return length >= 0;
    }

    private FieldScan Fail(int status, string message)
    {
        Error = new HttpError(status, message);
        return FieldScan.Failed;
    }
}
