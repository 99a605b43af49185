using System.Text.RegularExpressions;

namespace RawWs.Tests.EndToEnd;

/// <summary>A Socket.IO client in another language, python-socketio, against the conformance host in each mode.</summary>
[TestFixture("polling")]
[TestFixture("websocket")]
[TestFixture("upgrade")]
public sealed partial class PythonClientTests(string mode)
{
    private static readonly TimeSpan ScriptLimit = TimeSpan.FromMinutes(3);
    private static readonly string Program =
        Path.Combine(Repository.Root, "RawWs.Tests", "EndToEnd", "python", "scenarios.py");

    private ScriptReport _report = null!;

    [OneTimeSetUp]
    public async Task Run_the_scenarios()
    {
        await using var host = await HostProcess.StartAsync("conformance", "--port", "0");
        // The system's own interpreter: it has the packages of the system.
        _report = await ScriptReport.RunAsync(
            "/usr/bin/python3", [Program, host.Address.AbsoluteUri, mode], ScriptLimit, host);
    }

    [TestCaseSource(nameof(Scenarios))]
    public void Python_client(string scenario) => _report.Expect(scenario);

    [Test]
    public void Every_scenario_is_a_test_here() => Assert.That(_report.Names, Is.EquivalentTo(Scenarios()));

    private static IEnumerable<string> Scenarios() =>
        from Match match in ScenarioName().Matches(File.ReadAllText(Program)) select match.Groups[1].Value;

    [GeneratedRegex("""^    "(python: [^"]+)": """, RegexOptions.Multiline)]
    private static partial Regex ScenarioName();
}
