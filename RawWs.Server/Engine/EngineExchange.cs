using System.Buffers;
using System.IO.Compression;
using RawWs.Protocol.EngineIO;
using RawWs.Protocol.Http;
using RawWs.Server.Diagnostics;
using RawWs.Server.Events;
using RawWs.Server.Http;
using RawWs.Server.Sessions;
using RawWs.Server.Transport;

namespace RawWs.Server.Engine;

/// <summary>One HTTP request to an Engine.IO server: what is checked in which order, and the answer.</summary>
internal sealed class EngineExchange(
    EngineEndpoint endpoint, RequestHead head, HttpExchange exchange, HttpConnection connection)
{
    private readonly EngineHeaders _headers = new();
    private bool _hasReadBody;
    private readonly EngineQuery _query = EngineQuery.Read(head.Query);
    private readonly bool _isUpgrade =
        string.Equals(head.Headers.Get("Upgrade"), "websocket", StringComparison.OrdinalIgnoreCase);

    private EngineRequest Request => field ??= new EngineRequest(
        head, string.IsNullOrEmpty(_query.Sid) ? null : _query.Sid, connection, endpoint.Context.TimeProvider);

    public async ValueTask<WebSocketHandler?> RunAsync()
    {
        endpoint.Options.Cors?.Write(head, _headers);
        if (!await endpoint.PassAsync(Request, _headers).ConfigureAwait(false))
            return Refuse(EngineError.BadRequest);
        if (head.Method == "OPTIONS")
            return AnswerPreflight();

        // RFC 6455 §10.2, and the same for polling: the server decides which pages may use it.
        if (!exchange.IsAllowed(head.Headers.Get("Origin")))
            return Refuse(EngineError.Forbidden, "Origin not allowed");
        if (Check(out var session) is { } error)
            return Refuse(error);
        if (session is not null)
            return await ContinueAsync(session).ConfigureAwait(false);

        if (await AskApplicationAsync().ConfigureAwait(false) is { } refusal)
            return Refuse(EngineError.Forbidden, refusal);
        if (_query.Eio != "4")
            return Refuse(EngineError.UnsupportedProtocolVersion);
        return Open();
    }

    /// <summary>The checks of the wire, in the order in which clients see them.</summary>
    private EngineError? Check(out EngineSession? session)
    {
        session = null;
        var transport = _query.Transport switch
        {
            "polling" => EngineTransports.Polling,
            "websocket" => EngineTransports.WebSocket,
            _ => EngineTransports.None,
        };
        if (transport == EngineTransports.None || !endpoint.Options.Transports.HasFlag(transport))
            return EngineError.UnknownTransport;
        if (string.IsNullOrEmpty(_query.Sid))
        {
            if (head.Method != "GET")
                return EngineError.BadHandshakeMethod;
            return _isUpgrade == (transport == EngineTransports.WebSocket) ? null : EngineError.BadRequest;
        }

        if (!endpoint.TryGet(_query.Sid, out session))
            return EngineError.UnknownSession;
        session.CheckPong();
        if (!endpoint.TryGet(_query.Sid, out session))
            return EngineError.UnknownSession;
        if (_isUpgrade ? transport != EngineTransports.WebSocket : _query.Transport != session.TransportName)
            return EngineError.BadRequest;
        return _query.Eio == "4" ? null : EngineError.BadRequest;
    }

    private async ValueTask<string?> AskApplicationAsync()
    {
        if (endpoint.Options.AllowRequest is not { } allow)
            return null;
        try
        {
            return await allow(Request).ConfigureAwait(false) ? null : EngineError.Forbidden.Message();
        }
        catch (ConnectionRefusedException e)
        {
            return e.Message;
        }
        catch (Exception e)
        {
            endpoint.HookFailed(e);
            return EngineError.Forbidden.Message();
        }
    }

    private WebSocketHandler? Open()
    {
        // The script of a JSONP client would run what other pages can read.
        if (_query.IsJsonp)
            return Refuse(EngineError.BadRequest, "JSONP is not supported");
        if (endpoint.CreateId(Request) is not { } id)
            return Refuse(EngineError.BadRequest);
        var session = new EngineSession(endpoint, id, Request.Handshake);
        if (_isUpgrade)
            return AcceptWebSocket(session, isUpgrade: false);

        if (!endpoint.TryAdd(session))
        {
            Begin(503).End("Too many sessions"u8, "text/plain; charset=UTF-8");
            return null;
        }

        endpoint.AddHeaders(Request, _headers, session);
        WritePayload(endpoint.WriteOpen(session), isCompressible: false);
        exchange.OnLost = () => session.Fail(DisconnectReason.TransportError);
        session.Open();
        return null;
    }

    private async ValueTask<WebSocketHandler?> ContinueAsync(EngineSession session)
    {
        if (_query.IsJsonp)
            return Refuse(EngineError.BadRequest, "JSONP is not supported");
        if (_isUpgrade)
        {
            return endpoint.Options.AllowUpgrades
                ? AcceptWebSocket(session, isUpgrade: true)
                : Refuse(EngineError.BadRequest);
        }

        switch (head.Method)
        {
            case "GET":
                await PollAsync(session).ConfigureAwait(false);
                break;
            case "POST":
                await PostAsync(session).ConfigureAwait(false);
                break;
            default:
                Begin(405).Header("Allow", "GET, POST, OPTIONS").End();
                break;
        }

        return null;
    }

    private EngineConnection? AcceptWebSocket(EngineSession session, bool isUpgrade)
    {
        if (!WebSocketUpgrade.TryRead(head, out var upgrade, out var error))
        {
            exchange.Fail(error);
            return null;
        }

        endpoint.AddHeaders(Request, _headers, isUpgrade ? null : session);
        exchange.Accept(upgrade, null, _headers.Items);
        return new EngineConnection(endpoint, session, isUpgrade, _query.IsBase64);
    }

    private async ValueTask PollAsync(EngineSession session)
    {
        if (session.BeginPoll() is not { } poll)
        {
            Refuse(EngineError.BadRequest);
            return;
        }

        // A client that goes while it waits, or does not get its answer, has lost messages: its session is over.
        exchange.OnLost = () => session.Fail(DisconnectReason.TransportError);
        if (!await connection.WaitAsync(poll).ConfigureAwait(false))
        {
            session.Fail(DisconnectReason.TransportError);
            return;
        }

        endpoint.AddHeaders(Request, _headers, null);
        var answer = await poll.ConfigureAwait(false);
        WritePayload(answer.Payload.Span, answer.IsCompressible);
    }

    private async ValueTask PostAsync(EngineSession session)
    {
        // Binary bodies belong to version 3.
        var isBinary = head.Headers.Get("Content-Type") == "application/octet-stream";
        if (isBinary)
            session.Fail(DisconnectReason.TransportError);
        var isRead = connection.HasReceivedBody(head);
        if (isBinary || session.BeginPost(isRead) is not { } turn)
        {
            Refuse(EngineError.BadRequest);
            return;
        }

        exchange.OnLost = () => session.Fail(DisconnectReason.TransportError);
        try
        {
            var body = await ReadBodyAsync(session, isRead).ConfigureAwait(false);
            await turn.Before.ConfigureAwait(false);
            if (body is { } payload)
                await ReceiveAsync(session, payload).ConfigureAwait(false);
        }
        finally
        {
            turn.End();
        }
    }

    private async ValueTask<Memory<byte>?> ReadBodyAsync(EngineSession session, bool isRead)
    {
        Memory<byte>? body;
        try
        {
            body = await connection.ReadBodyAsync(head, exchange, endpoint.BodyLimits).ConfigureAwait(false);
        }
        finally
        {
            if (!isRead)
                session.EndReading();
        }

        _hasReadBody = body is not null;
        // Nothing of one that is too large was taken in: the session can go on.
        if (exchange.Status == 413)
            exchange.OnLost = null;
        else if (body is null)
            session.Fail(DisconnectReason.TransportError);
        return body;
    }

    private async ValueTask ReceiveAsync(EngineSession session, Memory<byte> body)
    {
        var isWellFormed = await HandleAsync(session, body).ConfigureAwait(false);
        endpoint.AddHeaders(Request, _headers, null);
        if (connection.Limits is { WasExceeded: true })
            exchange.Refuse(head, 429);
        else if (isWellFormed)
            BeginPacket(200).End("ok"u8, "text/html");
        else
            WriteError(EngineError.BadRequest, EngineError.BadRequest.Message());
    }

    private async ValueTask<bool> HandleAsync(EngineSession session, Memory<byte> body)
    {
        try
        {
            return await session.ReceiveAsync(body, connection.Limits).ConfigureAwait(false);
        }
        catch (Exception e)
        {
            Log.SessionFailed(endpoint.Context.Logger, e, session.Handshake.Address);
            endpoint.Context.Metrics.Failed("handler");
            session.Fail(DisconnectReason.TransportError);
            return false;
        }
    }

    private WebSocketHandler? AnswerPreflight()
    {
        endpoint.Options.Cors?.WritePreflight(head, _headers);
        // RFC 9110 §8.6 forbids it with 204, yet the clients' own servers send it and some proxies wait for it.
        Begin(204).Header("Content-Length", 0).EndHead();
        return null;
    }

    private WebSocketHandler? Refuse(EngineError error, string? message = null)
    {
        message ??= error.Message();
        endpoint.Report(new EngineConnectionError(Request, error, message));
        if (_isUpgrade)
        {
            // Nothing but the status line is looked at by a client that has asked for a WebSocket.
            var status = message == "Origin not allowed" ? 403 : 400;
            exchange.BeginLast(status).End(System.Text.Encoding.UTF8.GetBytes(message), "text/html");
        }
        else
        {
            WriteError(error, message);
        }

        return null;
    }

    private void WriteError(EngineError error, string message)
    {
        var body = new ArrayBufferWriter<byte>();
        error.WriteJson(body, message);
        BeginPacket(error.Status()).End(body.WrittenSpan, "application/json", head.Method == "HEAD");
    }

    private void WritePayload(ReadOnlySpan<byte> payload, bool isCompressible)
    {
        var response = BeginPacket(200);
        if (!isCompressible
            || payload.Length < (endpoint.Options.CompressionThresholdBytes ?? int.MaxValue)
            || !TakesGzip())
        {
            response.End(payload, "text/plain; charset=UTF-8");
            return;
        }

        using var compressed = new MemoryStream();
        using (var gzip = new GZipStream(compressed, CompressionLevel.Fastest, leaveOpen: true))
            gzip.Write(payload);
        response.Header("Content-Encoding", "gzip").Header("Vary", "Accept-Encoding");
        response.End(compressed.GetBuffer().AsSpan(0, (int)compressed.Length), "text/plain; charset=UTF-8");
    }

    private ResponseWriter BeginPacket(int status) => Begin(status).Header("Cache-Control", "no-store");

    private ResponseWriter Begin(int status) => _headers.WriteTo(exchange.Begin(head, status, _hasReadBody));

    private bool TakesGzip() => ContentCoding.Accepts(head.Headers.Get("Accept-Encoding"), "gzip");
}
