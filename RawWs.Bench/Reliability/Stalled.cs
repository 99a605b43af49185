using System.Buffers.Text;
using System.Diagnostics;
using RawWs.Protocol.WebSockets;

namespace RawWs.Bench.Reliability;

/// <summary>A room of which half stops reading: what that costs in memory, and what the others notice of it.</summary>
internal static class Stalled
{
    private const int PayloadBytes = 4096;

    private static readonly TimeSpan _patience = TimeSpan.FromMinutes(2);
    // Who does not read is cut off when it has not answered its close frame in time.
    private static readonly TimeSpan _closeLimit = TimeSpan.FromSeconds(20);
    private static readonly byte[] _mark = "\"data\":\""u8.ToArray();

    public static async Task<int> RunAsync(string[] args)
    {
        var options = new LoadOptions(
            "stalled",
            args,
            ("members", 1_000, 10_000),
            ("seconds", 60, 600),
            ("megabytes", 10, 100),
            ("outbox", 256 * 1024, 1 << 24),
            // Milliseconds: a p99 below is the machine's doing.
            ("floor", 50, 10_000));
        var (members, seconds, outbox) = (options["members"], options["seconds"], options["outbox"]);
        var figures = new Figures();
        await using var server = await LoadServer.StartAsync(server => server.MaxOutboxBytes = outbox);
        using var clients = new ClientProcess("stalled", server.LocalEndPoint!.Port, members);
        await clients.AnswerAsync(_patience);
        if (!await Figures.WaitAsync(() => server.Of("/").Sockets.Count == members, _patience))
            throw new InvalidOperationException("Not all have joined.");

        var period = TimeSpan.FromSeconds((double)members * PayloadBytes / (options["megabytes"] * 1_000_000.0));
        var most = 0L;
        await PublishAsync(TimeSpan.FromSeconds(Math.Max(2, seconds / 4)));
        await clients.AskAsync("times", _patience);
        await PublishAsync(TimeSpan.FromSeconds(seconds));
        var before = await clients.AskAsync("times", _patience);
        var memory = Figures.ManagedBytes();
        most = 0;
        await clients.AskAsync("stall", _patience);
        await PublishAsync(TimeSpan.FromSeconds(seconds));
        var after = await clients.AskAsync("times", _patience);

        Console.WriteLine($"       {members} members, {options["megabytes"]} MB/s, {seconds} s; {members / 2} stop reading");
        figures.Promise(
            after[2] > 0 && after[1] <= Math.Max(2 * before[1], options["floor"]),
            $"the others' p99 before {before[1]:F1} ms ({before[2]:N0} messages), after {after[1]:F1} ms ({after[2]:N0})");
        var bound = ((long)outbox * (members / 2)) + (64L * 1024 * 1024);
        figures.Promise(
            most - memory <= bound,
            $"memory grew by {Figures.MiB(most - memory):F1} MiB at most, garbage included (promised: {Figures.MiB(bound):F0})");
        figures.Promise(
            await Figures.WaitAsync(() => server.Of("/").Sockets.Count == members - ((members + 1) / 2), _closeLimit),
            $"members that are still connected, those that stalled being cut off: {server.Of("/").Sockets.Count}");
        return figures.ExitCode;

        async Task PublishAsync(TimeSpan time)
        {
            var filler = new string('x', PayloadBytes);
            var start = Stopwatch.GetTimestamp();
            for (var count = 1; Stopwatch.GetElapsedTime(start) < time; count++)
            {
                server.To(LoadServer.Room).Emit("tick", $"{start + (long)((count - 1) * period.TotalSeconds * Stopwatch.Frequency):x16}{filler}");
                most = Math.Max(most, GC.GetTotalMemory(forceFullCollection: false));
                if ((count * period) - Stopwatch.GetElapsedTime(start) is { Ticks: > 0 } early)
                    await Task.Delay(early);
            }
        }
    }

    /// <summary>The members.</summary>
    public static async Task RunClientsAsync(int port, int members)
    {
        var times = new List<double>();
        var stall = new StallSignal();
        var connections = new List<LoadConnection>();
        for (var i = 0; i < members; i++)
        {
            // What a stalled member does not read shall wait in the server, and not with the system.
            var mayStall = i % 2 == 0;
            var connection = await LoadConnection.OpenAsync(port, "/ws", i, mayStall ? 8 * 1024 : 0);
            connections.Add(connection);
            await connection.SendAsync(Opcode.Text, """{"event":"join"}"""u8.ToArray());
            _ = ReadAsync(connection, mayStall, times, stall);
        }

        ClientProcess.Answer(members);
        while (await Console.In.ReadLineAsync() is { } line)
        {
            if (line == "stall")
                stall.IsOn = true;
            lock (times)
            {
                ClientProcess.Answer(Figures.Percentile(times, 50), Figures.Percentile(times, 99), times.Count);
                times.Clear();
            }
        }

        // Whoever does not read any more is still there.
        connections.ForEach(connection => connection.Dispose());
    }

    private static async Task ReadAsync(LoadConnection connection, bool mayStall, List<double> times, StallSignal stall)
    {
        while (!(mayStall && stall.IsOn) && await connection.ReceiveAsync() is { } message)
        {
            var at = message.Payload.Span.IndexOf(_mark);
            if (mayStall
                || at < 0
                || message.Payload.Length < PayloadBytes
                || !Utf8Parser.TryParse(message.Payload.Span.Slice(at + _mark.Length, 16), out long sent, out _, 'x'))
                continue;
            var time = Stopwatch.GetElapsedTime(sent).TotalMilliseconds;
            lock (times)
                times.Add(time);
        }
    }

    private sealed class StallSignal
    {
        public volatile bool IsOn;
    }
}
