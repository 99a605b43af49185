using System.CommandLine;
using System.Diagnostics;
using System.Net.Sockets;
using RawWs.Bench.Peers;

namespace RawWs.Bench.Load;

/// <summary><c>load</c>: one load on one server.</summary>
internal static class LoadCommand
{
    /// <summary>Runs <c>load</c> and the commands around it.</summary>
    public static async Task<int> RunAsync(string[] args)
    {
        try
        {
            var root = new RootCommand { Create(), CompareCommand.Create(), ChartCommand.Create() };
            return await root.Parse(args).InvokeAsync(new() { EnableDefaultExceptionHandler = false });
        }
        catch (Exception e) when (e is LoadException or SocketException)
        {
            await Console.Error.WriteLineAsync(e.Message);
            return 1;
        }
    }

    private static Command Create()
    {
        var scenario = new Argument<LoadScenario>("scenario") { Description = "Echo, FanOut, Connect or Idle" };
        var server = Option("--server", "rawws", "Which server to start");
        server.AcceptOnlyFromAmong([.. PeerServer.Names]);
        var port = new Option<int?>("--port") { Description = "A server that runs already; --pid is its process" };
        var processId = new Option<int?>("--pid") { Description = "Whose processor time and memory are read" };
        var dialect = Option("--dialect", "ws", "What is spoken");
        dialect.AcceptOnlyFromAmong("ws", "envelope", "socketio", "signalr", "tcp");
        var connections = Number("--connections", 64, 1, 100_000, "Connections; of Connect, at a time");
        var inFlight = Number("--in-flight", 1, 1, 10_000, "Messages under way on each connection, or of a fan-out");
        var bytes = Number("--bytes", 64, LoadDialect.NumberBytes, 64 * 1024 * 1024, "Bytes of a message's content");
        var isBinary = Option("--binary", false, "Binary messages");
        var rate = Number(
            "--rate", 0, 0, 10_000_000, "Messages a second of all connections, answered or not; 0: each follows an answer");
        var blocking = Number(
            "--blocking", 0, 0, 100_000, "Of the connections, those whose handler blocks its thread; the others are measured");
        var warmUp = Number("--warm-up", 6, 0, 600, "Seconds of the same load before");
        var seconds = Number("--seconds", 4, 1, 600, "Seconds that are measured");
        var isJson = Option("--json", false, "One line of JSON and nothing else");
        var command = new Command("load", "Puts one load on one server and prints what it cost")
        {
            scenario, server, port, processId, dialect, connections, inFlight, bytes, isBinary, rate, blocking, warmUp, seconds, isJson,
        };
        command.SetAction(async (result, stop) =>
        {
            var load = new LoadCase
            {
                Scenario = result.GetValue(scenario),
                Dialect = result.GetValue(dialect)!,
                Connections = result.GetValue(connections),
                InFlight = result.GetValue(inFlight),
                Bytes = result.GetValue(bytes),
                IsBinary = result.GetValue(isBinary),
                Rate = result.GetValue(rate),
                Blocking = result.GetValue(blocking),
                WarmUpSeconds = result.GetValue(warmUp),
                Seconds = result.GetValue(seconds),
            };
            Pin();
            if (load.Dialect is "tcp" && load.Scenario != LoadScenario.Echo)
                throw new LoadException("Bytes without a WebSocket can be echoed, and nothing else.");
            if (load.Blocking > 0 && load is not { Scenario: LoadScenario.Echo, Dialect: "ws" })
                throw new LoadException("Handlers that block are those of plain WebSockets that echo.");
            if (result.GetValue(port) is { } known)
            {
                return Report(LoadRunner.Run(load, $"{known}", result.GetValue(processId) ?? throw new LoadException("--port needs --pid."), known));
            }

            using var started = await PeerServer.StartAsync(result.GetValue(server)!);
            return Report(LoadRunner.Run(load, started.Name, started.ProcessId, started.Port));

            int Report(LoadResult measured)
            {
                Console.WriteLine(result.GetValue(isJson) ? measured.ToJson() : LoadTable.Of(measured));
                return 0;
            }
        });
        return command;
    }

    /// <summary>The servers have the first core; this process gets the second, so that neither slows the other down.</summary>
    public static void Pin()
    {
        if (OperatingSystem.IsLinux() && Environment.ProcessorCount > 1)
            Process.GetCurrentProcess().ProcessorAffinity = 2;
    }

    /// <summary>An option that is a number within a range.</summary>
    public static Option<int> Number(string name, int value, int least, int most, string description)
    {
        var option = Option(name, value, $"{description}, from {least} to {most}");
        option.Validators.Add(result =>
        {
            if (result.Tokens.Count > 0 && (result.GetValueOrDefault<int>() < least || result.GetValueOrDefault<int>() > most))
                result.AddError($"{name} must be from {least} to {most}.");
        });
        return option;
    }

    private static Option<T> Option<T>(string name, T value, string description) =>
        new(name) { Description = description, DefaultValueFactory = _ => value };
}
