using System.Text.RegularExpressions;
using RawWs.Tests.Support;

namespace RawWs.Tests.EndToEnd;

/// <summary>
/// The official Socket.IO and Engine.IO clients, in Node, against the conformance host in each mode, and over TLS in the
/// one that has both transports in it.
/// </summary>
[TestFixture("polling", false)]
[TestFixture("websocket", false)]
[TestFixture("upgrade", false)]
[TestFixture("upgrade", true)]
public sealed partial class SocketIoClientTests(string mode, bool isSecure)
{
    private const string Package = "socketio";

    private static readonly TimeSpan ScriptLimit = TimeSpan.FromMinutes(5);

    private ScriptReport _script = null!;

    [OneTimeSetUp]
    public async Task Run_the_scenarios()
    {
        using var files = new PemFiles(TestCertificates.Localhost);
        await using var host = await HostProcess.StartAsync(
            ["conformance", "--port", "0", .. isSecure ? files.Options : []]);
        _script = await ScriptReport.RunNodeAsync(Package, host, ScriptLimit, "scenarios.mjs", mode);
    }

    [TestCaseSource(nameof(Scenarios))]
    public void Official_client(string scenario) => _script.Expect(scenario);

    [Test]
    public void Every_scenario_is_a_test_here() => Assert.That(_script.Names, Is.EquivalentTo(Scenarios()));

    /// <summary>The names of the scenarios, from their source: one that does not run is a failed test.</summary>
    private static IEnumerable<string> Scenarios() =>
        from file in Directory.EnumerateFiles(
            Path.Combine(Repository.Root, "RawWs.Tests", "EndToEnd", Package, "scenarios"), "*.mjs").Order()
        from Match match in ScenarioName().Matches(File.ReadAllText(file))
        select match.Groups[1].Value;

    [GeneratedRegex("""^  "([^"]+)": async""", RegexOptions.Multiline)]
    private static partial Regex ScenarioName();
}

/// <summary>Official clients that are cut off and come back.</summary>
[TestFixture]
public sealed class SocketIoRecoveryClientTests
{
    [TestCase("polling")]
    [TestCase("websocket")]
    [TestCase("upgrade")]
    public async Task A_client_that_was_cut_off_recovers(string mode)
    {
        await using var host = await HostProcess.StartAsync("conformance", "--port", "0", "--recovery");
        var script = await ScriptReport.RunNodeAsync(
            "socketio", host, TimeSpan.FromMinutes(5), "recovery.mjs", mode, "1500");
        script.Expect($"a client is cut off and comes back over {mode}");
    }
}

/// <summary>Official clients that talk while they move from polling to a WebSocket.</summary>
[TestFixture]
public sealed class SocketIoUpgradeTests
{
    [TestCase(1000, false)]
    [TestCase(200, true)]
    public async Task Messages_of_many_upgrades_are_not_lost_doubled_or_reordered(int count, bool isSecure)
    {
        using var files = new PemFiles(TestCertificates.Localhost);
        await using var host = await HostProcess.StartAsync(
            ["conformance", "--port", "0", .. isSecure ? files.Options : []]);
        var script = await ScriptReport.RunNodeAsync("socketio", host, TimeSpan.FromMinutes(6), "upgrades.mjs", $"{count}");
        script.Expect($"{count} upgrades");
    }
}
