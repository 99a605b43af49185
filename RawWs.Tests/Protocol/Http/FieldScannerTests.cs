using System.Text;
using RawWs.Protocol.Http;

namespace RawWs.Tests.Protocol.Http;

public sealed class FieldScannerTests
{
    private static readonly (string Name, string Lines)[] _malformed =
    [
        ("a bare LF after a value", "A: b\n"),
        ("two bare LFs after a value", "A: b\n\n"),
        ("a bare LF in a value", "A: b\nB: c\r\n"),
        ("a bare CR in a value", "A: b\rc\r\n"),
        ("two CRs at the end", "A: b\r\r\n"),
        ("NUL in a value", "A: b\0c\r\n"),
        ("another control character in a value", "A: b\x01\r\n"),
        ("DEL in a value", "A: b\x7F\r\n"),
        ("obs-fold with a space", "A: b\r\n c\r\n"),
        ("obs-fold with a tab", "A: b\r\n\tc\r\n"),
        ("a space before the colon", "A : b\r\n"),
        ("a tab before the colon", "A\t: b\r\n"),
        ("an empty name", ": b\r\n"),
        ("no colon", "A\r\n"),
        ("no colon and a bare LF", "A\n"),
        ("a space in a name", "A B: c\r\n"),
        ("a byte above 7F in a name", "\u00c4: c\r\n"),
        ("a separator in a name", "A(: c\r\n"),
        ("NUL in a name", "A\0: c\r\n"),
        ("a bare LF as empty line", "A: b\r\n\n"),
        ("a bare CR as empty line", "A: b\r\n\rX"),
    ];

    private static IEnumerable<TestCaseData> Malformed =>
        _malformed.Select(c => new TestCaseData(c.Lines).SetArgDisplayNames(c.Name));

    [TestCaseSource(nameof(Malformed))]
    public void A_malformed_header_is_400(string lines) =>
        Assert.That(Feed.Verdict(Feed.Request(lines)), Is.EqualTo(400));

    [TestCaseSource(nameof(Malformed))]
    public void A_malformed_trailer_is_400(string lines)
    {
        var outcome = Feed.Body(BodyReaderTests.Chunked, $"0\r\n{lines}\r\n");
        Assert.That(outcome.Error.Status, Is.EqualTo(400));
    }

    [Test]
    public void White_space_at_the_start_of_the_first_line_is_400() =>
        Assert.That(Feed.Verdict("GET / HTTP/1.1\r\n Host: h\r\n\r\n"), Is.EqualTo(400));

    [Test]
    public void Fails_at_the_first_bad_byte() =>
        Assert.That(Feed.Verdict("GET / HTTP/1.1\r\nA "), Is.EqualTo(400));

    [Test]
    public void White_space_around_a_value_is_no_part_of_it()
    {
        var head = Feed.Head(Feed.Request("A:\t  b \t c\t \r\nB:   \r\n"));
        Assert.That(head.Headers.Get("A"), Is.EqualTo("b \t c"));
        Assert.That(head.Headers.Get("B"), Is.Empty);
    }

    [Test]
    public void Bytes_above_7F_in_a_value_are_kept_one_to_one()
    {
        var head = Feed.Head(Feed.Request("A: \u0080\u00e9\u00ff\r\n"));
        Assert.That(head.Headers.Get("A"), Is.EqualTo("\u0080\u00e9\u00ff"));
    }

    [Test]
    public void Every_token_character_may_be_in_a_name()
    {
        var name = "!#$%&'*+-.^_`|~09AZaz";
        Assert.That(Feed.Head(Feed.Request($"{name}:v\r\n")).Headers.Get(name), Is.EqualTo("v"));
    }

    [TestCase("", 0, false)]
    [TestCase("A:1\r\n", 5, false)]
    [TestCase("A:1\r\n", 4, true)]
    [TestCase("A:1\r\nB:2\r\n", 10, false)]
    [TestCase("A:1\r\nB:2\r\n", 9, true)]
    public void The_limit_counts_the_lines_with_their_ends(string lines, int limit, bool isOver)
    {
        var scanner = new FieldScanner(limit, 100);
        var bytes = Encoding.ASCII.GetBytes(lines + "\r\n");
        var position = 0;
        FieldScan scan;
        do
        {
            scan = scanner.Scan(bytes, ref position);
        }
        while (scan == FieldScan.Line);

        Assert.That(scan, Is.EqualTo(isOver ? FieldScan.Failed : FieldScan.End));
        Assert.That(scanner.Error.Status, Is.EqualTo(isOver ? 431 : 0));
    }
}
