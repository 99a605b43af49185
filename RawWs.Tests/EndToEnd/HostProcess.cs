namespace RawWs.Tests.EndToEnd;

/// <summary>The real console host as a process of its own, listening on a port.</summary>
internal sealed class HostProcess : IAsyncDisposable
{
    private const string Announcement = "listening on ";
    private static readonly TimeSpan StartLimit = TimeSpan.FromSeconds(60);

    private readonly ChildProcess _process;

    private HostProcess(ChildProcess process, Uri address)
    {
        _process = process;
        Address = address;
    }

    /// <summary>Where it listens, as it said: <c>http://HOST:PORT/</c>.</summary>
    public Uri Address { get; }

    /// <summary>Its process id.</summary>
    public int Id => _process.Id;

    /// <summary>What it has written to its standard output so far.</summary>
    public string Output => _process.Output;

    /// <summary>What it has written to its standard error so far.</summary>
    public string Errors => _process.Errors;

    /// <summary>Runs <c>serve</c> on a port that the system picks, and waits until it listens.</summary>
    public static Task<HostProcess> ServeAsync(params IEnumerable<string> options) =>
        StartAsync(["serve", "--port", "0", .. options]);

    /// <summary>Runs <c>serve</c> in a process that may hold so many handles and no more.</summary>
    public static Task<HostProcess> ServeWithHandlesAsync(int handles) => WaitAsync(ChildProcess.Start(
        "bash", ["-c", $"ulimit -n {handles}; exec \"$0\" \"$@\"", .. Command, "serve", "--port", "0"]));

    /// <summary>Runs <c>serve</c> in a working directory.</summary>
    public static Task<HostProcess> ServeInAsync(string directory) => WaitAsync(ChildProcess.Start(
        "bash", ["-c", "cd \"$0\" && exec \"$@\"", directory, .. Command, "serve", "--port", "0"]));

    /// <summary>
    /// Runs <c>serve</c> as a container does, as the first process of a namespace of its own, and as systemd does, with
    /// a socket on which it tells how it is.
    /// </summary>
    public static Task<HostProcess> ServeAsServiceAsync(string notifySocket) => WaitAsync(ChildProcess.Start(
        "unshare",
        [
            "--pid", "--fork", "--kill-child", "--mount-proc",
            "env", $"NOTIFY_SOCKET={notifySocket}", .. Command, "serve", "--port", "0",
        ]));

    /// <summary>Runs the host with these arguments, and waits until it listens.</summary>
    /// <exception cref="InvalidOperationException">It ended, or a minute did, before it listened.</exception>
    public static Task<HostProcess> StartAsync(params IEnumerable<string> arguments) => WaitAsync(Run(arguments));

    /// <summary>Runs the host without waiting for it: for command lines that end by themselves.</summary>
    public static ChildProcess Run(params IEnumerable<string> arguments) =>
        ChildProcess.Start(Command[0], [.. Command[1..], .. arguments]);

    /// <summary>Asks it to stop, by <c>TERM</c> or <c>INT</c>, and answers its exit code.</summary>
    public Task<int> StopAsync(string signal = "TERM") => _process.StopAsync(signal);

    /// <summary>Waits for its end and answers its exit code.</summary>
    public Task<int> WaitForExitAsync(TimeSpan limit) => _process.WaitForExitAsync(limit);

    public ValueTask DisposeAsync() => _process.DisposeAsync();

    private static async Task<HostProcess> WaitAsync(ChildProcess process)
    {
        try
        {
            var line = await process.WaitForLineAsync(Announcement, StartLimit);
            return new HostProcess(process, new Uri(line[Announcement.Length..].Trim()));
        }
        catch
        {
            await process.DisposeAsync();
            throw;
        }
    }

    // RAWWS_TESTS_HOST is another build of it, such as one that was compiled ahead of time.
    private static string[] Command { get; } = Environment.GetEnvironmentVariable("RAWWS_TESTS_HOST") is { Length: > 0 } program
        ? [program]
        : [Environment.GetEnvironmentVariable("DOTNET_HOST_PATH") ?? "dotnet", HostAssembly()];

    private static string HostAssembly()
    {
        var beside = Path.Combine(AppContext.BaseDirectory, "RawWs.Host.dll");
        if (File.Exists(Path.ChangeExtension(beside, ".runtimeconfig.json")))
            return beside;
        // …/RawWs.Tests/bin/CONFIGURATION/FRAMEWORK/ has its counterpart below RawWs.Host.
        var output = new DirectoryInfo(Path.TrimEndingDirectorySeparator(AppContext.BaseDirectory));
        var own = Path.Combine(
            Repository.Root, "RawWs.Host", "bin", output.Parent!.Name, output.Name, "RawWs.Host.dll");
        return File.Exists(own) ? own : throw new FileNotFoundException("The host has not been built.", own);
    }
}
