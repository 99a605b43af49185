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
        "the yardstick's code does all it should",
        "the yardstick's code does all it should over polling alone",
        "an envelope tab and a Socket.IO tab chat with each other",
        "two tabs chat where no WebSocket gets through",
        "the story is told over Socket.IO",
        "quotes move and tickets are bought over Socket.IO",
        "a Socket.IO page shows how its connection ended, and comes back",
        "the switch of a page leads to the other dialect and keeps it",
        "a page without the client's script says how to install it",
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

    private static readonly string ClientFiles =
        Path.Combine(Folder, "node_modules", "socket.io-client", "dist");

    private ScriptReport _script = null!;

    [OneTimeSetUp]
    public async Task Run_the_script()
    {
        RequirePackages();
        await using var host = await HostProcess.ServeAsync("--client-files", ClientFiles);
        await using var script = StartScript(host.Address);
        await script.WaitForExitAsync(ScriptLimit);
        _script = ScriptReport.Read(script, host);
    }

    [TestCaseSource(nameof(Checks))]
    public void In_a_browser(string check) => _script.Expect(check);

    [Test]
    public void Every_check_of_the_script_is_a_test_here() =>
        Assert.That(_script.Names, Is.SubsetOf(Checks));

    [Test]
    public async Task The_pages_come_back_after_the_server_was_restarted()
    {
        RequirePackages();
        await using var first = await HostProcess.ServeAsync();
        await using var script = StartScript(first.Address, "--check", "reconnect");
        await script.WaitForLineAsync("ready-for-restart", ReadyLimit);
        Assert.That(await first.StopAsync(), Is.Zero, first.Errors);

        await using var second = await HostProcess.StartAsync("serve", "--port", $"{first.Address.Port}");
        await script.WaitForExitAsync(ScriptLimit);
        ScriptReport.Read(script, second).Expect(RestartCheck);
    }

    private static void RequirePackages()
    {
        if (!Directory.Exists(Path.Combine(Folder, "node_modules", "playwright-core")) || !Directory.Exists(ClientFiles))
            Assert.Fail($"The browser tests are not installed: run ./test.sh, or `npm ci` in {Folder}.");
    }

    private static ChildProcess StartScript(Uri address, params IEnumerable<string> options)
    {
        var program = Path.Combine(Folder, "demo-pages.mjs");
        return ChildProcess.Start("node", [program, address.AbsoluteUri, .. options]);
    }
}
