using System.Globalization;
using System.Net.Sockets;
using RawWs.Protocol.WebSockets;
using RawWs.Tests.Support;

namespace RawWs.Tests.Reliability;

/// <summary>Sessions that move from polling to a WebSocket, or fail to, while messages go both ways.</summary>
[NonParallelizable]
[Platform("Linux")]
public class UpgradeFaultTests
{
    private const int BeforeTheMove = 12;
    private const int Messages = 16;

    private static readonly ParallelOptions _parallel = new() { MaxDegreeOfParallelism = 16 };

    // Every second one is left alone; the others are reset at each byte of the handshake and the probe.
    [TestCase(300)]
    [LongCase(10_000)]
    public async Task Upgrades_that_are_aborted_at_each_step_lose_nothing_double_nothing_and_keep_the_order(int upgrades)
    {
        var moved = 0;
        await using var server = await TestServer.StartAsync(map: s => s.MapEngine("/engine.io/", new EngineEcho()));
        await using var proxy = new FaultProxy(server.EndPoint, number => number % 2 == 0 ? [] : [ResetAt(number / 2)]);
        await server.WithstandAsync(() => Parallel.ForEachAsync(Enumerable.Range(0, upgrades), _parallel, async (_, _) =>
        {
            var client = new Client(await EngineClient.OpenAsync(server));
            if (await client.RunAsync(proxy))
                Interlocked.Increment(ref moved);
            Assert.That(client.Received, Is.EqualTo(Enumerable.Range(1, Messages)));
        }));
        Assert.That(moved, Is.InRange(upgrades / 2, upgrades - 1));
    }

    private static Fault ResetAt(int number)
    {
        // The request differs from a plain handshake by its target; what follows it is the probe.
        var bytes = WireClient.Handshake("/engine.io/?EIO=4&transport=websocket&sid=01234567890123456789").Length + 12;
        return number % 2 == 0
            ? new Fault(FaultKind.Reset, Direction.ToServer, number / 2 % bytes)
            : new Fault(FaultKind.Reset, Direction.ToClient, number / 2 % 136);
    }

    /// <summary>Sends numbers, which come back, and moves to a WebSocket in between as the official client does.</summary>
    private sealed class Client(EngineClient engine)
    {
        private readonly List<int> _received = [];
        private volatile bool _isPaused;

        public IReadOnlyList<int> Received => _received;

        /// <returns>Whether it has moved.</returns>
        public async Task<bool> RunAsync(FaultProxy proxy)
        {
            var polling = PollAsync();
            var posting = PostAsync(1, BeforeTheMove);
            using var socket = await TryProbeAsync(proxy);
            await posting;
            if (socket is null)
            {
                await PostAsync(BeforeTheMove + 1, Messages);
                await polling;
            }
            else
            {
                _isPaused = true;
                await polling;
                await socket.SendFrameAsync(Opcode.Text, "5");
                for (var number = BeforeTheMove + 1; number <= Messages; number++)
                    await socket.SendFrameAsync(Opcode.Text, $"4{number}");
                while (_received.Count < Messages)
                    Take((await socket.ReadFrameAsync()).Text);
                await socket.SendFrameAsync(Opcode.Text, "1");
                return true;
            }

            await engine.PostAsync("1");
            return false;
        }

        private async Task<WireClient?> TryProbeAsync(FaultProxy proxy)
        {
            WireClient? socket = null;
            try
            {
                socket = await WireClient.ConnectAsync(proxy.EndPoint);
                await socket.SendTextAsync(WireClient.Handshake($"/engine.io/?EIO=4&transport=websocket&sid={engine.Sid}"));
                await socket.SendFrameAsync(Opcode.Text, "2probe");
                if (await socket.TryReadHeadAsync() is { } head
                    && head.StartsWith("HTTP/1.1 101 ", StringComparison.Ordinal)
                    && await socket.TryReadFrameAsync() is { Text: "3probe" })
                    return socket;
            }
            catch (SocketException)
            {
                // Reset: the client goes on polling.
            }

            socket?.Dispose();
            return null;
        }

        private async Task PostAsync(int first, int last)
        {
            for (var number = first; number <= last; number++)
                Assert.That((await engine.PostAsync($"4{number}")).Status, Is.EqualTo(200));
        }

        private async Task PollAsync()
        {
            while (_received.Count < Messages && !_isPaused)
            {
                var answer = await engine.PollAsync();
                Assert.That(answer.Status, Is.EqualTo(200), answer.Body);
                foreach (var packet in answer.Body.Split('\u001e'))
                    Take(packet);
            }
        }

        private void Take(string packet)
        {
            if (packet != "6")
                _received.Add(int.Parse(packet.AsSpan(1), CultureInfo.InvariantCulture));
        }
    }
}
