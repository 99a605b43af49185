using System.Net.WebSockets;
using System.Text;
using RawWs.Protocol.WebSockets;
using RawWs.Tests.Support;
using Websocket.Client;

namespace RawWs.Tests.EndToEnd;

/// <summary>Clients that others wrote: the framework's, and the package Websocket.Client on top of it.</summary>
public class DotNetClientTests
{
    [Test]
    public async Task Framework_client_negotiates_echoes_and_closes()
    {
        await using var server = await TestServer.StartAsync();
        using var client = new ClientWebSocket();
        client.Options.AddSubProtocol("superchat");
        client.Options.DangerousDeflateOptions = new WebSocketDeflateOptions();
        await client.ConnectAsync(server.Uri("/echo"), Patience());
        Assert.That(client.SubProtocol, Is.EqualTo("superchat"));

        var big = new byte[1024 * 1024];
        new Random(1).NextBytes(big);
        await client.SendAsync(big.AsMemory(0, 300_000), WebSocketMessageType.Binary, endOfMessage: false, Patience());
        var sending = client.SendAsync(big.AsMemory(300_000), WebSocketMessageType.Binary, endOfMessage: true, Patience());
        Assert.That((await ReceiveAsync(client)).AsSpan().SequenceEqual(big), Is.True);
        await sending;
        await client.SendAsync("grüße"u8.ToArray(), WebSocketMessageType.Text, true, Patience());
        Assert.That(Encoding.UTF8.GetString(await ReceiveAsync(client)), Is.EqualTo("grüße"));

        await client.CloseAsync((WebSocketCloseStatus)4005, "done", Patience());
        Assert.That(client.CloseStatus, Is.EqualTo((WebSocketCloseStatus)4005));
        Assert.That(client.State, Is.EqualTo(WebSocketState.Closed));
    }

    [Test]
    public async Task Framework_client_is_closed_by_the_server_with_code_and_reason()
    {
        var handler = new CallbackHandler { Open = (connection, _) => connection.Close((CloseCode)4001, "go away") };
        await using var server = await TestServer.StartAsync(map: s => s.MapWebSocket("/go", handler));
        using var client = new ClientWebSocket();
        await client.ConnectAsync(server.Uri("/go"), Patience());
        var result = await client.ReceiveAsync(new byte[16].AsMemory(), Patience());
        Assert.That(result.MessageType, Is.EqualTo(WebSocketMessageType.Close));
        Assert.That((client.CloseStatus, client.CloseStatusDescription), Is.EqualTo(((WebSocketCloseStatus?)4001, "go away")));
        await client.CloseAsync(WebSocketCloseStatus.NormalClosure, null, Patience());
    }

    [Test]
    public async Task Package_client_sends_receives_and_reconnects()
    {
        await using var server = await TestServer.StartAsync(map: s =>
            s.OnConnection(socket =>
            {
                socket.On<string>("say", text => socket.Emit("said", text));
                socket.On("kick", () => socket.Disconnect());
            }));
        var received = System.Threading.Channels.Channel.CreateBounded<string>(100);
        var reconnected = new TaskCompletionSource();
        using var client = new WebsocketClient(server.Uri("/ws"))
        {
            ReconnectTimeout = null,
            ErrorReconnectTimeout = TimeSpan.FromMilliseconds(10),
            LostReconnectTimeout = TimeSpan.FromMilliseconds(10),
        };
        client.MessageReceived.Subscribe(message => received.Writer.TryWrite(message.Text!));
        client.ReconnectionHappened.Subscribe(info =>
        {
            if (info.Type != ReconnectionType.Initial)
                reconnected.TrySetResult();
        });
        await client.StartOrFail();

        client.Send("""{"event":"say","data":"hi"}""");
        Assert.That(await received.Reader.ReadAsync(Patience()), Does.StartWith("""{"event":"connect","""));
        Assert.That(await received.Reader.ReadAsync(Patience()), Is.EqualTo("""{"event":"said","data":"hi"}"""));
        client.Send("""{"event":"kick"}""");
        Assert.That(await received.Reader.ReadAsync(Patience()), Does.StartWith("""{"event":"disconnect","""));
        await reconnected.Task.WaitAsync(WireClient.Patience);
        client.Send("""{"event":"say","data":"again"}""");
        Assert.That(await received.Reader.ReadAsync(Patience()), Does.StartWith("""{"event":"connect","""));
        Assert.That(await received.Reader.ReadAsync(Patience()), Is.EqualTo("""{"event":"said","data":"again"}"""));
        await client.Stop(WebSocketCloseStatus.NormalClosure, "done");
    }

    private static async Task<byte[]> ReceiveAsync(ClientWebSocket client)
    {
        using var message = new MemoryStream();
        var buffer = new byte[64 * 1024];
        while (true)
        {
            var result = await client.ReceiveAsync(buffer.AsMemory(), Patience());
            message.Write(buffer, 0, result.Count);
            if (result.EndOfMessage)
                return message.ToArray();
        }
    }

    private static CancellationToken Patience() => new CancellationTokenSource(WireClient.Patience).Token;
}
