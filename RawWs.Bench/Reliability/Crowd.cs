using System.Collections.Concurrent;
using System.Diagnostics;
using RawWs.Protocol.WebSockets;

namespace RawWs.Bench.Reliability;

/// <summary>Very many connections at once (<c>connections</c>), and very many one after the other (<c>storm</c>).</summary>
internal static class Crowd
{
    private static readonly TimeSpan _patience = TimeSpan.FromMinutes(10);

    /// <summary>Idle connections in one process, each of which answers pings and is answered.</summary>
    public static Task<int> HoldAsync(string[] args) =>
        HoldAsync(new LoadOptions("connections", args, ("count", 16_000, 19_000))["count"]);

    /// <summary>Clients that all come back at once, then clients that come and go.</summary>
    public static Task<int> StormAsync(string[] args)
    {
        var options = new LoadOptions(
            "storm", args, ("reconnects", 5_000, 15_000), ("rounds", 3, 100), ("closes", 500_000, 10_000_000));
        return StormAsync(options["reconnects"], options["rounds"], options["closes"]);
    }

    private static async Task<int> HoldAsync(int count)
    {
        var figures = new Figures();
        await using var server = await LoadServer.StartAsync(options => options.PingInterval = TimeSpan.FromSeconds(10));
        using var clients = new ClientProcess("hold", server.LocalEndPoint!.Port, count);
        await clients.AskAsync("100", _patience);
        var (managed, resident) = (Figures.ManagedBytes(), Figures.ResidentBytes());
        var opened = (await clients.AskAsync($"{count}", _patience))[0];
        Console.WriteLine($"       {count} connections opened in {opened:F1} s");
        var measured = await clients.AskAsync("ping", _patience);
        figures.Promise(measured[1] <= 1000, $"ping of each: median {measured[0]:F1} ms, p99 {measured[1]:F1} ms (promised: 1000)");
        var answered = await clients.AskAsync("answered", _patience);
        figures.Promise(answered[0] >= 1, $"pings of the server answered by each: at least {answered[0]}");
        figures.Promise(server.ConnectionCount == count, $"connections that live: {server.ConnectionCount}");
        Console.WriteLine(
            $"       each costs {(Figures.ManagedBytes() - managed) / (count - 100)} bytes of managed memory, " +
            $"{(Figures.ResidentBytes() - resident) / (count - 100)} resident");
        return figures.ExitCode;
    }

    private static async Task<int> StormAsync(int reconnects, int rounds, int closes)
    {
        var figures = new Figures();
        await using var server = await LoadServer.StartAsync();
        using var clients = new ClientProcess("storm", server.LocalEndPoint!.Port);
        await clients.AskAsync($"close {Math.Min(closes, 2_000)}", _patience);
        await Figures.WaitAsync(() => server.ConnectionCount == 0, _patience);
        var (managed, handles) = (Figures.ManagedBytes(), Figures.Handles());
        for (var round = 0; round < rounds; round++)
        {
            var all = (await clients.AskAsync($"reconnect {reconnects}", _patience))[0];
            figures.Promise(all <= 10, $"{reconnects} clients that come back at 5,000 a second: all in after {all:F2} s (promised: 10)");
        }

        var took = (await clients.AskAsync($"close {closes}", _patience))[0];
        Console.WriteLine($"       {closes} connects and closes in {took:F1} s, {closes / took:F0} a second");
        figures.Promise(
            await Figures.WaitAsync(() => server.ConnectionCount == 0, TimeSpan.FromSeconds(5)),
            $"connections left after 5 s: {server.ConnectionCount}");
        var (managedAfter, handlesAfter) = (Figures.ManagedBytes(), Figures.Handles());
        figures.Promise(handlesAfter <= handles + 16, $"handles before {handles}, after {handlesAfter}");
        figures.Promise(
            managedAfter <= managed + (4 * 1024 * 1024),
            $"managed memory before {Figures.MiB(managed):F2} MiB, after {Figures.MiB(managedAfter):F2} MiB");
        return figures.ExitCode;
    }

