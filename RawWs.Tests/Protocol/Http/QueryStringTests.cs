using RawWs.Protocol.Http;

namespace RawWs.Tests.Protocol.Http;

public sealed class QueryStringTests
{
    [TestCase("EIO=4&transport=polling&sid=a", "transport", "polling")]
    [TestCase("a=1&a=2", "a", "1")]
    [TestCase("a=b=c", "a", "b=c")]
    [TestCase("a", "a", "")]
    [TestCase("a=", "a", "")]
    [TestCase("=x", "", "x")]
    [TestCase("&&a=1&", "a", "1")]
    [TestCase("a=one+two%2Bthree", "a", "one two+three")]
    [TestCase("%61%3D=1", "a=", "1")]
    [TestCase("a+b=1", "a b", "1")]
    [TestCase("a=%C3%A9", "a", "é")]
    [TestCase("a=é%C3%A9", "a", "éé")]
    [TestCase("a=%f0%9f%98%80", "a", "😀")]
    [TestCase("a=%", "a", "%")]
    [TestCase("a=%4", "a", "%4")]
    [TestCase("a=%zz%41", "a", "%zzA")]
    [TestCase("a=%%41", "a", "%A")]
    [TestCase("a=%2541", "a", "%41")]
    [TestCase("a=%C3", "a", "\ufffd")]
    [TestCase("a=%00", "a", "\0")]
    public void Gets_the_first_value_decoded(string query, string name, string value) =>
        Assert.That(QueryString.Get(query, name), Is.EqualTo(value));

    [TestCase("", "a")]
    [TestCase("A=1", "a")]
    [TestCase("ab=1", "a")]
    [TestCase("b=a", "a")]
    [TestCase("&", "")]
    public void An_absent_name_is_null(string query, string name) =>
        Assert.That(QueryString.Get(query, name), Is.Null);

    [Test]
    public void Enumerates_all_pairs_in_order()
    {
        var pairs = QueryString.Enumerate("&a=1&&b&c+=%3D&a=2&").Select(pair => $"[{pair.Key}]={pair.Value}");
        Assert.That(pairs, Is.EqualTo(["[a]=1", "[b]=", "[c ]==", "[a]=2"]));
        Assert.That(QueryString.Enumerate(""), Is.Empty);
        Assert.That(QueryString.Enumerate("&&&"), Is.Empty);
    }

    [Test]
    public void Never_throws()
    {
        var random = new Random(20260101);
        const string alphabet = "%%%+&&==a4Fz\0é\ud83d";
        for (var i = 0; i < 20_000; i++)
        {
            var query = new string(random.GetItems<char>(alphabet, random.Next(24)));
            var pairs = QueryString.Enumerate(query).ToList();
            Assert.That(pairs.All(pair => QueryString.Get(query, pair.Key) is not null), Is.True, query);
        }
    }
}
