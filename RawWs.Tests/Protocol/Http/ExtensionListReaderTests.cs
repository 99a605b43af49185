using RawWs.Protocol.Http;

namespace RawWs.Tests.Protocol.Http;

public sealed class ExtensionListReaderTests
{
    [TestCase("permessage-deflate", "permessage-deflate")]
    [TestCase("a;b", "a;b")]
    [TestCase("a ; b = 1 ;c,d", "a;b=1;c,d")]
    [TestCase("a;b=\"1\"", "a;b=1")]
    [TestCase("a;b=\"\\1\\0\"", "a;b=10")]
    [TestCase("a;b;b=2", "a;b;b=2")]
    [TestCase("a\t,\ta", "a,a")]
    [TestCase("permessage-deflate; client_max_window_bits; server_max_window_bits=10, permessage-deflate",
        "permessage-deflate;client_max_window_bits;server_max_window_bits=10,permessage-deflate")]
    public void Reads_a_list_of_offers(string line, string expected)
    {
        var offers = new List<ExtensionOffer>();
        Assert.That(ExtensionListReader.TryRead(line, offers), Is.True);
        Assert.That(string.Join(',', offers.Select(Text)), Is.EqualTo(expected));
    }

    [TestCase("")]
    [TestCase(",")]
    [TestCase("a,")]
    [TestCase(",a")]
    [TestCase("a,,b")]
    [TestCase("a;")]
    [TestCase("a;;b")]
    [TestCase("a;b=")]
    [TestCase("a;=1")]
    [TestCase("a;b=1 2")]
    [TestCase("a b")]
    [TestCase("a=b")]
    [TestCase("a;b==1")]
    [TestCase("\"a\"")]
    [TestCase("a;\"b\"")]
    [TestCase("a;b=\"")]
    [TestCase("a;b=\"1")]
    [TestCase("a;b=\"1\\")]
    [TestCase("a;b=\"\\\"")]
    [TestCase("a;b=\"\"")]
    [TestCase("a;b=\"1 2\"")]
    [TestCase("a;b=\"1,2\"")]
    [TestCase("a;b=\"1\\\"2\"")]
    [TestCase("a;b=\"1\"x")]
    [TestCase("a;b=\u00e9")]
    [TestCase("a/b")]
    [TestCase("a;b=(1)")]
    public void Anything_else_is_malformed(string line) =>
        Assert.That(ExtensionListReader.TryRead(line, []), Is.False);

    private static string Text(ExtensionOffer offer) =>
        string.Concat(offer.Parameters.Select(Text).Prepend(offer.Name));

    private static string Text(ExtensionParameter parameter) =>
        parameter.Value is null ? $";{parameter.Name}" : $";{parameter.Name}={parameter.Value}";
}
