using RawWs.Protocol.Http;

namespace RawWs.Tests.Protocol.Http;

public sealed class BodyReaderTests
{
    internal const string Chunked = "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n";

    private static string Counted(long length) =>
        $"POST / HTTP/1.1\r\nHost: h\r\nContent-Length: {length}\r\n\r\n";

    [Test]
    public void Reads_a_body_of_a_known_length_and_no_more()
    {
        var outcome = Feed.Body(Counted(5), "helloGET /");
        Assert.That(outcome, Is.EqualTo(new BodyOutcome(HttpParseStatus.Complete, default, "hello", 5)));
    }

    [TestCase("GET / HTTP/1.1\r\nHost: h\r\n\r\n")]
    [TestCase("POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 0\r\n\r\n")]
    public void A_request_without_a_body_is_complete_at_once(string head)
    {
        var outcome = Feed.Body(head, "GET /");
        Assert.That(outcome, Is.EqualTo(new BodyOutcome(HttpParseStatus.Complete, default, "", 0)));
    }

    [Test]
    public void Waits_for_the_rest_of_a_body()
    {
        Assert.That(Feed.Body(Counted(5), "hell").Status, Is.EqualTo(HttpParseStatus.Incomplete));
        Assert.That(Feed.Body(Chunked, "5\r\nhello\r\n0\r\n\r").Status,
            Is.EqualTo(HttpParseStatus.Incomplete));
    }

    [TestCase("0\r\n\r\n", "")]
    [TestCase("5\r\nhello\r\n0\r\n\r\n", "hello")]
    [TestCase("005\r\nhello\r\n000\r\n\r\n", "hello")]
    [TestCase("1\r\nh\r\n4\r\nello\r\n0\r\n\r\n", "hello")]
    [TestCase("a\r\n0123456789\r\n0\r\n\r\n", "0123456789")]
    [TestCase("A\r\n0123456789\r\n0\r\n\r\n", "0123456789")]
    [TestCase("2\r\n\r\n\r\n0\r\n\r\n", "\r\n")]
    [TestCase("5;name=value\r\nhello\r\n0;last\r\n\r\n", "hello")]
    [TestCase("5;name=\"quoted ; text\"\r\nhello\r\n0\r\n\r\n", "hello")]
    public void Decodes_chunks(string wire, string text)
    {
        var outcome = Feed.Body(Chunked, wire + "GET /");
        Assert.That(outcome,
            Is.EqualTo(new BodyOutcome(HttpParseStatus.Complete, default, text, wire.Length)));
    }

    [Test]
    public void Trailers_are_dropped()
    {
        var wire = "5\r\nhello\r\n0\r\nContent-Length: 3\r\nHost: evil\r\n\r\n";
        var outcome = Feed.Body(Chunked, wire);
        Assert.That(outcome,
            Is.EqualTo(new BodyOutcome(HttpParseStatus.Complete, default, "hello", wire.Length)));
    }

    [TestCase("5\nhello\r\n0\r\n\r\n", TestName = "A bare LF after a chunk size is rejected")]
    [TestCase("5\rhello", TestName = "A bare CR after a chunk size is rejected")]
    [TestCase("5;a\n", TestName = "LF in an extension is rejected")]
    [TestCase("5;a\rb", TestName = "CR in an extension is rejected")]
    [TestCase("5;a\0", TestName = "NUL in an extension is rejected")]
    [TestCase("0x5\r\nhello\r\n", TestName = "A chunk size with 0x is rejected")]
    [TestCase(" 5\r\nhello\r\n", TestName = "A space before a chunk size is rejected")]
    [TestCase("5 \r\nhello\r\n", TestName = "A space after a chunk size is rejected")]
    [TestCase("5\t;a\r\nhello\r\n", TestName = "A tab after a chunk size is rejected")]
    [TestCase("-5\r\nhello\r\n", TestName = "A negative chunk size is rejected")]
    [TestCase("+5\r\nhello\r\n", TestName = "A chunk size with a sign is rejected")]
    [TestCase("5_0\r\n", TestName = "An underscore in a chunk size is rejected")]
    [TestCase("\r\nhello", TestName = "A missing chunk size is rejected")]
    [TestCase(";a\r\n", TestName = "An extension without a chunk size is rejected")]
    [TestCase("g\r\n", TestName = "A chunk size that is no number is rejected")]
    [TestCase("8000000000000000\r\n", TestName = "A chunk size of 2^63 is rejected")]
    [TestCase("FFFFFFFFFFFFFFFF\r\n", TestName = "A chunk size of 2^64 - 1 is rejected")]
    [TestCase("10000000000000005\r\n", TestName = "A chunk size that overflows to 5 is rejected")]
    [TestCase("00000000000000005\r\n", TestName = "A chunk size of 17 digits is rejected")]
    [TestCase("5\r\nhelloX", TestName = "Data beyond a chunk is rejected")]
    [TestCase("5\r\nhello\n", TestName = "A bare LF after a chunk is rejected")]
    [TestCase("5\r\nhello\rX", TestName = "A bare CR after a chunk is rejected")]
    [TestCase("5\r\nhello0\r\n\r\n", TestName = "A chunk without CRLF is rejected")]
    [TestCase("0\r\n\n", TestName = "A bare LF after the last chunk is rejected")]
    public void A_malformed_chunk_is_400(string wire) =>
        Assert.That(Feed.Body(Chunked, wire).Error.Status, Is.EqualTo(400));

