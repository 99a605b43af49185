using System.Diagnostics;
using System.Runtime.InteropServices;
using RawWs.Protocol.WebSockets;
using RawWs.Server;
using RawWs.Server.Transport;

namespace RawWs.Bench.Reliability;

/// <summary>SIGTERM under load: whatever the server has acknowledged must have been read by its client.</summary>
internal static class Shutdown
{
    public const string ServerVerb = "shutdown-server";

    private static readonly TimeSpan _limit = TimeSpan.FromSeconds(10);

    public static async Task<int> RunAsync(string[] args)
    {
        var options = new LoadOptions(
            "shutdown", args, ("connections", 2_000, 9_000), ("rate", 20_000, 1_000_000), ("seconds", 3, 60), ("rounds", 20, 1_000));
        var figures = new Figures();
        for (var round = 1; round <= options["rounds"]; round++)
            await RunAsync(options, figures, round);
        return figures.ExitCode;
    }

    /// <summary>The server: acknowledges each message by sending it back, and says at its end how many it has.</summary>
    public static async Task<int> ServeAsync()
    {
        var handler = new AckHandler();
        var stop = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        using var term = PosixSignalRegistration.Create(PosixSignal.SIGTERM, context =>
        {
            context.Cancel = true;
            stop.TrySetResult();
        });
        var server = new RawWsServer(new ServerOptions { Port = 0 });
        server.MapWebSocket("/ack", handler);
        await server.StartAsync();
        ClientProcess.Answer(server.LocalEndPoint!.Port);
        await stop.Task;
        await server.DisposeAsync();
        ClientProcess.Answer(handler.Count);
        return 0;
    }

    private static async Task RunAsync(LoadOptions options, Figures figures, int round)
    {
        var count = options["connections"];
        using var server = Process.Start(new ProcessStartInfo(
            "dotnet", [typeof(Shutdown).Assembly.Location, ServerVerb])
        {
            RedirectStandardOutput = true,
        })!;
        AppDomain.CurrentDomain.ProcessExit += OnExit;
        try
        {
            var port = int.Parse((await server.StandardOutput.ReadLineAsync())!, null);
            var connections = new LoadConnection[count];
            await Parallel.ForEachAsync(
                Enumerable.Range(0, count), async (i, _) => connections[i] = await LoadConnection.OpenAsync(port, "/ack", i));
            var pause = TimeSpan.FromSeconds((double)count / options["rate"]);
            var talking = connections.Select(connection => Task.Run(() => TalkAsync(connection, pause))).ToArray();
            await Task.Delay(TimeSpan.FromSeconds(options["seconds"]));

            var start = Stopwatch.GetTimestamp();
            using (var kill = Process.Start("kill", ["-TERM", $"{server.Id}"]))
                await kill.WaitForExitAsync();
            // Longer than is promised, so that a promise that is broken is told as one.
            using var patience = new CancellationTokenSource(3 * _limit);
            var acknowledged = long.Parse((await server.StandardOutput.ReadLineAsync(patience.Token))!, null);
            await server.WaitForExitAsync(patience.Token);
            var took = Stopwatch.GetElapsedTime(start);
            var received = (await Task.WhenAll(talking).WaitAsync(patience.Token)).Sum();
            var closed = connections.Count(connection => connection.CloseCode == (int)CloseCode.GoingAway);
            figures.Promise(
                acknowledged > 0 && received == acknowledged && closed == count && took < _limit && server.ExitCode == 0,
                $"round {round}: {acknowledged:N0} acknowledged ({acknowledged / options["seconds"]:N0}/s), " +
                $"{acknowledged - received} lost; {closed} of {count} read 1001; exit {server.ExitCode} after {took.TotalSeconds:F2} s");
            foreach (var connection in connections)
                connection.Dispose();
        }
        finally
        {
            Kill();
            AppDomain.CurrentDomain.ProcessExit -= OnExit;
        }

        void OnExit(object? sender, EventArgs e) => Kill();

        void Kill()
        {
            if (!server.HasExited)
                server.Kill();
        }
    }

    /// <returns>The acknowledgements that have come.</returns>
    private static async Task<long> TalkAsync(LoadConnection connection, TimeSpan pause)
    {
        var received = 0L;
        var sending = SendAsync();
        try
        {
            while (await connection.ReceiveAsync() is not null)
                received++;
        }
        catch (System.Net.Sockets.SocketException)
        {
            // A reset: what it has destroyed is missing from the count.
        }

        await sending;
        return received;

        async Task SendAsync()
        {
            await Task.Delay(pause * Random.Shared.NextDouble());
            var message = new byte[64];
            try
            {
                while (connection.CloseCode == 0)
                {
                    await connection.SendAsync(Opcode.Binary, message);
                    await Task.Delay(pause);
                }
            }
            catch (Exception e) when (e is System.Net.Sockets.SocketException or ObjectDisposedException)
            {
                // The server has gone meanwhile.
            }
        }
    }

    private sealed class AckHandler : WebSocketHandler
    {
        private long _count;

        public long Count => Interlocked.Read(ref _count);

        public override ValueTask OnMessageAsync(WebSocketConnection connection, Opcode type, ReadOnlyMemory<byte> payload)
        {
            if (connection.Send(type, payload.Span) != SendResult.Dropped)
                Interlocked.Increment(ref _count);
            return default;
        }
    }
}
