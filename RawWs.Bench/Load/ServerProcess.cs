using System.Diagnostics;

namespace RawWs.Bench.Load;

/// <summary>A server under load: a process of its own, so that what it costs can be told from its clients.</summary>
internal sealed class ServerProcess : IDisposable
{
    /// <summary>Whether .NET handles what a socket has received on the very thread that polls the sockets.</summary>
    public const string InlineCompletions = "DOTNET_SYSTEM_NET_SOCKETS_INLINE_COMPLETIONS";

    private const string Announcement = "listening on ";
    private static readonly TimeSpan StartLimit = TimeSpan.FromSeconds(30);

    private readonly Process _process;

    private ServerProcess(string name, Process process, int port)
    {
        (Name, _process, Port) = (name, process, port);
        // Also where the benchmark is told to stop.
        AppDomain.CurrentDomain.ProcessExit += OnExit;
    }

    /// <summary>What reports call it.</summary>
    public string Name { get; }

    public int Port { get; }

    /// <summary>User and system time of all its threads since it started; Linux counts it in steps of 10 ms.</summary>
    // Read anew from /proc/PID/stat at each call.
    public TimeSpan CpuTime => _process.TotalProcessorTime;

    /// <summary>Our host with the conformance application, built from this checkout.</summary>
    public static async Task<ServerProcess> StartRawWsAsync()
    {
        var project = Path.Combine(Repository.Root, "RawWs.Host");
        // Nothing of the build stays behind: it would be there while the server is measured.
        await RunAsync(
            project,
            "dotnet", "build", "-c", "Release", "-v", "quiet", "--nologo", "-nodeReuse:false",
            "-p:UseSharedCompilation=false");
        var framework = Path.GetFileName(Path.TrimEndingDirectorySeparator(AppContext.BaseDirectory));
        var assembly = Path.Combine(project, "bin", "Release", framework, "RawWs.Host.dll");
        return await StartAsync("RawWs", "dotnet", assembly, "conformance", "--port", "0");
    }

    /// <summary>The official server on Node, installed at its first use.</summary>
    public static async Task<ServerProcess> StartSocketIoAsync()
    {
        var folder = Path.Combine(Repository.Root, "RawWs.Bench", "Peers", "socketio");
        // npm writes this file last.
        if (!File.Exists(Path.Combine(folder, "node_modules", ".package-lock.json")))
            await RunAsync(folder, "npm", "ci");
        return await StartAsync("socket.io", "node", Path.Combine(folder, "server.mjs"));
    }

    public void Dispose()
    {
        AppDomain.CurrentDomain.ProcessExit -= OnExit;
        _process.Kill(entireProcessTree: true);
        _process.WaitForExit();
        _process.Dispose();
    }

    private void OnExit(object? sender, EventArgs e) => _process.Kill(entireProcessTree: true);

    private static async Task<ServerProcess> StartAsync(string name, string program, params string[] arguments)
    {
        // One core for the server and the other for the clients: what one of them costs does not slow the other down.
        var start = new ProcessStartInfo("taskset", ["-c", "0", program, .. arguments]) { RedirectStandardOutput = true };
        // A setting of the clients, not of the servers.
        start.Environment.Remove(InlineCompletions);
        var process = Process.Start(start)!;
        try
        {
            using var limit = new CancellationTokenSource(StartLimit);
            while (await process.StandardOutput.ReadLineAsync(limit.Token) is { } line)
            {
                if (line.StartsWith(Announcement, StringComparison.Ordinal))
                    return new ServerProcess(name, process, new Uri(line[Announcement.Length..]).Port);
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

    private static async Task RunAsync(string folder, string program, params string[] arguments)
    {
        using var process = Process.Start(
            new ProcessStartInfo(program, arguments) { WorkingDirectory = folder })!;
        await process.WaitForExitAsync();
        if (process.ExitCode != 0)
            throw new InvalidOperationException($"{program} {arguments[0]} failed in {folder}.");
    }
}
