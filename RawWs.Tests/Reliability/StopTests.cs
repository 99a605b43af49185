using System.Net.Sockets;
using System.Text;
using RawWs.Protocol.WebSockets;
using RawWs.Server;
using RawWs.Tests.Support;

namespace RawWs.Tests.Reliability;

/// <summary>A server that starts and stops, at any moment.</summary>
public class StopTests
{
    [Test]
    public async Task Stop_twice_at_once_and_once_more_later_is_one_stop()
    {
        await using var server = await TestServer.StartAsync();
        var first = server.Server.StopAsync();
        var second = server.Server.StopAsync();
        await Task.WhenAll(first, second).WaitAsync(WireClient.Patience);
        await server.Server.StopAsync().WaitAsync(WireClient.Patience);
        await server.Server.DisposeAsync();
        await server.Server.DisposeAsync();
        Assert.That(server.ProblemsLogged, Is.Empty);
    }

    [Test]
    public async Task Stop_of_a_server_that_never_started_is_nothing()
    {
        await using var server = new RawWsServer(new ServerOptions { Port = 0 });
        await server.StopAsync().WaitAsync(WireClient.Patience);
    }

    // Either the start is refused, or there is something left to stop it with.
    [Test]
    public async Task Stop_before_the_start_does_not_make_a_server_that_cannot_be_stopped()
    {
        await using var server = new RawWsServer(new ServerOptions { Port = 0 });
        await server.StopAsync();
        try
        {
            await server.StartAsync();
        }
        catch (InvalidOperationException)
        {
            return;
        }

        await server.StopAsync().WaitAsync(WireClient.Patience);
        using var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
        Assert.That(
            async () => await socket.ConnectAsync(server.LocalEndPoint!), Throws.InstanceOf<SocketException>());
    }

    [Test]
    public async Task Second_start_is_refused()
    {
        await using var server = await TestServer.StartAsync();
        Assert.That(async () => await server.Server.StartAsync(), Throws.InvalidOperationException);
    }

    [Test]
    public async Task Port_in_use_is_a_clear_error_and_the_server_can_be_disposed_of()
    {
        await using var server = await TestServer.StartAsync();
        await using var second = new RawWsServer(new ServerOptions { Port = server.EndPoint.Port });
        Assert.That(
            async () => await second.StartAsync(),
            Throws.InstanceOf<SocketException>()
                .With.Property(nameof(SocketException.SocketErrorCode)).EqualTo(SocketError.AddressAlreadyInUse));
    }

    [Test]
    public async Task Stop_while_clients_come_and_go_ends_them_all_without_a_problem([Range(1, 10)] int round)
    {
        await using var server = await TestServer.StartAsync();
        var stopped = false;
        var clients = Enumerable.Range(0, 16).Select(_ => Task.Run(ComeAndGoAsync)).ToArray();
        await Eventually.IsTrueAsync(() => server.Server.ConnectionCount >= Math.Min(round, 4), "clients have come");
        await server.Server.StopAsync().WaitAsync(WireClient.Patience);
        Volatile.Write(ref stopped, true);
        await Task.WhenAll(clients);
        Assert.That(server.Server.ConnectionCount, Is.Zero);
        Assert.That(server.ProblemsLogged, Is.Empty);

        async Task ComeAndGoAsync()
        {
            byte[] conversation = [
                .. Encoding.ASCII.GetBytes(WireClient.Handshake("/echo")),
                .. WireClient.Frame(Opcode.Text, "Hello"),
                .. WireClient.CloseFrame(1000)];
            while (!Volatile.Read(ref stopped))
            {
                try
                {
                    using var client = await WireClient.ConnectAsync(server.EndPoint);
                    await client.TrySendAsync(conversation);
                    await client.ReadUntilOverAsync();
                }
                catch (SocketException)
                {
                    // Nobody listens any more.
                }
            }
        }
    }

    [Test]
    public async Task Peer_that_does_not_answer_the_stop_is_aborted_when_the_token_says_so()
    {
        await using var server = await TestServer.StartAsync();
        using var client = await server.OpenAsync();
        using var patience = new CancellationTokenSource();
        var stopping = server.Server.StopAsync(patience.Token);
        Assert.That((await client.ReadFrameAsync()).CloseCode, Is.EqualTo(CloseCode.GoingAway));
        Assert.That(stopping.IsCompleted, Is.False);
        await patience.CancelAsync();
        await stopping.WaitAsync(WireClient.Patience);
        await Eventually.IsTrueAsync(() => server.Server.ConnectionCount == 0, "the connection is gone");
    }

    [Test]
    public async Task Stop_ends_connections_that_have_asked_for_nothing_yet()
    {
        await using var server = await TestServer.StartAsync();
        using var silent = await WireClient.ConnectAsync(server.EndPoint);
        using var half = await WireClient.ConnectAsync(server.EndPoint);
        await half.SendTextAsync("GET /ec");
        await Eventually.IsTrueAsync(() => server.Server.ConnectionCount == 2, "both are accepted");
        await server.Server.StopAsync().WaitAsync(WireClient.Patience);
        await silent.ExpectEndAsync();
        await half.ReadUntilOverAsync();
    }

    // Whoever waits for the stop inside of what the stop waits for gets it when the time for the peers is over.
    [Test]
    public async Task Dispose_from_inside_a_callback_ends([Values("open", "message", "close")] string callback)
    {
        var disposed = new TaskCompletionSource();
        TestServer? server = null;
        var handler = new CallbackHandler
        {
            Open = (_, _) => DisposeIf("open"),
            Message = (_, _, _) =>
            {
                DisposeIf("message");
                return default;
            },
            Close = (_, _) => DisposeIf("close"),
        };
        server = await TestServer.StartAsync(
            options => options.CloseTimeout = options.LingerTimeout = TimeSpan.FromMilliseconds(100),
            s => s.MapWebSocket("/all", handler));
        await using (server)
        {
            using var client = await WireClient.ConnectAsync(server.EndPoint);
            await client.SendAsync((byte[])[
                .. Encoding.ASCII.GetBytes(WireClient.Handshake("/all")),
                .. WireClient.Frame(Opcode.Text, "go"), .. WireClient.CloseFrame(1000)]);
            await client.ReadUntilOverAsync();
            await disposed.Task.WaitAsync(WireClient.Patience);
            await Eventually.IsTrueAsync(() => server.Server.ConnectionCount == 0, "the connection is gone");
        }

        void DisposeIf(string here)
        {
            if (here != callback)
                return;
            Assert.That(server!.Server.DisposeAsync().AsTask().Wait(WireClient.Patience), Is.True);
            disposed.SetResult();
        }
    }
}
