using System.Diagnostics;
using RawWs.Protocol.WebSockets;

namespace RawWs.Tests.Support;

/// <summary>
/// The rule for every attack and fault: others are served meanwhile, nothing is logged as a problem, and handles,
/// connections and memory are back where they were within five seconds.
/// </summary>
/// <remarks>Counts the handles of the whole process: only for fixtures that do not run beside others.</remarks>
internal static class Siege
{
    // Nothing that a test keeps after an attack is as large; what an attack leaks is.
    private const long MemorySlack = 16 * 1024 * 1024;

    // Threads of the pool, which come and go, hold a pipe each.
    private static readonly int _handleSlack = 8 + (2 * Environment.ProcessorCount);

    /// <summary>How long a server may take to forget an attack; longer here, where five tests may share a processor.</summary>
    private static readonly TimeSpan _recovery = TimeSpan.FromSeconds(15);

    /// <summary>Runs an attack beside a client that behaves well; one on the application's handlers may be logged.</summary>
    public static async Task WithstandAsync(this TestServer server, Func<Task> attack, bool mayLog = false)
    {
        // What all attacks share is made once, by this.
        await Probe.ExpectServiceAsync(server);
        var connections = server.Server.ConnectionCount;
        var memory = GC.GetTotalMemory(forceFullCollection: true);
        var handles = Handles.Count();

        using (var bystander = await Bystander.StartAsync(server))
        {
            await attack();
            await bystander.StopAsync();
        }

        await Eventually.IsTrueAsync(
            () => server.Server.ConnectionCount <= connections, "connections are left of the attack", _recovery);
        await Eventually.IsTrueAsync(
            () => Handles.Count() <= handles + _handleSlack, $"there were {handles} handles before the attack", _recovery);
        if (!mayLog)
            Assert.That(server.ProblemsLogged, Is.Empty);
        // As many lines as the attack had inputs, kept by the test alone.
        server.Logs.Clear();
        await Eventually.IsTrueAsync(
            () => GC.GetTotalMemory(forceFullCollection: true) <= memory + MemorySlack, "memory is left of the attack", _recovery);
    }

    /// <summary>A client that echoes all the time, over one connection and over new ones.</summary>
    private sealed class Bystander : IDisposable
    {
        private readonly TestServer _server;
        private readonly WireClient _client;
        private readonly List<double> _times = [];
        private readonly CancellationTokenSource _stop = new();
        private Task _running = Task.CompletedTask;

        private Bystander(TestServer server, WireClient client) => (_server, _client) = (server, client);

        public static async Task<Bystander> StartAsync(TestServer server)
        {
            var bystander = new Bystander(server, await server.OpenAsync());
            bystander._running = Task.Run(bystander.RunAsync);
            return bystander;
        }

        /// <summary>Has served means: at least once from the beginning to the end of the attack, and never in vain.</summary>
        public async Task StopAsync()
        {
            await _stop.CancelAsync();
            await _running;
            _times.Sort();
            await TestContext.Out.WriteLineAsync(
                $"bystander: {_times.Count} rounds, median {_times[_times.Count / 2]:F1} ms, longest {_times[^1]:F1} ms");
            Assert.That(_times[_times.Count / 2], Is.LessThan(Probe.Bound.TotalMilliseconds));
        }

        public void Dispose()
        {
            _client.Dispose();
            _stop.Dispose();
        }

        private async Task RunAsync()
        {
            do
            {
                var start = Stopwatch.GetTimestamp();
                await EchoAsync(_client);
                using (var late = await _server.OpenAsync())
                    await EchoAsync(late);
                _times.Add(Stopwatch.GetElapsedTime(start).TotalMilliseconds);
                // A client that leaves room for the attack.
                await Task.Delay(10, CancellationToken.None);
            }
            while (!_stop.IsCancellationRequested);
        }

        private static async Task EchoAsync(WireClient client)
        {
            await client.SendFrameAsync(Opcode.Text, "served?");
            Assert.That((await client.ReadFrameAsync()).Text, Is.EqualTo("served?"));
        }
    }
}
