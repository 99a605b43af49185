using System.Collections.Concurrent;
using System.Text;
using RawWs.Protocol.WebSockets;
using RawWs.Tests.Support;

namespace RawWs.Tests.Conformance;

/// <summary>RFC 6455 §6: messages reach the application whole, one at a time and in order.</summary>
public class MessageOrderTests
{
    [Test]
    public async Task Thousand_messages_of_0_to_64_KiB_are_echoed_in_order([Values(int.MaxValue, 1460)] int write)
    {
        const int Count = 1000;
        var random = new Random(7);
        var messages = Enumerable.Range(0, Count).Select(_ => new byte[random.Next((64 * 1024) + 1)]).ToArray();
        foreach (var message in messages)
            random.NextBytes(message);
        await using var server = await TestServer.StartAsync();
        using var client = await server.OpenAsync();
        var sending = SendAllAsync();
        foreach (var message in messages)
            Assert.That((await client.ReadFrameAsync()).Payload.AsSpan().SequenceEqual(message), Is.True);
        await sending;

        async Task SendAllAsync()
        {
            foreach (var message in messages)
                await client.SendChoppedAsync(WireClient.Frame(Opcode.Binary, message), write);
        }
    }

    [Test]
    public async Task Message_of_1_MiB_may_come_in_writes_of_64_bytes()
    {
        var message = new byte[1024 * 1024];
        new Random(64).NextBytes(message);
        await using var server = await TestServer.StartAsync();
        using var client = await server.OpenAsync();
        await client.SendChoppedAsync(WireClient.Frame(Opcode.Binary, message), 64);
        Assert.That((await client.ReadFrameAsync()).Payload.AsSpan().SequenceEqual(message), Is.True);
    }

    // A handler that awaits keeps its payload, and the next message waits for it.
    [TestCase(10)]
    [TestCase(3000)]
    [TestCase(200_000)]
    [NonParallelizable]
    public async Task Payload_stays_as_it_is_while_the_handler_waits(int size)
    {
        var released = new TaskCompletionSource();
        var started = new ConcurrentQueue<char>();
        var handler = new CallbackHandler
        {
            Message = async (connection, type, payload) =>
            {
                started.Enqueue((char)payload.Span[0]);
                await released.Task;
                connection.Send(type, payload.Span);
            },
        };
        await using var server = await TestServer.StartAsync(map: s => s.MapWebSocket("/slow", handler));
        using var client = await server.OpenAsync("/slow");
        foreach (var letter in "abc")
            await client.SendFrameAsync(Opcode.Text, new string(letter, size));
        await Eventually.IsTrueAsync(() => !started.IsEmpty, "the first message has come");
        // Others are served meanwhile, and what the slow one has sent has long arrived.
        await Probe.ExpectServiceAsync(server);
        Assert.That(started, Is.EqualTo("a"));
        released.SetResult();
        foreach (var letter in "abc")
            Assert.That((await client.ReadFrameAsync()).Text, Is.EqualTo(new string(letter, size)));
    }

    // §5.1: the frames of several threads must not mix.
    [Test]
    public async Task Messages_of_many_threads_arrive_whole_and_each_thread_in_order()
    {
        const int Threads = 8;
        const int Count = 500;
        var handler = new CallbackHandler
        {
            Open = (connection, request) =>
            {
                for (var thread = 0; thread < Threads; thread++)
                {
                    var name = thread;
                    _ = Task.Run(() =>
                    {
                        for (var i = 0; i < Count; i++)
                            connection.Send(Opcode.Text, Encoding.ASCII.GetBytes($"{name} {i} {new string('.', i % 300)}"));
                    });
                }
            },
        };
        await using var server = await TestServer.StartAsync(map: s => s.MapWebSocket("/many", handler));
        using var client = await server.OpenAsync("/many");
        var next = new int[Threads];
        for (var i = 0; i < Threads * Count; i++)
        {
            var parts = (await client.ReadFrameAsync()).Text.Split(' ');
            var thread = int.Parse(parts[0], System.Globalization.CultureInfo.InvariantCulture);
            var number = next[thread]++;
            Assert.That(parts[1..], Is.EqualTo((string[])[$"{number}", new string('.', number % 300)]));
        }
    }
}