    /// <summary>The clients of <c>connections</c>.</summary>
    public static async Task HoldClientsAsync(int port)
    {
        var connections = new ConcurrentBag<(LoadConnection Connection, Pong Pong)>();
        while (await Console.In.ReadLineAsync() is { } line)
        {
            if (line == "ping")
            {
                var times = new ConcurrentBag<double>();
                await Parallel.ForEachAsync(connections, AtATime(64), async (pair, _) =>
                {
                    var start = Stopwatch.GetTimestamp();
                    await pair.Connection.SendAsync(Opcode.Ping, "?"u8.ToArray());
                    await pair.Pong.Received.WaitAsync(_patience, CancellationToken.None);
                    times.Add(Stopwatch.GetElapsedTime(start).TotalMilliseconds);
                });
                var sorted = times.ToList();
                ClientProcess.Answer(Figures.Percentile(sorted, 50), Figures.Percentile(sorted, 99));
            }
            else if (line == "answered")
            {
                await Figures.WaitAsync(() => connections.All(pair => pair.Connection.PingsAnswered > 0), TimeSpan.FromSeconds(60));
                ClientProcess.Answer(connections.Min(pair => pair.Connection.PingsAnswered));
            }
            else
            {
                var start = Stopwatch.GetTimestamp();
                var first = connections.Count;
                await Parallel.ForEachAsync(Enumerable.Range(first, int.Parse(line, null) - first), AtATime(64), async (i, _) =>
                {
                    var connection = await LoadConnection.OpenAsync(port, "/echo", i);
                    var pong = new Pong();
                    connections.Add((connection, pong));
                    pong.Start(connection);
                });
                ClientProcess.Answer(Stopwatch.GetElapsedTime(start).TotalSeconds);
            }
        }
    }

    /// <summary>The clients of <c>storm</c>.</summary>
    public static async Task StormClientsAsync(int port)
    {
        while (await Console.In.ReadLineAsync() is { } line)
        {
            var (verb, count) = (line.Split(' ')[0], int.Parse(line.Split(' ')[1], null));
            var start = Stopwatch.GetTimestamp();
            if (verb == "close")
            {
                await Parallel.ForEachAsync(Enumerable.Range(0, count), AtATime(64), async (i, _) =>
                {
                    using var connection = await LoadConnection.OpenAsync(port, "/echo", i);
                    await connection.CloseAsync();
                });
                ClientProcess.Answer(Stopwatch.GetElapsedTime(start).TotalSeconds);
                continue;
            }

            var opening = new List<Task<LoadConnection>>();
            while (opening.Count < count)
            {
                opening.Add(LoadConnection.OpenAsync(port, "/echo", opening.Count));
                // 5,000 a second.
                if (opening.Count > Stopwatch.GetElapsedTime(start).TotalSeconds * 5_000)
                    await Task.Delay(1);
            }

            var connections = await Task.WhenAll(opening);
            ClientProcess.Answer(Stopwatch.GetElapsedTime(start).TotalSeconds);
            // Back comes only who was cut off.
            foreach (var connection in connections)
                connection.Reset();
        }
    }

    private static ParallelOptions AtATime(int count) => new() { MaxDegreeOfParallelism = count };

    /// <summary>Reads a connection, and tells of its pongs.</summary>
    private sealed class Pong
    {
        private TaskCompletionSource _received = new(TaskCreationOptions.RunContinuationsAsynchronously);

        public Task Received => _received.Task;

        public void Start(LoadConnection connection) => _ = ReadAsync(connection);

        private async Task ReadAsync(LoadConnection connection)
        {
            try
            {
                while (await connection.ReceiveAsync() is { } message)
                    if (message.Opcode == Opcode.Pong)
                        _received.TrySetResult();
                _received.TrySetException(new IOException("closed"));
            }
            catch (Exception e)
            {
                _received.TrySetException(e);
            }
        }
    }
}
