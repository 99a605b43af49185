using System.Buffers;
using System.Text;

namespace RawWs.Protocol.Http;

/// <summary>
/// Reads the heads of the requests of one connection, one after the other (RFC 9112 §2–§5).
/// </summary>
/// <remarks>
/// Strict where leniency has let requests be smuggled: only CRLF ends a line, no folded lines, no white space
/// before a colon. One empty line before a request line is skipped (RFC 9112 §2.2), a second one is an error.
/// Each byte is judged once and in order, so a head costs the same however it is split, the verdict is the
/// same too, and bytes that no request can start with fail at once. Not thread-safe.
/// </remarks>
public sealed class RequestParser
{
    // The longest registered method has 17 characters.
    private const int MaxMethodBytes = 32;

    private enum Stage : byte { EmptyLine, EmptyLineEnd, Method, Target, Version, LineEnd, Fields }

    private readonly HttpLimits _limits;
    private Stage _stage;
    private int _position;
    private int _lineStart;
    private int _wordStart;
    private string _method = "";
    private RequestTarget? _target;
    private bool _isHttp11;
    private FieldScanner _fields;
    private HeaderList _headers = new();

    /// <summary>A parser at the start of a connection.</summary>
    public RequestParser(HttpLimits limits)
    {
        ArgumentNullException.ThrowIfNull(limits);
        _limits = limits;
    }

    /// <summary>What is wrong, after <see cref="HttpParseStatus.Failed"/>.</summary>
    public HttpError Error { get; private set; }

    /// <summary>Some byte of a request has been seen; false again when its head is complete.</summary>
    public bool HasStarted => _position > _lineStart || !Error.IsNone;

    /// <summary>Goes on with what has come since the last call.</summary>
    /// <param name="received">
    /// All bytes since the start of the current request: those of the last call, unchanged, and more. At most
    /// <see cref="HttpLimits.MaxHeadBytes"/> and one more have to be kept until it completes or fails.
    /// </param>
    /// <param name="head">The head, if it is complete.</param>
    /// <param name="consumed">
    /// If it is complete, its length with the empty line at its end; what follows is the body or the next
    /// request, for which the parser is ready. Otherwise 0.
    /// </param>
    /// <exception cref="ArgumentException">
    /// <paramref name="received"/> is shorter than in the last call.
    /// </exception>
    public HttpParseStatus Read(ReadOnlySpan<byte> received, out RequestHead? head, out int consumed)
    {
        head = null;
        consumed = 0;
        if (!Error.IsNone) return HttpParseStatus.Failed;
        if (received.Length < _position)
            throw new ArgumentException("Bytes were taken away.", nameof(received));

        if (_stage != Stage.Fields && !ReadRequestLine(received)) return Unfinished();
        if (!ReadFields(received)) return Unfinished();
        if (!RequestHead.TryCreate(_method, _target!, _isHttp11, _headers, out head, out var error))
        {
            Error = error;
            return HttpParseStatus.Failed;
        }

        consumed = _position;
        Reset();
        return HttpParseStatus.Complete;
    }

    private HttpParseStatus Unfinished() =>
        Error.IsNone ? HttpParseStatus.Incomplete : HttpParseStatus.Failed;

    /// <summary>
    /// True when the request line is complete; false when bytes are missing or it has failed.
    /// </summary>
    private bool ReadRequestLine(ReadOnlySpan<byte> received)
    {
        while (Error.IsNone && _stage != Stage.Fields)
        {
            // The line and its CRLF. An empty line before it moves the window.
            var window = received[..Math.Min(received.Length, _lineStart + _limits.MaxRequestLineBytes + 2)];
            if (_position == window.Length)
            {
                return window.Length < received.Length && Fail(414, "The request line is too long.");
            }

            Step(window);
        }

        return Error.IsNone;
    }

