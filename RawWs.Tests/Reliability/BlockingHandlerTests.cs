using RawWs.Protocol.WebSockets;
using RawWs.Tests.Support;

namespace RawWs.Tests.Reliability;

/// <summary>Handlers that block the thread they run on: they cost their own connection, and no other.</summary>
[Platform("Linux")]
public class BlockingHandlerTests
{
    private readonly ManualResetEventSlim _go = new();
    private int _blocked;

    [OneTimeTearDown]
    public void Dispose() => _go.Dispose();

    [SetUp]
    public void Block()
    {
        _go.Reset();
        _blocked = 0;
    }

    [TestCase(1)]
    [TestCase(2)]
    public async Task Two_hundred_handlers_that_block_hold_up_no_other_connection_and_no_accept(int loops)
    {
        await using var server = await StartAsync(loops, maxBlocked: 256);
        using var before = await server.OpenAsync();
        var blocked = await BlockAsync(server, 200);
        await Eventually.IsTrueAsync(() => Volatile.Read(ref _blocked) == 200);

        await EchoAsync(before);
        for (var i = 0; i < 8; i++)
        {
            using var late = await server.OpenAsync();
            await EchoAsync(late);
        }

        _go.Set();
        foreach (var client in blocked)
        {
            Assert.That((await client.ReadFrameAsync()).Text, Is.EqualTo("done"));
            await EchoAsync(client);
            client.Dispose();
        }
    }

    [Test]
    public async Task With_as_many_blocked_as_may_be_the_rest_wait_for_one_to_return_and_nothing_is_lost()
    {
        await using var server = await StartAsync(loops: 1, maxBlocked: 2);
        var clients = await BlockAsync(server, 5);
        await Eventually.IsTrueAsync(() => Volatile.Read(ref _blocked) == 3);
        var waiting = Task.WhenAll(clients.Select(EchoTwiceAsync));
        Assert.That(Volatile.Read(ref _blocked), Is.EqualTo(3));
        _go.Set();
        await waiting;
        clients.ForEach(client => client.Dispose());
    }

    [Test]
    public async Task Loop_runs_on_the_same_server_after_blocking_over_and_over()
    {
        await using var server = await StartAsync(loops: 1, maxBlocked: 4);
        using var other = await server.OpenAsync();
        for (var i = 1; i <= 20; i++)
        {
            _go.Reset();
            var blocked = await BlockAsync(server, 1);
            await Eventually.IsTrueAsync(() => Volatile.Read(ref _blocked) == i);
            await EchoAsync(other);
            _go.Set();
            Assert.That((await blocked[0].ReadFrameAsync()).Text, Is.EqualTo("done"));
            blocked[0].Dispose();
        }
    }

    [Test, NonParallelizable]
    public async Task Handlers_that_work_are_not_given_more_threads_than_help()
    {
        var working = 0;
        var most = 0;
        await using var server = await TestServer.StartAsync(
            options => options.EventLoops = 1,
            s => s.MapWebSocket("/work", new CallbackHandler
            {
                Message = (connection, type, _) =>
                {
                    most = Math.Max(most, Interlocked.Increment(ref working));
                    var start = TimeProvider.System.GetTimestamp();
                    while (TimeProvider.System.GetElapsedTime(start) < TimeSpan.FromMilliseconds(100))
                        Thread.SpinWait(100);
                    Interlocked.Decrement(ref working);
                    connection.Send(type, "done"u8);
                    return default;
                },
            }));
        var clients = new List<WireClient>();
        for (var i = 0; i < 16; i++)
            clients.Add(await server.OpenAsync("/work"));
        foreach (var client in clients)
            await client.SendFrameAsync(Opcode.Text, "work");
        foreach (var client in clients)
        {
            Assert.That((await client.ReadFrameAsync()).Text, Is.EqualTo("done"));
            client.Dispose();
        }

        // Two; taken for blocked, it would be nine or ten. A thread that a collection has stopped looks as if it waited.
        Assert.That(most, Is.LessThan(8));
    }

    private async Task<TestServer> StartAsync(int loops, int maxBlocked) => await TestServer.StartAsync(
        options => (options.EventLoops, options.MaxBlockedThreads) = (loops, maxBlocked),
        server => server.MapWebSocket("/block", new CallbackHandler
        {
            Message = (connection, type, payload) =>
            {
                if (payload.Span.SequenceEqual("block"u8))
                {
                    Interlocked.Increment(ref _blocked);
                    Assert.That(_go.Wait(3 * WireClient.Patience), Is.True);
                    connection.Send(type, "done"u8);
                }
                else
                {
                    connection.Send(type, payload.Span);
                }

                return default;
            },
        }));

    private static async Task<List<WireClient>> BlockAsync(TestServer server, int count)
    {
        var clients = new List<WireClient>();
        for (var i = 0; i < count; i++)
            clients.Add(await server.OpenAsync("/block"));
        foreach (var client in clients)
            await client.SendFrameAsync(Opcode.Text, "block");

        return clients;
    }

    private static async Task EchoTwiceAsync(WireClient client)
    {
        await client.SendFrameAsync(Opcode.Text, "behind");
        Assert.That((await client.ReadFrameAsync()).Text, Is.EqualTo("done"));
        Assert.That((await client.ReadFrameAsync()).Text, Is.EqualTo("behind"));
    }

    private static async Task EchoAsync(WireClient client)
    {
        await client.SendFrameAsync(Opcode.Text, "echo");
        Assert.That((await client.ReadFrameAsync()).Text, Is.EqualTo("echo"));
    }
}
