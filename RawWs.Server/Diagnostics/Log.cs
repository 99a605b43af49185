using System.Net;
using Microsoft.Extensions.Logging;
using RawWs.Protocol;
using RawWs.Server.Sessions;

namespace RawWs.Server.Diagnostics;

/// <summary>Every log message of the server. Ids: 1000 transport, 2000 events.</summary>
internal static partial class Log
{
    [LoggerMessage(1000, LogLevel.Information, "listening on {EndPoint}")]
    public static partial void Listening(ILogger logger, IPEndPoint endPoint);

    [LoggerMessage(1001, LogLevel.Information, "stopping, {Connections} connections open")]
    public static partial void Stopping(ILogger logger, int connections);

    [LoggerMessage(1002, LogLevel.Warning, "stopped with {Connections} connections aborted at the deadline")]
    public static partial void Aborted(ILogger logger, int connections);

    [LoggerMessage(
        1003,
        LogLevel.Warning,
        "accept failed, trying again in {Backoff}: {Problem}; {Suppressed} more since the last such line")]
    public static partial void AcceptFailed(ILogger logger, string problem, TimeSpan backoff, long suppressed);

    [LoggerMessage(1004, LogLevel.Error, "the timer failed for a connection")]
    public static partial void TickFailed(ILogger logger, Exception exception);

    [LoggerMessage(1005, LogLevel.Error, "an event loop failed for a connection")]
    public static partial void LoopFailed(ILogger logger, Exception exception);

    [LoggerMessage(1010, LogLevel.Debug, "{Peer} sent a bad request: {Status} {Problem}")]
    public static partial void RequestRefused(ILogger logger, EndPoint? peer, int status, string problem);

    [LoggerMessage(1011, LogLevel.Error, "a request of {Peer} failed")]
    public static partial void RequestFailed(ILogger logger, Exception exception, EndPoint? peer);

    [LoggerMessage(1012, LogLevel.Debug, "the TLS handshake with {Peer} failed: {Problem}")]
    public static partial void TlsFailed(ILogger logger, EndPoint? peer, string problem);

    [LoggerMessage(1013, LogLevel.Information, "the renewed certificate {Name} is in use, valid until {NotAfter:u}")]
    public static partial void CertificateRenewed(ILogger logger, string name, DateTimeOffset notAfter);

    [LoggerMessage(1014, LogLevel.Error, "the certificate {Name} has changed and cannot be used, the one before stays: {Problem}")]
    public static partial void CertificateUnusable(ILogger logger, string name, string problem);

    [LoggerMessage(1015, LogLevel.Warning, "the certificate {Name} is valid from {NotBefore:u} until {NotAfter:u} only")]
    public static partial void CertificateNotValid(
        ILogger logger, string name, DateTimeOffset notBefore, DateTimeOffset notAfter);

    [LoggerMessage(1020, LogLevel.Debug, "{Peer} broke the protocol: {Error}")]
    public static partial void ProtocolFailed(ILogger logger, EndPoint? peer, ProtocolError error);

    [LoggerMessage(1021, LogLevel.Debug, "{Peer} closed with {Code}, {Cause}")]
    public static partial void WebSocketClosed(ILogger logger, EndPoint? peer, int code, DisconnectReason cause);

    [LoggerMessage(1030, LogLevel.Error, "the handler of a session of {Address} threw")]
    public static partial void SessionFailed(ILogger logger, Exception exception, string address);

    [LoggerMessage(1031, LogLevel.Information, "a middleware refused a request of {Address}")]
    public static partial void EngineRequestRefused(ILogger logger, Exception exception, string address);

    [LoggerMessage(1032, LogLevel.Error, "a hook of the Engine.IO server at {Path} threw")]
    public static partial void EngineHookFailed(ILogger logger, Exception exception, string path);

    [LoggerMessage(1022, LogLevel.Error, "the handler of a connection with {Peer} threw")]
    public static partial void ConnectionFailed(ILogger logger, Exception exception, EndPoint? peer);
}
