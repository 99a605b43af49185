using System.Collections.Concurrent;
using SocketIOClient;
using SocketIOClient.Transport;

namespace RawWs.Tests.EndToEnd;

/// <summary>The .NET client SocketIOClient against the conformance host.</summary>
[TestFixture(TransportProtocol.Polling, false)]
[TestFixture(TransportProtocol.WebSocket, false)]
[TestFixture(TransportProtocol.Polling, true)]
public sealed class DotNetSocketIoClientTests(TransportProtocol transport, bool upgrades)
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(15);

    private readonly ConcurrentBag<SocketIO> _clients = [];
    private HostProcess _host = null!;

    [OneTimeSetUp]
    public async Task Start_the_host() => _host = await HostProcess.StartAsync("conformance", "--port", "0");

    [OneTimeTearDown]
    public async Task Stop_the_host() => await _host.DisposeAsync();

    [TearDown]
    public async Task Disconnect()
    {
        while (_clients.TryTake(out var client))
        {
            await client.DisconnectAsync().WaitAsync(Patience);
            client.Dispose();
        }
    }

    [Test]
    public async Task Event_comes_back_with_every_argument()
    {
        var client = await ConnectAsync();
        var back = Next(client, "message-back");
        await client.EmitAsync("message", 1, "é日🎉", new { A = 1 });
        var response = await back;
        Assert.That(response.GetValue<int>(0), Is.EqualTo(1));
        Assert.That(response.GetValue<string>(1), Is.EqualTo("é日🎉"));
    }

    [Test]
    public async Task Ack_carries_every_value()
    {
        var client = await ConnectAsync();
        var response = await AskAsync(client, "message-with-ack", "one", 2);
        Assert.That((response.GetValue<string>(0), response.GetValue<int>(1)), Is.EqualTo(("one", 2)));
    }

    [Test]
    public async Task Bytes_go_both_ways()
    {
        var client = await ConnectAsync();
        var back = Next(client, "binary-back");
        var bytes = Guid.NewGuid().ToByteArray();
        await client.EmitAsync("binary-back", bytes);
        Assert.That((await back).GetValue<byte[]>(0), Is.EqualTo(bytes));
    }

    [Test]
    public async Task Question_of_the_server_is_answered()
    {
        var client = await ConnectAsync();
        client.On("question", async response => await response.CallbackAsync($"{response.GetValue<string>()}!"));
        Assert.That((await AskAsync(client, "ask-me", "why")).GetValue<string>(0), Is.EqualTo("why!"));
    }

    [Test]
    public async Task Room_is_heard()
    {
        var (one, other) = (await ConnectAsync(), await ConnectAsync());
        var room = Guid.NewGuid().ToString();
        await AskAsync(one, "join", room);
        var heard = Next(one, "news");
        await other.EmitAsync("to-room", room, "news", "hello");
        Assert.That((await heard).GetValue<string>(), Is.EqualTo("hello"));
    }

    [Test]
    public async Task Namespace_is_joined()
    {
        var client = Create("/dynamic-3");
        var hello = Next(client, "hello");
        await client.ConnectAsync().WaitAsync(Patience);
        Assert.That((await hello).GetValue<string>(), Is.EqualTo("/dynamic-3"));
    }

    private SocketIO Create(string ns = "/")
    {
        var client = new SocketIO(new Uri(_host.Address, ns), new SocketIOOptions
        {
            Transport = transport,
            AutoUpgrade = upgrades,
            Reconnection = false,
        });
        _clients.Add(client);
        return client;
    }

    private async Task<SocketIO> ConnectAsync()
    {
        var client = Create();
        var connected = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        client.OnConnected += (_, _) => connected.TrySetResult();
        await client.ConnectAsync().WaitAsync(Patience);
        await connected.Task.WaitAsync(Patience);
        return client;
    }

    private static Task<SocketIOResponse> Next(SocketIO client, string name)
    {
        var heard = new TaskCompletionSource<SocketIOResponse>(TaskCreationOptions.RunContinuationsAsynchronously);
        client.On(name, response => heard.TrySetResult(response));
        return heard.Task.WaitAsync(Patience);
    }

    private static async Task<SocketIOResponse> AskAsync(SocketIO client, string name, params object[] data)
    {
        var answered = new TaskCompletionSource<SocketIOResponse>(TaskCreationOptions.RunContinuationsAsynchronously);
        await client.EmitAsync(name, response => answered.TrySetResult(response), data).WaitAsync(Patience);
        return await answered.Task.WaitAsync(Patience);
    }
}
