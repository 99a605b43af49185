using System.Collections.Concurrent;
using RawWs.Protocol.WebSockets;
using RawWs.Server;
using RawWs.Server.Events;

namespace RawWs.Tests.Support;

/// <summary>A Socket.IO application that says on the wire what it was told, and remembers who left and why.</summary>
internal sealed class SocketIoApp
{
    private readonly ConcurrentQueue<string> _ends = new();

    /// <summary>The reasons of all disconnects so far, in order.</summary>
    public string[] Ends => [.. _ends];

    public void Register(RawWsServer server)
    {
        Register(server.Of("/"));
        Register(server.Of("/custom"));
    }

    /// <summary>Waits until clients have left, for these reasons.</summary>
    public async Task ExpectEndsAsync(params string[] reasons)
    {
        await Eventually.IsTrueAsync(() => _ends.Count >= reasons.Length, "nobody left");
        Assert.That(Ends, Is.EqualTo(reasons));
    }

    private void Register(EventNamespace space) => space.OnConnection(socket =>
    {
        socket.On("message", context => socket.Emit("message-back", context.Arguments));
        socket.On("ack", context => context.Ack(context.Arguments));
        socket.On("bye", () => socket.Disconnect());
        socket.On("bye all", () => socket.Disconnect(close: true));
        socket.On("boom", new Action(() => throw new InvalidOperationException("boom")));
        socket.On<byte[], int>("length", bytes => bytes.Length);
        socket.OnDisconnect(reason => _ends.Enqueue(reason.ToString()));
    });
}

/// <summary>A Socket.IO client over a WebSocket that sends any packets and shows what comes back.</summary>
internal static class SocketIoWire
{
    public const string Path = "/socket.io/?EIO=4&transport=websocket";

    /// <summary>Opens a session that has not joined a namespace.</summary>
    public static async Task<WireClient> OpenSessionAsync(this TestServer server)
    {
        var client = await server.OpenAsync(Path);
        Assert.That((await client.ReadFrameAsync()).Text, Does.StartWith("0{"));
        return client;
    }

    /// <summary>Opens a session and joins a namespace.</summary>
    public static async Task<WireClient> JoinAsync(this TestServer server, string ns = "/")
    {
        var client = await server.OpenSessionAsync();
        var name = ns == "/" ? "" : ns + ",";
        await client.SendFrameAsync(Opcode.Text, $"40{name}");
        Assert.That((await client.ReadFrameAsync()).Text, Does.StartWith($"40{name}{{\"sid\":\""));
        return client;
    }

    public static Task SendPacketAsync(this WireClient client, string packet) =>
        client.SendFrameAsync(Opcode.Text, packet);

    /// <summary>Several frames in one write: the server reads them together.</summary>
    public static Task SendPacketsAsync(this WireClient client, params string[] packets) =>
        client.SendAsync(packets.SelectMany(packet => WireClient.Frame(Opcode.Text, packet)).ToArray());

    public static async Task ExpectPacketAsync(this WireClient client, string packet) =>
        Assert.That((await client.ReadFrameAsync()).Text, Is.EqualTo(packet));

    /// <summary>The session lives and is in a namespace: what it asks is answered next.</summary>
    public static async Task ExpectAliveAsync(this WireClient client, string ns = "")
    {
        await client.SendPacketAsync($"42{ns}999[\"ack\",\"alive\"]");
        await client.ExpectPacketAsync($"43{ns}999[\"alive\"]");
    }

    /// <summary>The server closes the connection.</summary>
    public static async Task ExpectClosedAsync(this WireClient client)
    {
        var frame = await client.ReadFrameAsync();
        Assert.That(frame.Opcode, Is.EqualTo(Opcode.Close), $"got '{frame.Text}'");
    }
}
