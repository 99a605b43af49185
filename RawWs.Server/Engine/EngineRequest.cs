using RawWs.Protocol.Http;
using RawWs.Server.Sessions;
using RawWs.Server.Transport;

namespace RawWs.Server.Engine;

/// <summary>One HTTP request to an Engine.IO server, as hooks see it. All of it comes from the client: trust none of it.</summary>
public sealed class EngineRequest
{
    private readonly RequestHead _head;
    private readonly HttpConnection _connection;
    private readonly TimeProvider _time;

    internal EngineRequest(RequestHead head, string? sessionId, HttpConnection connection, TimeProvider time)
    {
        _head = head;
        _connection = connection;
        _time = time;
        SessionId = sessionId;
    }

    /// <summary>The method, such as <c>GET</c>.</summary>
    public string Method => _head.Method;

    /// <summary>The session that the request names; null for the first of a session.</summary>
    public string? SessionId { get; }

    /// <summary>Headers, query, address and the rest.</summary>
    public Handshake Handshake =>
        field ??= Handshake.From(_head, _connection.RemoteEndPoint, _connection.IsSecure, _time);
}
