using RawWs.Protocol.Http;

namespace RawWs.Tests.Protocol.Http;

public sealed class HeaderListTests
{
    private static readonly HeaderList _headers = Create(("A", "1"), ("b", "x , Y"), ("a", "2"), ("B", "z"));

    [Test]
    public void Keeps_lines_in_order()
    {
        Assert.That(_headers.Select(line => $"{line.Key}={line.Value}"),
            Is.EqualTo(["A=1", "b=x , Y", "a=2", "B=z"]));
        Assert.That(_headers.Count, Is.EqualTo(4));
        Assert.That(_headers[2].Value, Is.EqualTo("2"));
    }

    [Test]
    public void Finds_names_in_any_case()
    {
        Assert.That(_headers.Get("a"), Is.EqualTo("1"));
        Assert.That(_headers.Values("A"), Is.EqualTo(["1", "2"]));
        Assert.That(_headers.Contains("B"), Is.True);
        Assert.That(_headers.Get("c"), Is.Null);
    }

    [Test]
    public void A_single_line_is_the_only_one_of_its_name()
    {
        Assert.That(Create(("a", "")).TryGetSingle("A", out var value), Is.True);
        Assert.That(value, Is.Empty);
        Assert.That(_headers.TryGetSingle("a", out value), Is.False);
        Assert.That(value, Is.Null);
        Assert.That(_headers.TryGetSingle("c", out _), Is.False);
    }

    [TestCase("X", true)]
    [TestCase("y", true)]
    [TestCase("z", true)]
    [TestCase("x , Y", false)]
    [TestCase("xy", false)]
    public void A_list_goes_over_all_lines(string element, bool isThere) =>
        Assert.That(_headers.HasElement("b", element), Is.EqualTo(isThere));

    private static HeaderList Create(params (string Name, string Value)[] lines)
    {
        var headers = new HeaderList();
        foreach (var (name, value) in lines) headers.Add(name, value);
        return headers;
    }
}
