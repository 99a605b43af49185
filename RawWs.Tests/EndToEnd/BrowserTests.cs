using System.Text.Json;

namespace RawWs.Tests.EndToEnd;

/// <summary>The demo pages of the real host in a real browser; each check of the script is a test.</summary>
[TestFixture]
[Category("Browser")]
public sealed class BrowserTests
{
    /// <summary>The names that the script reports; one that it does not report is a failed test.</summary>
    private static readonly string[] Checks =
    [
        "the story opens and shows its connection id",
        "random numbers flow and the greeting is sent once",
        "a value above 0.95 brings warn one second later",
        "warnings are counted up while other events go on",
        "a warning goes to its own client alone",
        "a newcomer is announced to the others and welcomed by all",
        "pause holds the numbers back and resume lets them go",
        "a client of nothing but new WebSocket is served",
        "a message that is no envelope is answered with an error",
        "quotes move without being asked for",
        "buying a ticket is acknowledged and seen in another tab",
        "what one tab says the other gets, with the sender's id",
        "one's own message is shown once and not echoed",
        "markup in a message stays text",
        "the state line shows a close with its code and reason, and reconnects",
        "reconnect now does not wait",
        "every page's console is free of errors and warnings",
        "every page works under a strict content security policy",
        "no page scrolls sideways on a phone",
        "text stands out in the light and in the dark",
        "every control has a name and the keyboard reaches the content first",
    ];

    private const string RestartCheck = "the pages come back after the server was restarted";

    private static readonly TimeSpan ScriptLimit = TimeSpan.FromMinutes(6);
    private static readonly TimeSpan ReadyLimit = TimeSpan.FromMinutes(2);
    private static readonly string Folder =
        Path.Combine(Repository.Root, "RawWs.Tests", "EndToEnd", "browser");

    private readonly Dictionary<string, Result> _results = [];
    private string _transcript = "";

    [OneTimeSetUp]
    public async Task Run_the_script()
    {
        await using var host = await HostProcess.ServeAsync();
        await using var script = StartScript(host.Address);
        await script.WaitForExitAsync(ScriptLimit);
        _transcript = Transcript(script, host);
        foreach (var result in Results(script.Output))
            _results.Add(result.Name, result);
    }

    [TestCaseSource(nameof(Checks))]
    public void In_a_browser(string check)
    {
        Assert.That(_results, Does.ContainKey(check), $"The script did not report it.\n{_transcript}");
        Assert.That(_results[check].Ok, Is.True, $"{_results[check].Detail}\n{_transcript}");
    }

    [Test]
    public void Every_check_of_the_script_is_a_test_here() =>
        Assert.That(_results.Keys, Is.SubsetOf(Checks));

    [Test]
    public async Task The_pages_come_back_after_the_server_was_restarted()
    {
        await using var first = await HostProcess.ServeAsync();
        await using var script = StartScript(first.Address, "--check", "reconnect");
        await script.WaitForLineAsync("ready-for-restart", ReadyLimit);
        Assert.That(await first.StopAsync(), Is.Zero, first.Errors);

        await using var second = await HostProcess.StartAsync("serve", "--port", $"{first.Address.Port}");
        await script.WaitForExitAsync(ScriptLimit);
        var result = Results(script.Output).SingleOrDefault(r => r.Name == RestartCheck);
        Assert.That(result?.Ok, Is.True, $"{result?.Detail}\n{Transcript(script, second)}");
    }

    private static ChildProcess StartScript(Uri address, params IEnumerable<string> options)
    {
        if (!Directory.Exists(Path.Combine(Folder, "node_modules", "playwright-core")))
            Assert.Fail($"The browser tests are not installed: run ./test.sh, or `npm ci` in {Folder}.");
        var program = Path.Combine(Folder, "demo-pages.mjs");
        return ChildProcess.Start("node", [program, address.AbsoluteUri, .. options]);
    }

    private static IEnumerable<Result> Results(string output) =>
        from line in output.Split('\n', StringSplitOptions.TrimEntries)
        where line.StartsWith('{')
        select JsonSerializer.Deserialize<Result>(line, JsonSerializerOptions.Web);

    private static string Transcript(ChildProcess script, HostProcess host) =>
        $"script:\n{script.Output}{script.Errors}\nhost:\n{host.Output}{host.Errors}";

    private sealed record Result(string Name, bool Ok, string Detail);
}
