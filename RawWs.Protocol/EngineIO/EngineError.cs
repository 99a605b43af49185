using System.Buffers;
using System.Buffers.Text;
using RawWs.Protocol.Json;

namespace RawWs.Protocol.EngineIO;

/// <summary>Why a request to an Engine.IO server is refused; the value is the code on the wire.</summary>
public enum EngineError
{
    /// <summary>The transport is unknown, or not offered.</summary>
    UnknownTransport = 0,

    /// <summary>There is no session of that id.</summary>
    UnknownSession = 1,

    /// <summary>A session begins with GET.</summary>
    BadHandshakeMethod = 2,

    /// <summary>The request does not fit the session, or breaks a rule.</summary>
    BadRequest = 3,

    /// <summary>The application refuses the client.</summary>
    Forbidden = 4,

    /// <summary>Only version 4 is spoken.</summary>
    UnsupportedProtocolVersion = 5,
}

/// <summary>The wire form of <see cref="EngineError"/>.</summary>
public static class EngineErrors
{
    /// <summary>The message that clients know the error by.</summary>
    public static string Message(this EngineError error) => error switch
    {
        EngineError.UnknownTransport => "Transport unknown",
        EngineError.UnknownSession => "Session ID unknown",
        EngineError.BadHandshakeMethod => "Bad handshake method",
        EngineError.BadRequest => "Bad request",
        EngineError.Forbidden => "Forbidden",
        _ => "Unsupported protocol version",
    };

    /// <summary>The HTTP status of the answer.</summary>
    public static int Status(this EngineError error) => error == EngineError.Forbidden ? 403 : 400;

    /// <summary>Writes the body of the answer: <c>{"code":…,"message":…}</c>.</summary>
    /// <param name="error">The error.</param>
    /// <param name="output">Where it goes.</param>
    /// <param name="message">Another message than the usual one.</param>
    public static void WriteJson(this EngineError error, IBufferWriter<byte> output, string? message = null)
    {
        ArgumentNullException.ThrowIfNull(output);
        output.Write("{\"code\":"u8);
        Utf8Formatter.TryFormat((int)error, output.GetSpan(11), out var digits);
        output.Advance(digits);
        output.Write(",\"message\":"u8);
        JsonText.WriteString(output, message ?? error.Message());
        output.Write("}"u8);
    }
}