    private void Step(ReadOnlySpan<byte> window)
    {
        switch (_stage)
        {
            case Stage.EmptyLine when window[_position] == HttpChars.Cr:
                Next(Stage.EmptyLineEnd);
                break;
            case Stage.EmptyLine:
                _stage = Stage.Method;
                break;
            case Stage.EmptyLineEnd when window[_position] == HttpChars.Lf:
                Next(Stage.Method);
                _lineStart = _position;
                break;
            case Stage.Method:
                ReadMethod(window);
                break;
            case Stage.Target:
                ReadTarget(window);
                break;
            case Stage.Version:
                ReadVersion(window);
                break;
            case Stage.LineEnd when window[_position] == HttpChars.Lf:
                Next(Stage.Fields);
                var room = Math.Min(_limits.MaxHeaderBytes, _limits.MaxHeadBytes - 2 - _position);
                _fields = new FieldScanner(room, _limits.MaxHeaders);
                break;
            default:
                Fail(400, "A line must end with CRLF.");
                break;
        }
    }

    private void ReadMethod(ReadOnlySpan<byte> window)
    {
        var isWhole = Skip(window, HttpChars.Token);
        var word = window[_wordStart.._position];

        // RFC 9112 §3: a method longer than any that is implemented is 501.
        if (word.Length > MaxMethodBytes)
        {
            Fail(501, "The method is not supported.");
        }
        else if (isWhole && (word.IsEmpty || window[_position] != ' '))
        {
            Fail(400, "This is not an HTTP request.");
        }
        else if (isWhole)
        {
            _method = MethodName(word);
            Next(Stage.Target);
        }
    }

    private void ReadTarget(ReadOnlySpan<byte> window)
    {
        if (!Skip(window, HttpChars.Target)) return;
        var word = window[_wordStart.._position];
        _target = word.IsEmpty || window[_position] != ' ' ? null : RequestTarget.Parse(_method, word);
        if (_target is null) Fail(400, "The request target is malformed.");
        else Next(Stage.Version);
    }

    // RFC 9112 §2.3: HTTP-version = %s"HTTP" "/" DIGIT "." DIGIT
    private void ReadVersion(ReadOnlySpan<byte> window)
    {
        var next = window[_position];
        var index = _position - _wordStart;
        var isValid = index switch
        {
            < 5 => next == "HTTP/"u8[index],
            6 => next == '.',
            8 => next == HttpChars.Cr,
            _ => char.IsAsciiDigit((char)next),
        };
        if (!isValid)
        {
            Fail(400, "The request line must end with an HTTP version.");
        }
        else if (index == 8)
        {
            Next(Stage.LineEnd);
        }
        else if (index == 7 && (window[_position - 2] != '1' || next > '1'))
        {
            Fail(505, "Only HTTP/1.1 and HTTP/1.0 are supported.");
        }
        else
        {
            if (index == 7) _isHttp11 = next == '1';
            _position++;
        }
    }

    /// <summary>True when the empty line is reached; false when bytes are missing or it has failed.</summary>
    private bool ReadFields(ReadOnlySpan<byte> received)
    {
        while (true)
        {
            switch (_fields.Scan(received, ref _position))
            {
                case FieldScan.More:
                    return false;
                case FieldScan.End:
                    return true;
                case FieldScan.Failed:
                    Error = _fields.Error;
                    return false;
            }

            var name = received[_fields.NameStart.._fields.Colon];
            var value = received[(_fields.Colon + 1)..(_position - 2)].Trim(" \t"u8);
            _headers.Add(Encoding.ASCII.GetString(name), Encoding.Latin1.GetString(value));
        }
    }

    /// <summary>Moves behind the members of a class; false if it reaches the end of the bytes.</summary>
    private bool Skip(ReadOnlySpan<byte> window, SearchValues<byte> members)
    {
        var length = window[_position..].IndexOfAnyExcept(members);
        _position = length < 0 ? window.Length : _position + length;
        return length >= 0;
    }

    /// <summary>Takes the byte that ends a word; the next word starts behind it.</summary>
    private void Next(Stage stage)
    {
        _stage = stage;
        _wordStart = ++_position;
    }

    private bool Fail(int status, string message)
    {
        Error = new HttpError(status, message);
        return false;
    }

    private void Reset()
    {
        _stage = Stage.EmptyLine;
        _position = _lineStart = _wordStart = 0;
        _method = "";
        _target = null;
        _headers = new HeaderList();
    }

    private static string MethodName(ReadOnlySpan<byte> word)
    {
        if (word.SequenceEqual("GET"u8)) return "GET";
        return word.SequenceEqual("POST"u8) ? "POST" : Encoding.ASCII.GetString(word);
    }
}
