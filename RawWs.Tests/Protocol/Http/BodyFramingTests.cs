namespace RawWs.Tests.Protocol.Http;

public sealed class BodyFramingTests
{
    [TestCase("0", 0L)]
    [TestCase("3", 3L)]
    [TestCase("0003", 3L)]
    [TestCase("9223372036854775807", long.MaxValue)]
    public void A_content_length_is_a_decimal_number(string value, long length)
    {
        var head = Feed.Head(Feed.Request($"Content-Length: {value}\r\n"));
        Assert.That(head.ContentLength, Is.EqualTo(length));
        Assert.That(head.HasBody, Is.EqualTo(length > 0));
        Assert.That(head.IsChunked, Is.False);
    }

    [TestCase("")]
    [TestCase("3, 3")]
    [TestCase("3,3")]
    [TestCase("+3")]
    [TestCase("-1")]
    [TestCase("-0")]
    [TestCase("0x3")]
    [TestCase("a")]
    [TestCase("3 3")]
    [TestCase("3.0")]
    [TestCase("1e1")]
    [TestCase("3;")]
    [TestCase("\u00b2")]
    [TestCase("9223372036854775808")]
    [TestCase("18446744073709551619")]
    [TestCase("99999999999999999999999999999")]
    public void Any_other_content_length_is_400(string value) =>
        Assert.That(Feed.Verdict(Feed.Request($"Content-Length: {value}\r\n")), Is.EqualTo(400));

    [TestCase("3", "3")]
    [TestCase("3", "4")]
    [TestCase("0", "0")]
    public void Two_content_lengths_are_400(string first, string second)
    {
        var lines = $"Content-Length: {first}\r\ncontent-length: {second}\r\n";
        Assert.That(Feed.Verdict(Feed.Request(lines)), Is.EqualTo(400));
    }

    [TestCase("chunked")]
    [TestCase("Chunked")]
    [TestCase("CHUNKED")]
    public void Chunked_is_understood(string value)
    {
        var head = Feed.Head(Feed.Request($"Transfer-Encoding: {value}\r\n"));
        Assert.That((head.IsChunked, head.HasBody, head.ContentLength),
            Is.EqualTo((true, true, (long?)null)));
    }

    [TestCase("", 400)]
    [TestCase("chunked, chunked", 400)]
    [TestCase("chunked,", 400)]
    [TestCase(",chunked", 400)]
    [TestCase("chunked;q=1", 400)]
    [TestCase("\"chunked\"", 400)]
    [TestCase("chunked gzip", 400)]
    [TestCase("chunked, gzip", 400)]
    [TestCase("chunked, identity", 400)]
    [TestCase("\u00a0chunked", 400)]
    [TestCase("gzip, chunked", 501)]
    [TestCase("gzip", 501)]
    [TestCase("identity", 501)]
    [TestCase("xchunked", 501)]
    public void Any_other_transfer_coding_is_an_error(string value, int verdict) =>
        Assert.That(Feed.Verdict(Feed.Request($"Transfer-Encoding: {value}\r\n")), Is.EqualTo(verdict));

    [Test]
    public void Two_lines_of_transfer_codings_are_one_list()
    {
        var lines = "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n";
        Assert.That(Feed.Verdict(Feed.Request(lines)), Is.EqualTo(400));
    }

    [TestCase("Content-Length: 3\r\nTransfer-Encoding: chunked\r\n")]
    [TestCase("Transfer-Encoding: chunked\r\nContent-Length: 3\r\n")]
    [TestCase("Transfer-Encoding: gzip\r\nContent-Length: 0\r\n")]
    public void Both_at_once_are_400(string lines) =>
        Assert.That(Feed.Verdict(Feed.Request(lines)), Is.EqualTo(400));

    [Test]
    public void Transfer_encoding_in_http_1_0_is_400() =>
        Assert.That(Feed.Verdict("POST / HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n"), Is.EqualTo(400));
}
