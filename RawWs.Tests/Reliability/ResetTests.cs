using System.Text;
using Microsoft.Extensions.Time.Testing;
using RawWs.Protocol.WebSockets;
using RawWs.Server.Sessions;
using RawWs.Server.Transport;
using RawWs.Tests.Support;

namespace RawWs.Tests.Reliability;

/// <summary>Peers that vanish, drip or crowd: nothing is left of them and nobody else notices.</summary>
[NonParallelizable]
public class ResetTests
{
    private static readonly ParallelOptions _parallel = new() { MaxDegreeOfParallelism = 32 };

    private static readonly byte[] _conversation = [
        .. Encoding.ASCII.GetBytes(WireClient.Handshake("/echo")),
        .. WireClient.Frame(Opcode.Text, "Hello", fin: false),
        .. WireClient.Frame(Opcode.Ping, "ping"),
        .. WireClient.Frame(Opcode.Continuation, new byte[200]),
        .. WireClient.CloseFrame(1000, "bye")];

    [Test]
    public async Task Reset_at_every_byte_leaves_nothing_behind([Values] bool readsFirst)
    {
        const int Connections = 5_000;
        // Nobody waits for the server, which therefore may have all of them at once.
        await using var server = await TestServer.StartAsync(options => options.MaxHandshakes = Connections);
        await Parallel.ForEachAsync(Enumerable.Range(0, Connections), _parallel, async (i, _) =>
        {
            var client = await WireClient.ConnectAsync(server.EndPoint);
            var cut = i % (_conversation.Length + 1);
            await client.SendAsync(_conversation.AsMemory(0, cut));
            if (readsFirst && cut > WireClient.Handshake("/echo").Length)
                await client.ReadHeadAsync();
            client.Reset();
        });

        await Eventually.IsTrueAsync(() => server.Server.ConnectionCount == 0, "every connection has ended");
        Assert.That(server.ProblemsLogged, Is.Empty);
        await Probe.ExpectServiceAsync(server);
    }

    // The flush that meets the reset is that of the batch in which the handler began to wait.
    [Test]
    public async Task Handler_that_waits_is_told_of_a_reset_that_only_the_answer_to_the_message_before_it_meets()
    {
        var handler = new WaitingHandler();
        // The ping is for systems that take a moment to tell of a reset.
        await using var server = await TestServer.StartAsync(
            options => options.PingInterval = TimeSpan.FromSeconds(1), s => s.MapWebSocket("/wait", handler));
        var client = await server.OpenAsync("/wait");
        handler.OnWait = client.Reset;
        await client.SendAsync((byte[])[.. WireClient.Frame(Opcode.Ping, "ping"), .. WireClient.Frame(Opcode.Text, "wait")]);
        await handler.Aborted.Task.WaitAsync(WireClient.Patience);
        await Eventually.IsTrueAsync(() => server.Server.ConnectionCount == 0, "the connection has ended");
    }

    // A half-close instead of a reset: what was asked for before it is still answered.
    [Test]
    public async Task Half_close_at_every_byte_leaves_nothing_behind()
    {
        await using var server = await TestServer.StartAsync();
        await Parallel.ForEachAsync(Enumerable.Range(0, _conversation.Length + 1), _parallel, async (cut, _) =>
        {
            using var client = await WireClient.ConnectAsync(server.EndPoint);
            await client.SendAsync(_conversation.AsMemory(0, cut));
            client.Socket.Shutdown(System.Net.Sockets.SocketShutdown.Send);
            var answer = Encoding.Latin1.GetString(await client.ReadToEndAsync());
            Assert.That(answer.Contains("ping", StringComparison.Ordinal), Is.EqualTo(IsPingWhole(cut)));
        });

        await Eventually.IsTrueAsync(() => server.Server.ConnectionCount == 0, "every connection has ended");
        Assert.That(server.ProblemsLogged, Is.Empty);
    }

    [Test]
    public async Task Five_hundred_dripping_handshakes_hold_up_nobody_and_end_in_time()
    {
        const int Count = 500;
        var clock = new FakeTimeProvider();
        await using var server = await TestServer.StartAsync(timeProvider: clock);
        var clients = new List<WireClient>();
        try
        {
            for (var i = 0; i < Count; i++)
            {
                clients.Add(await WireClient.ConnectAsync(server.EndPoint));
                await clients[i].SendTextAsync("G");
            }

            await Eventually.IsTrueAsync(() => server.Server.ConnectionCount == Count, "all are accepted");
            foreach (var letter in "ET /ec"u8.ToArray())
            {
                clock.Run(TimeSpan.FromSeconds(1));
                foreach (var client in clients)
                    await client.SendAsync(new[] { letter });
            }

            await Probe.ExpectServiceAsync(server);
            clock.Run(TimeSpan.FromSeconds(5));
            foreach (var client in clients)
                Assert.That(
                    Encoding.ASCII.GetString(await client.ReadToEndAsync()), Is.Empty.Or.StartsWith("HTTP/1.1 408 "));
        }
        finally
        {
            clients.ForEach(client => client.Dispose());
        }

        await Eventually.IsTrueAsync(() => server.Server.ConnectionCount == 0, "every connection has ended");
        Assert.That(server.ProblemsLogged, Is.Empty);
    }

    [Test]
    public async Task Connection_over_the_limit_waits_and_is_then_served()
    {
        await using var server = await TestServer.StartAsync(options => options.MaxConnections = 2);
        using var first = await server.OpenAsync();
        using var second = await server.OpenAsync();
        using var third = await WireClient.ConnectAsync(server.EndPoint);
        await third.SendTextAsync(WireClient.Handshake("/echo"));
        for (var i = 0; i < 100; i++)
        {
            await second.SendFrameAsync(Opcode.Text, "still served");
            await second.ReadFrameAsync();
        }

        Assert.That(server.Server.ConnectionCount, Is.EqualTo(2));
        Assert.That(third.Socket.Available, Is.Zero);
        await first.SendAsync(WireClient.CloseFrame(1000));
        await first.ExpectCloseAsync(CloseCode.NormalClosure);
        first.Dispose();
        Assert.That(await third.ReadHeadAsync(), Does.StartWith("HTTP/1.1 101 "));
        await Eventually.IsTrueAsync(() => server.Server.ConnectionCount == 2, "never more than the limit");
    }

    private static bool IsPingWhole(int cut) =>
        cut >= _conversation.AsSpan().IndexOf(WireClient.Frame(Opcode.Ping, "ping")) + 10;

    /// <summary>Holds back every message until it is told that its client has gone.</summary>
    private sealed class WaitingHandler : WebSocketHandler
    {
        public TaskCompletionSource Aborted { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Action OnWait { get; set; } = () => { };

        public override ValueTask OnMessageAsync(WebSocketConnection connection, Opcode type, ReadOnlyMemory<byte> payload)
        {
            OnWait();
            return new ValueTask(Aborted.Task);
        }

        internal override void OnAborted(WebSocketConnection connection, DisconnectReason cause) => Aborted.TrySetResult();
    }
}
