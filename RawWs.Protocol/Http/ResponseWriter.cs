using System.Buffers;
using System.Buffers.Text;
using System.Globalization;
using System.Text;

namespace RawWs.Protocol.Http;

/// <summary>Writes one HTTP/1.1 response: status line, headers, body.</summary>
/// <remarks>
/// The output gets nothing before one of the <c>End</c> methods, so a response that is abandoned, also by an
/// exception, leaves no half of a head behind. Not thread-safe.
/// </remarks>
public sealed class ResponseWriter
{
    private readonly IBufferWriter<byte> _output;
    private readonly int _status;
    private readonly ArrayBufferWriter<byte> _head = new(256);
    private bool _isEnded;

    /// <summary>Starts a response.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The status does not have three digits.</exception>
    public ResponseWriter(IBufferWriter<byte> output, int status)
    {
        ArgumentNullException.ThrowIfNull(output);
        ArgumentOutOfRangeException.ThrowIfLessThan(status, 100);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(status, 999);
        _output = output;
        _status = status;

        // RFC 9112 §4: status-line = HTTP-version SP status-code SP [ reason-phrase ]
        _head.Write("HTTP/1.1 "u8);
        Utf8Formatter.TryFormat(status, _head.GetSpan(3), out var digits);
        _head.Advance(digits);
        _head.Write(" "u8);
        _head.Write(ReasonPhrases.Get(status));
        _head.Write("\r\n"u8);
    }

    // RFC 9110 §6.4.1: these have no content, whatever their headers say.
    private bool IsBodyless => _status is < 200 or 204 or 304;

    /// <summary>Throws if a header could not be added to a response.</summary>
    /// <inheritdoc cref="Header(string, string)" path="/exception"/>
    public static void CheckHeader(string name, string value) => HeaderWriter.Check(name, value);

    /// <summary>Adds a header.</summary>
    /// <exception cref="ArgumentException">
    /// The name is not a token, or the value has a control character other than TAB or one above U+00FF.
    /// </exception>
    /// <exception cref="InvalidOperationException">The response has ended.</exception>
    public ResponseWriter Header(string name, string value)
    {
        ThrowIfEnded();
        HeaderWriter.Write(_head, name, value);
        return this;
    }

    /// <summary>Adds a header with a decimal number.</summary>
    /// <inheritdoc cref="Header(string, string)"/>
    public ResponseWriter Header(string name, long value) =>
        Header(name, value.ToString(CultureInfo.InvariantCulture));

    /// <summary>
    /// Ends the head with only the headers that were added; the caller writes the body, if any.
    /// </summary>
    /// <exception cref="InvalidOperationException">The response has ended.</exception>
    public void EndHead()
    {
        ThrowIfEnded();
        _isEnded = true;
        _head.Write("\r\n"u8);
        _output.Write(_head.WrittenSpan);
    }

    /// <summary>Ends a response without content.</summary>
    /// <inheritdoc cref="EndHead"/>
    public void End()
    {
        // RFC 9110 §8.6: no Content-Length in 1xx and 204.
        if (!IsBodyless) Header("Content-Length", 0);
        EndHead();
    }

    /// <summary>
    /// Ends a response with content, or, as the answer to HEAD, with the headers of that content.
    /// </summary>
    /// <exception cref="InvalidOperationException">
    /// The response has ended, or its status has no content.
    /// </exception>
    public void End(ReadOnlySpan<byte> body, string contentType, bool isHead = false)
    {
        if (IsBodyless) throw new InvalidOperationException("A response of this status has no content.");
        Header("Content-Type", contentType);
        Header("Content-Length", body.Length);
        EndHead();
        if (!isHead) _output.Write(body);
    }

    /// <summary>Writes the whole answer to a request that cannot be served.</summary>
    /// <param name="output">Where it goes.</param>
    /// <param name="error">What is wrong; its message becomes the body.</param>
    /// <param name="close">The connection closes after it. Always so for an error of a parser.</param>
    /// <param name="isHead">It answers HEAD, so the body is left out.</param>
    /// <param name="allow">The methods of the resource, for 405.</param>
    public static void WriteError(
        IBufferWriter<byte> output, HttpError error, bool close, bool isHead, string allow = "GET")
    {
        var response = new ResponseWriter(output, error.Status);

        // RFC 9110 §15.5.6.
        if (error.Status == 405) response.Header("Allow", allow);

        // RFC 9110 §15.5.22 and RFC 6455 §4.4.
        if (error.Status == 426)
        {
            response.Header("Upgrade", "websocket").Header("Sec-WebSocket-Version", "13");
            response.Header("Connection", close ? "Upgrade, close" : "Upgrade");
        }
        else if (close)
        {
            response.Header("Connection", "close");
        }

        response.End(Encoding.ASCII.GetBytes(error.Message), "text/plain; charset=utf-8", isHead);
    }

    /// <summary>
    /// Writes the interim response that a client with <c>Expect: 100-continue</c> waits for.
    /// </summary>
    public static void WriteContinue(IBufferWriter<byte> output) => new ResponseWriter(output, 100).End();

    private void ThrowIfEnded()
    {
        if (_isEnded) throw new InvalidOperationException("The response has ended.");
    }
}
