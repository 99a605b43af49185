using System.Diagnostics;
using System.Globalization;

namespace RawWs.Bench.Reliability;

/// <summary>
/// A process of clients: a part of this program that is told what to do by lines, and answers each with one. Server and
/// clients each have the handles that one process may have, and neither's memory is counted with the other's.
/// </summary>
internal sealed class ClientProcess : IDisposable
{
    public const string Verb = "load-client";

    private readonly Process _process;
    private bool _isDisposed;

    public ClientProcess(string part, params int[] arguments)
    {
        var assembly = typeof(ClientProcess).Assembly.Location;
        _process = Process.Start(new ProcessStartInfo(
            "dotnet",
            [assembly, Verb, part, .. arguments.Select(argument => argument.ToString(CultureInfo.InvariantCulture))])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
        })!;
        // Also where the benchmark is told to stop.
        AppDomain.CurrentDomain.ProcessExit += OnExit;
    }

    /// <summary>Tells it to do something, and waits for its answer.</summary>
    public async Task<double[]> AskAsync(string line, TimeSpan patience)
    {
        await _process.StandardInput.WriteLineAsync(line);
        return await AnswerAsync(patience);
    }

    /// <exception cref="InvalidOperationException">It has ended instead.</exception>
    public async Task<double[]> AnswerAsync(TimeSpan patience)
    {
        using var limit = new CancellationTokenSource(patience);
        var line = await _process.StandardOutput.ReadLineAsync(limit.Token)
            ?? throw new InvalidOperationException("The clients have failed.");
        return [.. line.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(word => double.Parse(word, CultureInfo.InvariantCulture))];
    }

    public void Dispose()
    {
        if (_isDisposed)
            return;
        _isDisposed = true;
        AppDomain.CurrentDomain.ProcessExit -= OnExit;
        if (!_process.HasExited)
            _process.Kill(entireProcessTree: true);
        _process.WaitForExit();
        _process.Dispose();
    }

    /// <summary>In the process of the clients: one line of numbers.</summary>
    public static void Answer(params double[] numbers) =>
        Console.WriteLine(string.Join(' ', numbers.Select(number => number.ToString("R", CultureInfo.InvariantCulture))));

    private void OnExit(object? sender, EventArgs e) => _process.Kill(entireProcessTree: true);
}
