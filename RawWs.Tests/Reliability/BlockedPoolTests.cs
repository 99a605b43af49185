using System.Diagnostics;
using System.Net.Sockets;
using System.Text;
using RawWs.Protocol.WebSockets;
using RawWs.Tests.Support;

namespace RawWs.Tests.Reliability;

/// <summary>Handlers that block the threads of the pool, on which everything in this process waits but the server.</summary>
[NonParallelizable]
[Platform("Linux")]
public class BlockedPoolTests
{
    private const int Handlers = 200;

    private const int Pings = 3;

    // A peer that answers is pinged again when the time for its answer is over.
    private static readonly TimeSpan _period = TimeSpan.FromSeconds(4);

    // A blocked pool gets about two threads more in a second: whoever waits for one behind 200 others is far behind this.
    private static readonly TimeSpan _bound = TimeSpan.FromSeconds(2);

    [Test]
    public async Task Two_hundred_handlers_that_block_threads_of_the_pool_delay_neither_accepts_nor_pings()
    {
        var blocked = 0;
        using var go = new ManualResetEventSlim();
        var handler = new CallbackHandler
        {
            Message = async (_, _, _) =>
            {
                await Task.Yield();
                Interlocked.Increment(ref blocked);
                Assert.That(go.Wait(WireClient.Patience * 3), Is.True);
            },
        };
        await using var server = await TestServer.StartAsync(
            options => (options.EventLoops, options.PingInterval, options.PingTimeout) = (2, TimeSpan.FromSeconds(1), _period),
            s => s.MapWebSocket("/block", handler));
        var clients = new List<WireClient>();
        for (var i = 0; i < Handlers; i++)
            clients.Add(await server.OpenAsync("/block"));

        // From here on without the pool: this test has a thread of its own.
        var (accepted, late) = await Task.Factory.StartNew(
            () =>
            {
                foreach (var client in clients)
                    client.Socket.Send(WireClient.Frame(Opcode.Text, "block"));
                Assert.That(
                    SpinWait.SpinUntil(() => Volatile.Read(ref blocked) >= ThreadPool.ThreadCount - 1, WireClient.Patience), Is.True);
                try
                {
                    // Opened only now: how long the pool takes to be blocked must not count as a ping unanswered.
                    using var silent = new Socket(SocketType.Stream, ProtocolType.Tcp) { ReceiveTimeout = 60_000 };
                    var opened = Time(() => Open(silent, server));
                    AnswerPing(silent);
                    return (opened, Enumerable.Range(0, Pings).Max(_ => Time(() => AnswerPing(silent))) - _period);
                }
                finally
                {
                    go.Set();
                }
            },
            CancellationToken.None,
            TaskCreationOptions.LongRunning,
            TaskScheduler.Default);

        clients.ForEach(client => client.Dispose());
        await TestContext.Out.WriteLineAsync(
            $"accepted after {accepted.TotalMilliseconds:F0} ms, pings late by {late.TotalMilliseconds:F0} ms at most");
        Assert.That(accepted, Is.LessThan(_bound));
        Assert.That(late, Is.LessThan(_bound));
    }

    private static TimeSpan Time(Action action)
    {
        var start = Stopwatch.GetTimestamp();
        action();
        return Stopwatch.GetElapsedTime(start);
    }

    private static void Open(Socket socket, TestServer server)
    {
        socket.Connect(server.EndPoint);
        socket.Send(Encoding.ASCII.GetBytes(WireClient.Handshake("/echo")));
        var head = new byte[1024];
        Assert.That(Encoding.ASCII.GetString(head, 0, socket.Receive(head)), Does.StartWith("HTTP/1.1 101 "));
    }

    private static void AnswerPing(Socket socket)
    {
        var frame = new byte[2];
        Assert.That(socket.Receive(frame), Is.EqualTo(2));
        Assert.That(frame[0], Is.EqualTo(0x89));
        socket.Send(WireClient.Frame(Opcode.Pong, ""));
    }
}
