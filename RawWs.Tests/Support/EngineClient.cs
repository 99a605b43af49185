using System.Net;
using System.Text;
using System.Text.Json;
using RawWs.Protocol.WebSockets;
using RawWs.Server.Engine;
using RawWs.Server.Sessions;

namespace RawWs.Tests.Support;

/// <summary>An answer over HTTP.</summary>
internal sealed record WireResponse(int Status, string Head, byte[] Bytes)
{
    public string Body => Encoding.UTF8.GetString(Bytes);

    /// <summary>The code of an Engine.IO error.</summary>
    public int Code => JsonDocument.Parse(Bytes).RootElement.GetProperty("code").GetInt32();

    /// <summary>The value of a header; null if it is absent.</summary>
    public string? Header(string name)
    {
        foreach (var line in Head.Split("\r\n"))
            if (line.StartsWith(name + ": ", StringComparison.OrdinalIgnoreCase))
                return line[(name.Length + 2)..];
        return null;
    }
}

/// <summary>A client of Engine.IO over polling that does only what a test tells it to.</summary>
internal sealed class EngineClient(IPEndPoint server, string path, string sid)
{
    public string Sid => sid;

    /// <summary>Opens a session over polling.</summary>
    public static async Task<EngineClient> OpenAsync(TestServer server, string path = "/engine.io/")
    {
        var opened = await GetAsync(server, $"{path}?EIO=4&transport=polling");
        Assert.That(opened.Status, Is.EqualTo(200), opened.Body);
        using var open = JsonDocument.Parse(opened.Bytes.AsMemory(1));
        return new EngineClient(server.EndPoint, path, open.RootElement.GetProperty("sid").GetString()!);
    }

    public static Task<WireResponse> GetAsync(TestServer server, string target, string headers = "") =>
        SendAsync(server.EndPoint, "GET", target, headers, "");

    /// <summary>Sends one request on a connection of its own.</summary>
    public static async Task<WireResponse> SendAsync(
        IPEndPoint server, string method, string target, string headers, string body)
    {
        using var client = await WireClient.ConnectAsync(server);
        await client.SendAsync(Request(method, target, headers, body));
        return await ReadAsync(client, method != "HEAD");
    }

    public static byte[] Request(string method, string target, string headers = "", string body = "")
    {
        var bytes = Encoding.UTF8.GetBytes(body);
        var length = body.Length > 0 || method == "POST" ? $"Content-Length: {bytes.Length}\r\n" : "";
        return
        [
            .. Encoding.UTF8.GetBytes($"{method} {target} HTTP/1.1\r\nHost: 127.0.0.1\r\n{length}{headers}\r\n"),
            .. bytes,
        ];
    }

    public static async Task<WireResponse> ReadAsync(WireClient client, bool hasBody = true)
    {
        var (head, body) = await client.ReadResponseAsync(hasBody);
        return new WireResponse(int.Parse(head.AsSpan(9, 3), System.Globalization.CultureInfo.InvariantCulture), head, body);
    }

    public string Target(string more = "") => $"{path}?EIO=4&transport=polling&sid={sid}{more}";

    public Task<WireResponse> PollAsync(string headers = "") => SendAsync(server, "GET", Target(), headers, "");

    public Task<WireResponse> PostAsync(string payload, string headers = "") =>
        SendAsync(server, "POST", Target(), headers, payload);

    /// <summary>Starts a poll and leaves it waiting.</summary>
    public async Task<WireClient> BeginPollAsync()
    {
        var client = await WireClient.ConnectAsync(server);
        await client.SendAsync(Request("GET", Target()));
        return client;
    }

    /// <summary>Opens a WebSocket for this session.</summary>
    public Task<WireClient> OpenWebSocketAsync(string more = "") =>
        WireClient.OpenAsync(server, $"{path}?EIO=4&transport=websocket&sid={sid}{more}");

    /// <summary>Opens a WebSocket for this session and moves to it.</summary>
    public async Task<WireClient> UpgradeAsync()
    {
        var socket = await OpenWebSocketAsync();
        await socket.SendFrameAsync(Opcode.Text, "2probe");
        Assert.That((await socket.ReadFrameAsync()).Text, Is.EqualTo("3probe"));
        await socket.SendFrameAsync(Opcode.Text, "5");
        return socket;
    }
}

/// <summary>An Engine.IO server that sends every message back and remembers how sessions ended.</summary>
internal sealed class EngineEcho : EngineHandler
{
    private readonly List<(string Id, string Reason)> _ends = [];

    /// <summary>Handles a message in the place of the echo.</summary>
    public Func<EngineSession, Opcode, ReadOnlyMemory<byte>, ValueTask>? Message { get; init; }

    public Action<EngineSession> Opened { get; init; } = _ => { };

    public EngineSession? Last { get; private set; }

    public override void OnOpen(EngineSession session)
    {
        Last = session;
        Opened(session);
    }

    public override ValueTask OnMessageAsync(EngineSession session, Opcode type, ReadOnlyMemory<byte> payload)
    {
        if (Message is not null)
            return Message(session, type, payload);
        session.Send(type, payload.Span);
        return default;
    }

    public override void OnClose(EngineSession session, DisconnectReason reason)
    {
        lock (_ends)
            _ends.Add((session.Id, reason.ToString()));
    }

    /// <summary>Waits until a session has ended for this reason, and expects that it ended once.</summary>
    public async Task ExpectEndAsync(string sid, string reason)
    {
        await Eventually.IsTrueAsync(() => ReasonsOf(sid).Length > 0, "the session did not end");
        Assert.That(ReasonsOf(sid), Is.EqualTo([reason]));
    }

    /// <summary>Whether the session has ended.</summary>
    public bool HasEnded(string sid) => ReasonsOf(sid).Length > 0;

    private string[] ReasonsOf(string sid)
    {
        lock (_ends)
            return [.. from end in _ends where end.Id == sid select end.Reason];
    }
}
