using RawWs.Protocol.Http;

namespace RawWs.Tests.Protocol.Http;

public sealed class RequestParserTests
{
    [Test]
    public void Reads_a_request_head()
    {
        var head = Feed.Head(
            "GET /chat?room=a&b HTTP/1.1\r\nHost: example.com:8080\r\nAccept:  */*\t \r\nX-Empty:\r\n\r\n");
        using (Assert.EnterMultipleScope())
        {
            Assert.That(head.Method, Is.EqualTo("GET"));
            Assert.That(head.Target, Is.EqualTo("/chat?room=a&b"));
            Assert.That(head.Path, Is.EqualTo("/chat"));
            Assert.That(head.Query, Is.EqualTo("room=a&b"));
            Assert.That(head.IsHttp11, Is.True);
            Assert.That(head.Host, Is.EqualTo("example.com:8080"));
            Assert.That(head.Headers.Count, Is.EqualTo(3));
            Assert.That(head.Headers.Get("accept"), Is.EqualTo("*/*"));
            Assert.That(head.Headers.Get("X-Empty"), Is.Empty);
            Assert.That(head.HasBody, Is.False);
        }
    }

    [Test]
    public void Consumes_the_head_and_leaves_what_follows()
    {
        var head = Feed.Bytes(Feed.Request(""));
        var parser = new RequestParser(Feed.Defaults);
        var status = parser.Read([.. head, 0x81, 0x00, .. head], out _, out var consumed);
        Assert.That(status, Is.EqualTo(HttpParseStatus.Complete));
        Assert.That(consumed, Is.EqualTo(head.Length));
    }

    [Test]
    public void Reads_one_request_after_the_other()
    {
        var parser = new RequestParser(Feed.Defaults);
        for (var i = 0; i < 3; i++)
        {
            var wire = Feed.Bytes($"POST /{i} HTTP/1.{i % 2}\r\nHost: h{i}\r\nX-{i}: {i}\r\n\r\n");
            Assert.That(parser.Read(wire.AsSpan(0, 20), out _, out _),
                Is.EqualTo(HttpParseStatus.Incomplete));
            Assert.That(parser.HasStarted, Is.True);
            Assert.That(parser.Read(wire, out var head, out var consumed),
                Is.EqualTo(HttpParseStatus.Complete));
            Assert.That(parser.HasStarted, Is.False);
            Assert.That(consumed, Is.EqualTo(wire.Length));
            Assert.That(head!.Target, Is.EqualTo($"/{i}"));
            Assert.That(head.IsHttp11, Is.EqualTo(i == 1));
            Assert.That(head.Headers.Count, Is.EqualTo(2));
        }
    }

    [TestCase("GET /chat?a=b HTTP/1.1\r\nHost: h\r\n\r")]
    [TestCase("GET /chat?a=b HTTP/1.1\r\nHost: h\r\n")]
    [TestCase("GET /chat?a=b HTTP/1.1\r\nHost: h\r")]
    [TestCase("GET /chat?a=b HTTP/1.1")]
    [TestCase("G")]
    [TestCase("\r\n")]
    public void Waits_for_the_rest_of_a_head(string wire) => Assert.That(Feed.Verdict(wire), Is.EqualTo(-1));

    [Test]
    public void An_empty_line_before_the_request_line_is_skipped_and_consumed()
    {
        var wire = Feed.Bytes("\r\n" + Feed.Request(""));
        var outcome = Feed.Parse(wire);
        Assert.That(outcome.Status, Is.EqualTo(HttpParseStatus.Complete));
        Assert.That(outcome.Consumed, Is.EqualTo(wire.Length));
    }

    [Test]
    public void An_empty_line_alone_does_not_start_a_request()
    {
        var parser = new RequestParser(Feed.Defaults);
        Assert.That(parser.HasStarted, Is.False);
        parser.Read("\r\n"u8, out _, out _);
        Assert.That(parser.HasStarted, Is.False);
        parser.Read("\r\nG"u8, out _, out _);
        Assert.That(parser.HasStarted, Is.True);
    }

