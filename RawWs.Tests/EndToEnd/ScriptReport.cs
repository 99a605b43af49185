using System.Text.Json;

namespace RawWs.Tests.EndToEnd;

/// <summary>What a program of the tests reported: one line of JSON for each of its checks.</summary>
internal sealed class ScriptReport
{
    private readonly Dictionary<string, Result> _results = [];
    private readonly string _transcript;

    private ScriptReport(string transcript, IEnumerable<Result> results)
    {
        _transcript = transcript;
        foreach (var result in results)
            _results.Add(result.Name, result);
    }

    /// <summary>Everything that was reported.</summary>
    public IEnumerable<string> Names => _results.Keys;

    /// <summary>Runs a Node program of a folder beside the tests to its end, against a host.</summary>
    /// <param name="folder">The npm package below <c>EndToEnd</c>; it must be installed.</param>
    /// <param name="host">The host; its address is the first argument.</param>
    /// <param name="limit">How long it may take.</param>
    /// <param name="program">The program.</param>
    /// <param name="arguments">What follows the address.</param>
    public static Task<ScriptReport> RunNodeAsync(
        string folder, HostProcess host, TimeSpan limit, string program, params IEnumerable<string> arguments) =>
        RunAsync("node", [NodeProgram(folder, program), host.Address.AbsoluteUri, .. arguments], limit, host);

    /// <summary>A Node program of a folder beside the tests; the npm package there must be installed.</summary>
    public static string NodeProgram(string folder, string program)
    {
        var path = Path.Combine(Repository.Root, "RawWs.Tests", "EndToEnd", folder);
        if (!Directory.Exists(Path.Combine(path, "node_modules")))
            Assert.Fail($"The Node clients are not installed: run ./test.sh, or `npm ci` in {path}.");
        return Path.Combine(path, program);
    }

    /// <summary>Runs a program to its end.</summary>
    public static async Task<ScriptReport> RunAsync(
        string program, IEnumerable<string> arguments, TimeSpan limit, HostProcess? host = null)
    {
        await using var script = ChildProcess.Start(program, arguments);
        await script.WaitForExitAsync(limit);
        return Read(script, host);
    }

    /// <summary>What a program that has ended reported.</summary>
    public static ScriptReport Read(ChildProcess script, HostProcess? host) => new(
        $"script:\n{script.Output}{script.Errors}\nhost:\n{host?.Output}{host?.Errors}",
        from line in script.Output.Split('\n', StringSplitOptions.TrimEntries)
        where line.StartsWith('{')
        select JsonSerializer.Deserialize<Result>(line, JsonSerializerOptions.Web));

    /// <summary>Fails unless the check was reported, and passed.</summary>
    public void Expect(string check)
    {
        Assert.That(_results, Does.ContainKey(check), $"The script did not report it.\n{_transcript}");
        Assert.That(_results[check].Ok, Is.True, $"{_results[check].Detail}\n{_transcript}");
    }

    private sealed record Result(string Name, bool Ok, string Detail);
}
