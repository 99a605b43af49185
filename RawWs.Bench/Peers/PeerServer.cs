using System.Diagnostics;

namespace RawWs.Bench.Peers;

/// <summary>
/// A server under load, ours or one that it is compared with: a process of its own, so that what it costs can be told
/// from its clients.
/// </summary>
internal sealed class PeerServer : IDisposable
{
    /// <summary>Whether .NET handles what a socket has received on the very thread that polls the sockets.</summary>
    public const string InlineCompletions = "DOTNET_SYSTEM_NET_SOCKETS_INLINE_COMPLETIONS";

    /// <summary>What a server prints before its address, once it accepts.</summary>
    public const string Announcement = "listening on ";

    private const string RawWs = "rawws";
    private const string TcpInline = "tcp-inline";

    // The runtime's settings as in RawWs.Host.csproj; the numbers are hexadecimal.
    private static readonly (string Name, string Value)[] s_hostSettings =
        [("DOTNET_GCGen0MaxBudget", "100000"), ("DOTNET_ThreadPool_UnfairSemaphoreSpinLimit", "0")];

    // On one core the runtime waits ten times as long as elsewhere until it optimises what runs often, which the warm-up
    // would be too short for: nobody of .NET waits longer than with more cores.
    private static readonly (string Name, string Value) s_tieringDelay = ("DOTNET_TC_DelaySingleProcMultiplier", "1");

    private static readonly TimeSpan StartLimit = TimeSpan.FromSeconds(30);

    private readonly Process _process;

    private PeerServer(string name, Process process, int port)
    {
        (Name, _process, Port) = (name, process, port);
        // Also where the benchmark is told to stop.
        AppDomain.CurrentDomain.ProcessExit += OnExit;
    }

    /// <summary>The servers that can be started; the first is ours.</summary>
    public static IReadOnlyList<string> Names { get; } =
        [RawWs, "kestrel", "signalr", "tcp", TcpInline, "ws", "socketio"];

    /// <summary>One of <see cref="Names"/>.</summary>
    public string Name { get; }

    /// <summary>Where it listens on 127.0.0.1.</summary>
    public int Port { get; }

    public int ProcessId => _process.Id;

    /// <summary>
    /// Starts a server, on Linux on the first core, and waits until it listens; one on Node is installed at its first use.
    /// </summary>
    /// <param name="name">One of <see cref="Names"/>.</param>
    /// <exception cref="ArgumentException">The name is unknown.</exception>
    /// <exception cref="InvalidOperationException">It has ended, or could not be installed.</exception>
    public static Task<PeerServer> StartAsync(string name)
    {
        if (!Names.Contains(name))
            throw new ArgumentException($"No server is called {name}: one of {string.Join(", ", Names)}.", nameof(name));
        return name is "ws" or "socketio"
            ? StartNodeAsync(name)
            : StartAsync(name, "dotnet", typeof(PeerServer).Assembly.Location, ServeVerb.Name, name);
    }

    public void Dispose()
    {
        AppDomain.CurrentDomain.ProcessExit -= OnExit;
        _process.Kill(entireProcessTree: true);
        _process.WaitForExit();
        _process.Dispose();
    }

    private void OnExit(object? sender, EventArgs e) => _process.Kill(entireProcessTree: true);

    private static async Task<PeerServer> StartNodeAsync(string name)
    {
        var folder = Path.Combine(Repository.Root, "RawWs.Bench", "Peers", name);
        // npm writes this file last.
        if (!File.Exists(Path.Combine(folder, "node_modules", ".package-lock.json")))
            await InstallAsync(folder);
        return await StartAsync(name, "node", Path.Combine(folder, "server.mjs"));
    }

    private static async Task<PeerServer> StartAsync(string name, string program, params string[] arguments)
    {
        // One core for the server and the other for the clients: what one of them costs does not slow the other down.
        var start = OperatingSystem.IsLinux()
            ? new ProcessStartInfo("taskset", ["-c", "0", program, .. arguments])
            : new ProcessStartInfo(program, arguments);
        start.RedirectStandardOutput = true;
        // A setting of the clients, and of the one server that is there to show what it does.
        start.Environment.Remove(InlineCompletions);
        start.Environment[s_tieringDelay.Name] = s_tieringDelay.Value;
        if (name == TcpInline)
            start.Environment[InlineCompletions] = "1";
        if (name == RawWs)
            foreach (var (setting, value) in s_hostSettings)
                start.Environment[setting] = value;
        var process = Process.Start(start)!;
        try
        {
            using var limit = new CancellationTokenSource(StartLimit);
            while (await process.StandardOutput.ReadLineAsync(limit.Token) is { } line)
            {
                if (line.StartsWith(Announcement, StringComparison.Ordinal))
                    return new PeerServer(name, process, new Uri(line[Announcement.Length..]).Port);
            }

            throw new InvalidOperationException($"{name} ended before it listened.");
        }
        catch
        {
            process.Kill(entireProcessTree: true);
            process.Dispose();
            throw;
        }
    }

    private static async Task InstallAsync(string folder)
    {
        using var process = Process.Start(new ProcessStartInfo("npm", ["ci"]) { WorkingDirectory = folder })!;
        await process.WaitForExitAsync();
        if (process.ExitCode != 0)
            throw new InvalidOperationException($"npm ci failed in {folder}.");
    }
}
