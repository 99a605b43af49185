using System.Reflection;
using System.Text.RegularExpressions;
using RawWs.Tests.EndToEnd;

namespace RawWs.Tests.Architecture;

/// <summary>The page of what hostile input and faults must cause names tests that exist, and one for each line.</summary>
public partial class ReliabilityPageTests
{
    private static readonly string[] _lines = File.ReadAllLines(Path.Combine(Repository.Root, "docs", "reliability.md"));

    private static readonly ILookup<string, Type> _fixtures =
        typeof(ReliabilityPageTests).Assembly.GetTypes().ToLookup(type => type.Name);

    [Test]
    public void Every_test_that_the_page_names_exists()
    {
        var named = _lines.SelectMany(NamesOf).ToList();
        Assert.That(named, Has.Count.GreaterThan(80));
        Assert.That(named.Where(name => !IsTest(name)), Is.Empty);
    }

    [Test]
    public void Every_line_of_the_tables_names_a_test_or_says_what_is_expected()
    {
        var rows = _lines.TakeWhile(line => line != SeenRed)
            .Where(line => line.StartsWith("| ", StringComparison.Ordinal)).ToList();
        // Four heads, four rules below them, and the lines of the four.
        Assert.That(rows, Has.Count.EqualTo(4 + 4 + Inputs));
        Assert.That(rows.Where(row => !IsHead(row) && !TestName().IsMatch(row) && !row.Contains("*Expected*", StringComparison.Ordinal)), Is.Empty);
    }

    [Test]
    public void Every_line_of_the_tables_names_a_test_that_was_seen_red()
    {
        var red = _lines.SkipWhile(line => line != SeenRed).SelectMany(NamesOf).ToHashSet();
        var lines = _lines.TakeWhile(line => line != SeenRed).Where(line => NamesOf(line).Any() && line[0] == '|');
        Assert.That(lines.Where(line => !NamesOf(line).Any(red.Contains)), Is.Empty);
    }

    private const string SeenRed = "## Seen red";

    private const int Inputs = 25 + 10 + 12 + 14;

    [GeneratedRegex(@"`\w+Tests\.\w+`")]
    private static partial Regex TestName();

    private static IEnumerable<string> NamesOf(string line) =>
        TestName().Matches(line).Select(match => match.Value.Trim('`'));

    private static bool IsHead(string row) =>
        row.StartsWith("| --- ", StringComparison.Ordinal) || row.Contains("| What must h", StringComparison.Ordinal);

    private static bool IsTest(string name)
    {
        var (fixture, method) = (name.Split('.')[0], name.Split('.')[1]);
        return _fixtures[fixture].Any(type => type.GetMethods().Any(candidate =>
            candidate.Name == method
            && candidate.GetCustomAttributes().Any(attribute => attribute is TestAttribute or TestCaseAttribute or TestCaseSourceAttribute)));
    }
}
