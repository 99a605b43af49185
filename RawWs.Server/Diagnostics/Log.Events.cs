using System.Globalization;
using System.Text;
using Microsoft.Extensions.Logging;

namespace RawWs.Server.Diagnostics;

/// <summary>What the server logs. Ids 2000–2999 are the event layer's.</summary>
internal static partial class Log
{
    [LoggerMessage(2000, LogLevel.Error, "The handler of \"{EventName}\" failed for socket {SocketId}")]
    public static partial void HandlerFailed(
        ILogger logger, Exception error, string eventName, string socketId);

    [LoggerMessage(2001, LogLevel.Debug, "Arguments of \"{EventName}\" from socket {SocketId} do not fit")]
    public static partial void BadArguments(
        ILogger logger, Exception error, string eventName, string socketId);

    [LoggerMessage(2002, LogLevel.Error, "A callback ({Callback}) failed for {Owner}")]
    public static partial void CallbackFailed(ILogger logger, Exception error, string callback, string owner);

    public static void ConnectMiddlewareFailed(
        ILogger logger, Exception error, string namespaceName, string socketId)
    {
        if (logger.IsEnabled(LogLevel.Error))
            ConnectMiddlewareFailedCore(logger, error, Printable(namespaceName), socketId);
    }

    public static void ConnectionRefused(
        ILogger logger, string namespaceName, string socketId, string message)
    {
        if (logger.IsEnabled(LogLevel.Information))
            ConnectionRefusedCore(logger, Printable(namespaceName), socketId, Printable(message));
    }

    /// <summary>
    /// Text from a client on one line and without control characters: <c>\u000A</c> for a new line.
    /// </summary>
    public static string Printable(string text)
    {
        const int maxLength = 200;
        var printable = new StringBuilder();
        foreach (char c in text.AsSpan(0, Math.Min(text.Length, maxLength)))
        {
            if (char.IsControl(c) || char.GetUnicodeCategory(c) is UnicodeCategory.Format
                or UnicodeCategory.LineSeparator or UnicodeCategory.ParagraphSeparator)
                printable.Append(CultureInfo.InvariantCulture, $"\\u{(int)c:X4}");
            else
                printable.Append(c);
        }

        return text.Length > maxLength ? printable.Append('…').ToString() : printable.ToString();
    }

    [LoggerMessage(2003, LogLevel.Error, "Connect middleware of {Namespace} failed for socket {SocketId}")]
    private static partial void ConnectMiddlewareFailedCore(
        ILogger logger, Exception error, string @namespace, string socketId);

    [LoggerMessage(2004, LogLevel.Information, "{Namespace} refused socket {SocketId}: {Reason}")]
    private static partial void ConnectionRefusedCore(
        ILogger logger, string @namespace, string socketId, string reason);
}