    [TestCase("\r\n\r\n", TestName = "Two empty lines before a request are rejected")]
    [TestCase("\n", TestName = "A bare LF before a request is rejected")]
    [TestCase("\rG", TestName = "A bare CR before a request is rejected")]
    [TestCase(" GET", TestName = "A space before a request is rejected")]
    [TestCase("\x16\x03\x01", TestName = "A TLS ClientHello is rejected")]
    [TestCase("\x16", TestName = "The first byte of a TLS ClientHello is rejected")]
    [TestCase("\x80\x2e", TestName = "An SSL 2 hello is rejected")]
    [TestCase("\x00", TestName = "NUL is rejected")]
    [TestCase("PRI * ", TestName = "The HTTP/2 preface is rejected before its version")]
    [TestCase("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", TestName = "The HTTP/2 preface is rejected")]
    [TestCase("{\"json\"", TestName = "Garbage is rejected")]
    [TestCase("hello\r", TestName = "A line of one word is rejected")]
    [TestCase("hello\n", TestName = "A line of one word and a bare LF is rejected")]
    [TestCase("GET  / HTTP/1.1", TestName = "Two spaces after the method are rejected")]
    [TestCase("GET\t/ HTTP/1.1", TestName = "A tab after the method is rejected")]
    [TestCase("G(T / HTTP/1.1", TestName = "A method that is no token is rejected")]
    [TestCase("GET /\r", TestName = "A request line without a version is rejected")]
    [TestCase("GET /\n", TestName = "A request line without a version and a bare LF is rejected")]
    [TestCase("GET /a\x00", TestName = "NUL in a target is rejected")]
    [TestCase("GET /a\x7F", TestName = "DEL in a target is rejected")]
    [TestCase("GET /\u00e9", TestName = "A byte above 7F in a target is rejected")]
    [TestCase("GET /a#b", TestName = "A fragment in a target is rejected")]
    [TestCase("GET / http", TestName = "A version in lower case is rejected")]
    [TestCase("GET /  HTTP/1.1", TestName = "Two spaces before the version are rejected")]
    [TestCase("GET / HTTP/1.1 ", TestName = "A space after the version is rejected")]
    [TestCase("GET / HTTP/1.10", TestName = "A version with two minor digits is rejected")]
    [TestCase("GET / HTTP/1.1\n", TestName = "A bare LF after the version is rejected")]
    [TestCase("GET / HTTP/1.1\rX", TestName = "A bare CR after the version is rejected")]
    [TestCase("GET / HTTP/1\r", TestName = "A version without minor digit is rejected")]
    [TestCase("GET / HTTP/x", TestName = "A version that is no number is rejected")]
    public void Malformed_request_lines_fail_at_the_first_bad_byte(string wire) =>
        Assert.That(Feed.Verdict(wire), Is.EqualTo(400));

    [TestCase("HTTP/1.2")]
    [TestCase("HTTP/1.9")]
    [TestCase("HTTP/2.0")]
    [TestCase("HTTP/3.0")]
    [TestCase("HTTP/0.9")]
    public void Another_version_is_505(string version) =>
        Assert.That(Feed.Verdict($"GET / {version}"), Is.EqualTo(505));

    [Test]
    public void A_method_up_to_32_bytes_is_passed_on()
    {
        var method = new string('M', 32);
        Assert.That(Feed.Head($"{method} / HTTP/1.1\r\nHost: h\r\n\r\n").Method, Is.EqualTo(method));
        Assert.That(Feed.Verdict(method + "M"), Is.EqualTo(501));
    }

    [TestCase(8192, 0)]
    [TestCase(8193, 414)]
    [TestCase(20000, 414)]
    public void A_request_line_has_a_limit(int length, int verdict)
    {
        var target = "/" + new string('a', length - "GET / HTTP/1.1".Length);
        Assert.That(Feed.Verdict($"GET {target} HTTP/1.1\r\nHost: h\r\n\r\n"), Is.EqualTo(verdict));
        Assert.That(Feed.Verdict($"\r\nGET {target} HTTP/1.1\r\nHost: h\r\n\r\n"), Is.EqualTo(verdict));
    }