    [TestCase(4096, 0)]
    [TestCase(4097, 400)]
    public void Extensions_have_a_limit(int length, int verdict)
    {
        var wire = $"5;{new string('e', length - 1)}\r\nhello\r\n0\r\n\r\n";
        Assert.That(Feed.Body(Chunked, wire).Error.Status, Is.EqualTo(verdict));
    }

    [TestCase(1024, 0)]
    [TestCase(1025, 400)]
    public void The_limit_on_extensions_counts_all_chunks(int chunks, int verdict)
    {
        var wire = string.Concat(Enumerable.Repeat("1;ext\r\nx\r\n", chunks)) + "0\r\n\r\n";
        Assert.That(Feed.Body(Chunked, wire).Error.Status, Is.EqualTo(verdict));
    }

    [Test]
    public void Trailers_have_a_limit_in_bytes()
    {
        var fits = $"0\r\nA:{new string('v', 32764)}\r\n\r\n";
        Assert.That(Feed.Body(Chunked, fits).Error.Status, Is.Zero);
        Assert.That(Feed.Body(Chunked, fits.Replace("A:", "AA:")).Error.Status, Is.EqualTo(431));
    }

    [TestCase(100, 0)]
    [TestCase(101, 431)]
    public void Trailers_have_a_limit_in_lines(int count, int verdict)
    {
        var wire = "0\r\n" + string.Concat(Enumerable.Repeat("a:b\r\n", count)) + "\r\n";
        Assert.That(Feed.Body(Chunked, wire).Error.Status, Is.EqualTo(verdict));
    }

    [TestCase(1_000_000, HttpParseStatus.Incomplete, 0)]
    [TestCase(1_000_001, HttpParseStatus.Failed, 413)]
    [TestCase(long.MaxValue, HttpParseStatus.Failed, 413)]
    public void A_length_over_the_limit_is_413_before_any_of_it_came(
        long length, HttpParseStatus status, int verdict)
    {
        var outcome = Feed.Body(Counted(length), "");
        Assert.That((outcome.Status, outcome.Error.Status), Is.EqualTo((status, verdict)));
    }

    [TestCase("f4240\r", HttpParseStatus.Incomplete, 0)]
    [TestCase("f4241\r", HttpParseStatus.Failed, 413)]
    [TestCase("f4241;", HttpParseStatus.Failed, 413)]
    [TestCase("7FFFFFFFFFFFFFFF\r", HttpParseStatus.Failed, 413)]
    [TestCase("1\r\nx\r\nf4240\r", HttpParseStatus.Failed, 413)]
    public void A_chunk_size_over_the_limit_is_413_before_any_of_it_came(
        string wire, HttpParseStatus status, int verdict)
    {
        var outcome = Feed.Body(Chunked, wire);
        Assert.That((outcome.Status, outcome.Error.Status), Is.EqualTo((status, verdict)));
    }

    [Test]
    public void A_body_of_exactly_the_limit_passes()
    {
        var limits = new HttpLimits { MaxBodyBytes = 4 };
        Assert.That(Feed.Body(Counted(4), "abcd", limits).Text, Is.EqualTo("abcd"));
        Assert.That(Feed.Body(Chunked, "3\r\nabc\r\n1\r\nd\r\n0\r\n\r\n", limits).Text, Is.EqualTo("abcd"));
        Assert.That(Feed.Body(Chunked, "3\r\nabc\r\n2\r\nde\r\n", limits).Error.Status, Is.EqualTo(413));
    }

    [Test]
    public void Stays_complete_or_failed()
    {
        var complete = new BodyReader(Feed.Head(Chunked), Feed.Defaults);
        complete.Read("0\r\n\r\n"u8, [], out _, out _);
        Assert.That(complete.Read("5\r\n"u8, [], out var consumed, out _),
            Is.EqualTo(HttpParseStatus.Complete));
        Assert.That(consumed, Is.Zero);

        var failed = new BodyReader(Feed.Head(Chunked), Feed.Defaults);
        failed.Read("x"u8, [], out _, out _);
        Assert.That(failed.Read("0\r\n\r\n"u8, [], out consumed, out _), Is.EqualTo(HttpParseStatus.Failed));
        Assert.That(consumed, Is.Zero);
    }
}
