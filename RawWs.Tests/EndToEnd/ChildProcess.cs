using System.Diagnostics;
using System.Text;
using System.Threading.Channels;

namespace RawWs.Tests.EndToEnd;

/// <summary>A program that a test runs: its output is kept, and it never outlives the test.</summary>
internal sealed class ChildProcess : IAsyncDisposable
{
    /// <summary>How long a program may take to end once it was asked to.</summary>
    private static readonly TimeSpan StopLimit = TimeSpan.FromSeconds(30);

    private readonly Process _process;
    private readonly Channel<string> _lines = Channel.CreateUnbounded<string>();
    private readonly StringBuilder _output = new();
    private readonly StringBuilder _errors = new();

    private ChildProcess(ProcessStartInfo start)
    {
        _process = new Process { StartInfo = start };
        _process.OutputDataReceived += (_, line) => Collect(line.Data);
        _process.ErrorDataReceived += (_, line) => Append(_errors, line.Data);
        _process.Start();
        _process.StandardInput.Close();
        _process.BeginOutputReadLine();
        _process.BeginErrorReadLine();
    }

    /// <summary>What it has written to its standard output so far.</summary>
    public string Output => Text(_output);

    /// <summary>What it has written to its standard error so far.</summary>
    public string Errors => Text(_errors);

    public int Id => _process.Id;

    public bool HasExited => _process.HasExited;

    public static ChildProcess Start(string program, params IEnumerable<string> arguments) =>
        new(new ProcessStartInfo(program, arguments)
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            UseShellExecute = false,
        });

    /// <summary>Waits for the next line of standard output that begins like this.</summary>
    /// <exception cref="InvalidOperationException">The program or the time ended before that.</exception>
    public async Task<string> WaitForLineAsync(string prefix, TimeSpan limit)
    {
        using var timeout = new CancellationTokenSource(limit);
        try
        {
            await foreach (var line in _lines.Reader.ReadAllAsync(timeout.Token))
            {
                if (line.StartsWith(prefix, StringComparison.Ordinal))
                    return line;
            }
        }
        catch (OperationCanceledException) when (timeout.IsCancellationRequested)
        {
            throw new InvalidOperationException($"No line \"{prefix}…\" within {limit}.{Transcript()}");
        }

        throw new InvalidOperationException($"It ended without a line \"{prefix}…\".{Transcript()}");
    }

    /// <summary>Waits for the end of the program and answers its exit code.</summary>
    /// <exception cref="InvalidOperationException">It did not end in time.</exception>
    public async Task<int> WaitForExitAsync(TimeSpan limit)
    {
        using var timeout = new CancellationTokenSource(limit);
        try
        {
            await _process.WaitForExitAsync(timeout.Token);
            return _process.ExitCode;
        }
        catch (OperationCanceledException) when (timeout.IsCancellationRequested)
        {
            throw new InvalidOperationException($"The program did not end within {limit}.{Transcript()}");
        }
    }

    /// <summary>Sends a signal, such as <c>TERM</c> or <c>INT</c>, and answers the exit code.</summary>
    public async Task<int> StopAsync(string signal = "TERM")
    {
        if (!_process.HasExited)
        {
            using var kill = Process.Start("kill", [$"-{signal}", $"{_process.Id}"]);
            await kill.WaitForExitAsync();
        }

        return await WaitForExitAsync(StopLimit);
    }

    /// <summary>Kills the program and what it started, unless it has ended.</summary>
    public async ValueTask DisposeAsync()
    {
        if (!_process.HasExited)
            _process.Kill(entireProcessTree: true);
        await WaitForExitAsync(StopLimit);
        _process.Dispose();
    }

    private void Collect(string? line)
    {
        Append(_output, line);
        if (line is null)
            _lines.Writer.Complete();
        else
            _lines.Writer.TryWrite(line);
    }

    private static void Append(StringBuilder text, string? line)
    {
        if (line is null)
            return;
        lock (text)
            text.AppendLine(line);
    }

    private static string Text(StringBuilder text)
    {
        lock (text)
            return text.ToString();
    }

    private string Transcript() => $"\nstandard output:\n{Output}\nstandard error:\n{Errors}";
}