    [Test]
    public void A_request_line_over_the_limit_fails_before_its_end()
    {
        Assert.That(Feed.Verdict("GET /" + new string('a', 8189)), Is.EqualTo(-1));
        Assert.That(Feed.Verdict("GET /" + new string('a', 8190)), Is.EqualTo(414));
    }

    [TestCase(32768, 0)]
    [TestCase(32769, 431)]
    [TestCase(50000, 431)]
    public void The_headers_have_a_limit_in_bytes(int length, int verdict)
    {
        var value = new string('v', length - "Host: h\r\nX: \r\n".Length);
        Assert.That(Feed.Verdict($"GET / HTTP/1.1\r\nHost: h\r\nX: {value}\r\n\r\n"), Is.EqualTo(verdict));
    }

    [TestCase(100, 0)]
    [TestCase(101, 431)]
    public void The_headers_have_a_limit_in_lines(int count, int verdict)
    {
        var lines = string.Concat(Enumerable.Repeat("a:b\r\n", count - 1));
        Assert.That(Feed.Verdict(Feed.Request(lines)), Is.EqualTo(verdict));
    }

    [Test]
    public void No_head_needs_more_than_4_KiB_over_the_limit_in_the_buffer()
    {
        Assert.That(Feed.Defaults.MaxHeadBytes, Is.EqualTo(32768 + 4096));
        var line = "GET /" + new string('a', 8000) + " HTTP/1.1\r\nHost: h\r\nX: ";
        var room = Feed.Defaults.MaxHeadBytes - line.Length;
        Assert.That(Feed.Verdict(line + new string('v', room)), Is.EqualTo(-1));
        Assert.That(Feed.Verdict(line + new string('v', room + 1)), Is.EqualTo(431));
        Assert.That(Feed.Verdict(line + new string('v', room - 4) + "\r\n\r\n"), Is.Zero);
    }

    [Test]
    public void Stays_failed()
    {
        var parser = new RequestParser(Feed.Defaults);
        parser.Read("\n"u8, out _, out _);
        var error = parser.Error;
        Assert.That(parser.Read(Feed.Bytes(Feed.Request("")), out var head, out var consumed),
            Is.EqualTo(HttpParseStatus.Failed));
        Assert.That((head, consumed, parser.Error), Is.EqualTo(((RequestHead?)null, 0, error)));
        Assert.That(parser.HasStarted, Is.True);
    }

    [Test]
    public void Bytes_taken_away_are_misuse()
    {
        var parser = new RequestParser(Feed.Defaults);
        parser.Read("GET /"u8, out _, out _);
        Assert.That(() => parser.Read("GET"u8, out _, out _), Throws.ArgumentException);
    }

    /// <summary>
    /// Each byte is spoilt once it has been seen, so a parser that looked twice would fail.
    /// </summary>
    [Test]
    public void No_byte_is_judged_twice()
    {
        var line = $"X-{new string('n', 300)}: {new string('v', 2900)}\r\n";
        var lines = string.Concat(Enumerable.Repeat(line, 10));
        var wire = Feed.Bytes($"GET /{new string('a', 4000)} HTTP/1.1\r\nHost: h\r\n{lines}\r\n");
        var fieldsStart = wire.AsSpan().IndexOf("X-"u8);
        var parser = new RequestParser(Feed.Defaults);
        for (var length = 1; length < wire.Length; length++)
        {
            var status = parser.Read(wire.AsSpan(0, length), out _, out _);
            Assert.That(status, Is.EqualTo(HttpParseStatus.Incomplete));
            if (length > fieldsStart) wire[length - 1] = 0;
        }

        Assert.That(parser.Read(wire, out var head, out var consumed), Is.EqualTo(HttpParseStatus.Complete));
        Assert.That(consumed, Is.EqualTo(wire.Length));
        Assert.That(head!.Headers.Count, Is.EqualTo(11));
    }
}
