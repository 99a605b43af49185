using RawWs.Server.Http;

namespace RawWs.Tests.Server.Http;

public class StaticFileTests
{
    private static readonly DateTimeOffset Changed = new(1994, 11, 6, 8, 49, 37, TimeSpan.Zero);

    private static readonly StaticFile Strong = new("text/plain", 1, Changed, "\"a,b\"", () => Stream.Null);
    private static readonly StaticFile Weak = new("text/plain", 1, Changed, "W/\"a,b\"", () => Stream.Null);

    [TestCase("\"a,b\"", true)]
    [TestCase("W/\"a,b\"", true)]
    [TestCase("*", true)]
    [TestCase(" * ", true)]
    [TestCase("\"x\", W/\"y\",\t\"a,b\"", true)]
    [TestCase(",, \"x\" ,,\"a,b\",", true)]
    [TestCase("\"a,b\" garbage", true)]
    [TestCase("", false)]
    [TestCase(",", false)]
    [TestCase("a,b", false)]
    [TestCase("\"a\", \"b\"", false)]
    [TestCase("\"A,B\"", false)]
    [TestCase("w/\"a,b\"", false)]
    [TestCase("W/", false)]
    [TestCase("\"", false)]
    [TestCase("\"a,b", false)]
    [TestCase("garbage \"a,b\"", false)]
    [TestCase("\"x\", *", false)]
    public void A_tag_of_the_list_matches_weakly(string ifNoneMatch, bool matches) => Assert.Multiple(() =>
    {
        Assert.That(Strong.Matches(ifNoneMatch, null), Is.EqualTo(matches));
        Assert.That(Weak.Matches(ifNoneMatch, null), Is.EqualTo(matches));
    });

    [TestCase("Sun, 06 Nov 1994 08:49:37 GMT", true)]
    [TestCase("Sunday, 06-Nov-94 08:49:37 GMT", true)]
    [TestCase("Sun Nov  6 08:49:37 1994", true)]
    [TestCase("Mon, 07 Nov 1994 08:49:37 GMT", true)]
    [TestCase("Sun, 06 Nov 1994 08:49:36 GMT", false)]
    [TestCase("1994-11-06T08:49:37Z", false)]
    [TestCase("yesterday", false)]
    [TestCase("", false)]
    [TestCase(null, false)]
    public void A_date_in_any_of_the_three_forms_of_HTTP_matches_if_nothing_changed_since(string? date, bool matches) =>
        Assert.That(Strong.Matches(null, date), Is.EqualTo(matches));

    [Test]
    public void A_date_does_not_count_beside_a_tag() =>
        Assert.That(Strong.Matches("\"x\"", "Mon, 07 Nov 1994 08:49:37 GMT"), Is.False);
}
