using System.Buffers.Binary;
using RawWs.Protocol.WebSockets;
using RawWs.Server.Transport;
using RawWs.Tests.Support;

namespace RawWs.Tests.Reliability;

/// <summary>Peers that do not read: memory stays bounded, nothing accepted is lost, and others are served.</summary>
[NonParallelizable]
public class BackpressureTests
{
    private const int MiB = 1024 * 1024;

    [Test]
    public async Task Peer_that_does_not_read_its_echoes_is_not_read_and_loses_nothing()
    {
        const int MessageBytes = 64 * 1024;
        const int Messages = 200 * MiB / MessageBytes;
        var opened = new TaskCompletionSource<WebSocketConnection>(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var server = await TestServer.StartAsync(map: s => s.MapWebSocket("/stalled", Echo(opened)));
        using var client = await OpenSlowReaderAsync(server, "/stalled");
        var connection = await opened.Task;
        var memory = GC.GetTotalMemory(forceFullCollection: true);

        var offering = OfferAsync();
        await Eventually.IsTrueAsync(() => connection.PendingBytes > 64 * 1024, "the peer's buffers are full");
        await Probe.ExpectServiceAsync(server);
        Assert.That(offering.IsCompleted, Is.False);
        Assert.That(connection.PendingBytes, Is.LessThan(MiB));
        Assert.That(GC.GetTotalMemory(forceFullCollection: true) - memory, Is.LessThan(32 * MiB));

        for (var i = 0; i < Messages; i++)
        {
            var echo = await client.ReadFrameAsync();
            Assert.That(echo.Payload, Has.Length.EqualTo(MessageBytes));
            Assert.That(BinaryPrimitives.ReadInt32LittleEndian(echo.Payload), Is.EqualTo(i));
        }

        await offering;

        async Task OfferAsync()
        {
            var payload = new byte[MessageBytes];
            for (var i = 0; i < Messages; i++)
            {
                BinaryPrimitives.WriteInt32LittleEndian(payload, i);
                await client.SendAsync(WireClient.Frame(Opcode.Binary, payload));
            }
        }
    }

    [Test]
    public async Task Flood_of_pings_from_a_peer_that_does_not_read_is_bounded_and_answered_in_order()
    {
        const int Pings = 250_000;
        var opened = new TaskCompletionSource<WebSocketConnection>(TaskCreationOptions.RunContinuationsAsynchronously);
        await using var server = await TestServer.StartAsync(map: s => s.MapWebSocket("/stalled", Echo(opened)));
        using var client = await OpenSlowReaderAsync(server, "/stalled");
        var connection = await opened.Task;

        var flooding = FloodAsync();
        await Eventually.IsTrueAsync(() => connection.PendingBytes > 64 * 1024, "the peer's buffers are full");
        await Probe.ExpectServiceAsync(server);
        Assert.That(flooding.IsCompleted, Is.False);
        Assert.That(connection.PendingBytes, Is.LessThan(128 * 1024));

        for (var i = 0; i < Pings; i++)
        {
            var pong = await client.ReadFrameAsync();
            Assert.That(pong.Opcode, Is.EqualTo(Opcode.Pong));
            Assert.That(BinaryPrimitives.ReadInt32LittleEndian(pong.Payload), Is.EqualTo(i));
        }

        await flooding;

        async Task FloodAsync()
        {
            var payload = new byte[125];
            for (var sent = 0; sent < Pings;)
            {
                var pings = new MemoryStream();
                for (var end = sent + 1000; sent < end; sent++)
                {
                    BinaryPrimitives.WriteInt32LittleEndian(payload, sent);
                    pings.Write(WireClient.Frame(Opcode.Ping, payload));
                }

                await client.SendAsync(pings.ToArray());
            }
        }
    }

    [Test]
    public async Task Send_answers_backpressure_then_dropped_and_drained_comes_when_the_peer_reads()
    {
        var opened = new TaskCompletionSource<WebSocketConnection>(TaskCreationOptions.RunContinuationsAsynchronously);
        var drained = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var handler = new CallbackHandler
        {
            Open = (connection, _) => opened.SetResult(connection),
            Drained = _ => drained.TrySetResult(),
        };
        await using var server = await TestServer.StartAsync(map: s => s.MapWebSocket("/push", handler));
        using var client = await OpenSlowReaderAsync(server, "/push");
        var connection = await opened.Task;

        var payload = new byte[16 * 1024];
        var accepted = 0;
        var results = new HashSet<SendResult>();
        while (true)
        {
            BinaryPrimitives.WriteInt32LittleEndian(payload, accepted);
            var result = connection.Send(Opcode.Binary, payload);
            results.Add(result);
            Assert.That(connection.PendingBytes, Is.LessThanOrEqualTo(4 * MiB));
            if (result == SendResult.Dropped)
                break;
            accepted++;
        }

        Assert.That(results, Is.EquivalentTo(Enum.GetValues<SendResult>()));
        Assert.That(drained.Task.IsCompleted, Is.False);
        for (var i = 0; i < accepted; i++)
            Assert.That(
                BinaryPrimitives.ReadInt32LittleEndian((await client.ReadFrameAsync()).Payload), Is.EqualTo(i));
        await drained.Task.WaitAsync(WireClient.Patience);
        Assert.That(connection.Send(Opcode.Text, "again"u8), Is.EqualTo(SendResult.Sent));
        Assert.That((await client.ReadFrameAsync()).Text, Is.EqualTo("again"));
    }

    [Test]
    public async Task Five_hundred_peers_that_do_not_read_do_not_hold_up_a_broadcast()
    {
        const int Peers = 500;
        var connections = new List<WebSocketConnection>();
        var handler = new CallbackHandler
        {
            Open = (connection, _) =>
            {
                lock (connections)
                    connections.Add(connection);
            },
        };
        await using var server = await TestServer.StartAsync(
            options => (options.MaxOutboxBytes, options.OutboxHighWaterBytes) = (64 * 1024, 16 * 1024),
            s => s.MapWebSocket("/all", handler));
        var clients = new List<WireClient>();
        try
        {
            for (var i = 0; i < Peers; i++)
                clients.Add(await OpenSlowReaderAsync(server, "/all"));
            await Eventually.IsTrueAsync(() => connections.Count == Peers, "all are open");

            // What the system buffers for a peer is its own affair; so much is more than that.
            var message = new PreparedMessage(Opcode.Binary, new byte[32 * 1024]);
            var memory = GC.GetTotalMemory(forceFullCollection: true);
            var dropped = 0;
            for (var round = 0; round < 300; round++)
                foreach (var connection in connections)
                    if (connection.Send(message) == SendResult.Dropped)
                        dropped++;
            Assert.That(dropped, Is.Positive);
            Assert.That(connections.Max(connection => connection.PendingBytes), Is.LessThanOrEqualTo(64 * 1024));
            Assert.That(
                GC.GetTotalMemory(forceFullCollection: true) - memory, Is.LessThan((Peers * 64 * 1024) + (16 * MiB)));
            await Probe.ExpectServiceAsync(server);
        }
        finally
        {
            clients.ForEach(client => client.Dispose());
        }
    }

    private static CallbackHandler Echo(TaskCompletionSource<WebSocketConnection> opened) => new()
    {
        Open = (connection, _) => opened.SetResult(connection),
        Message = (connection, type, payload) =>
        {
            connection.Send(type, payload.Span);
            return default;
        },
    };

    // A small window: the peer's own buffers are soon full.

    [Test]
    public async Task Handler_that_sends_whenever_there_is_room_is_not_called_from_inside_itself()
    {
        const int Count = 500;
        var (depth, deepest, sent) = (0, 0, 0);
        void Send(WebSocketConnection connection)
        {
            deepest = Math.Max(deepest, ++depth);
            if (++sent <= Count)
                connection.Send(Opcode.Binary, new byte[300]);
            depth--;
        }

        var handler = new CallbackHandler { Open = (connection, _) => Send(connection), Drained = Send };
        await using var server = await TestServer.StartAsync(
            options => options.OutboxHighWaterBytes = 256, s => s.MapWebSocket("/stream", handler));
        using var client = await server.OpenAsync("/stream");
        for (var i = 0; i < Count; i++)
            Assert.That((await client.ReadFrameAsync()).Payload, Has.Length.EqualTo(300));
        // The first message may be taken, and its room told of, while it is being sent.
        Assert.That(deepest, Is.LessThanOrEqualTo(2));
    }

    private static Task<WireClient> OpenSlowReaderAsync(TestServer server, string path) =>
        WireClient.OpenAsync(server.EndPoint, path, configure: socket => socket.ReceiveBufferSize = 16 * 1024);
}
