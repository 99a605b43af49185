using System.Buffers;
using System.Text;
using RawWs.Protocol.Http;

namespace RawWs.Tests.Protocol.Http;

public sealed class ResponseWriterTests
{
    [Test]
    public void Writes_a_response_with_content()
    {
        var text = Write(output => new ResponseWriter(output, 200)
            .Header("Cache-Control", "no-store")
            .Header("X-Number", -1234567890123)
            .End("ok"u8, "text/plain"));
        Assert.That(text, Is.EqualTo(
            "HTTP/1.1 200 OK\r\nCache-Control: no-store\r\nX-Number: -1234567890123\r\n"
            + "Content-Type: text/plain\r\nContent-Length: 2\r\n\r\nok"));
    }

    [Test]
    public void The_answer_to_HEAD_has_the_headers_only()
    {
        var text = Write(output => new ResponseWriter(output, 200).End("ok"u8, "text/plain", isHead: true));
        Assert.That(text, Does.EndWith("Content-Length: 2\r\n\r\n"));
    }

    [TestCase(200, "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")]
    [TestCase(204, "HTTP/1.1 204 No Content\r\n\r\n")]
    [TestCase(304, "HTTP/1.1 304 Not Modified\r\n\r\n")]
    [TestCase(599, "HTTP/1.1 599 \r\nContent-Length: 0\r\n\r\n")]
    public void A_response_without_content_says_so_where_it_may(int status, string expected) =>
        Assert.That(Write(output => new ResponseWriter(output, status).End()), Is.EqualTo(expected));

    [TestCase(101)]
    [TestCase(204)]
    [TestCase(304)]
    public void A_status_without_content_takes_none(int status) =>
        Assert.That(
            () => Write(output => new ResponseWriter(output, status).End("x"u8, "text/plain")),
            Throws.InvalidOperationException);

    [Test]
    public void Writes_a_head_alone()
    {
        var text = Write(output => new ResponseWriter(output, 206).Header("Content-Length", 5).EndHead());
        Assert.That(text, Is.EqualTo("HTTP/1.1 206 Partial Content\r\nContent-Length: 5\r\n\r\n"));
    }

    [Test]
    public void Writes_100_Continue() =>
        Assert.That(Write(ResponseWriter.WriteContinue), Is.EqualTo("HTTP/1.1 100 Continue\r\n\r\n"));

    [TestCase("a\r\nSet-Cookie: x", TestName = "CRLF in a value is refused")]
    [TestCase("a\rb", TestName = "CR in a value is refused")]
    [TestCase("a\nb", TestName = "LF in a value is refused")]
    [TestCase("a\0b", TestName = "NUL in a value is refused")]
    [TestCase("a\x1b", TestName = "ESC in a value is refused")]
    [TestCase("a\x7f", TestName = "DEL in a value is refused")]
    [TestCase("a\u010ab", TestName = "A character that would be cut to LF is refused")]
    [TestCase("\u65e5", TestName = "A character above U+00FF is refused")]
    public void A_bad_value_is_refused_and_nothing_is_written(string value)
    {
        var output = new ArrayBufferWriter<byte>();
        var response = new ResponseWriter(output, 200).Header("A", "b");
        Assert.That(() => response.Header("X", value), Throws.ArgumentException);
        Assert.That(output.WrittenCount, Is.Zero);
        response.End();
        Assert.That(Text(output), Is.EqualTo("HTTP/1.1 200 OK\r\nA: b\r\nContent-Length: 0\r\n\r\n"));
    }

    [TestCase("")]
    [TestCase("a b")]
    [TestCase("a:")]
    [TestCase("a\r\n")]
    [TestCase("\u00e9")]
    [TestCase("a\0")]
    public void A_bad_name_is_refused(string name) =>
        Assert.That(() => Write(output => new ResponseWriter(output, 200).Header(name, "v").End()),
            Throws.ArgumentException);

    [Test]
    public void A_tab_and_bytes_above_7F_are_written_one_to_one()
    {
        var text = Write(output => new ResponseWriter(output, 200).Header("X", "a\tb\u00e9").EndHead());
        Assert.That(text, Is.EqualTo("HTTP/1.1 200 OK\r\nX: a\tb\u00e9\r\n\r\n"));
    }

    [Test]
    public void Nothing_comes_after_the_end()
    {
        var response = new ResponseWriter(new ArrayBufferWriter<byte>(), 200);
        response.End();
        Assert.That(() => response.Header("A", "b"), Throws.InvalidOperationException);
        Assert.That(response.End, Throws.InvalidOperationException);
        Assert.That(response.EndHead, Throws.InvalidOperationException);
    }

    [TestCase(99)]
    [TestCase(1000)]
    public void A_status_has_three_digits(int status) =>
        Assert.That(() => new ResponseWriter(new ArrayBufferWriter<byte>(), status),
            Throws.InstanceOf<ArgumentOutOfRangeException>());

    [Test]
    public void An_error_that_closes_says_so()
    {
        var text = Error(new(400, "Bad."), close: true);
        Assert.That(text, Is.EqualTo(
            "HTTP/1.1 400 Bad Request\r\nConnection: close\r\nContent-Type: text/plain; charset=utf-8\r\n"
            + "Content-Length: 4\r\n\r\nBad."));
        Assert.That(Error(new(404, "None."), close: false), Does.Not.Contain("Connection"));
    }

    [Test]
    public void A_405_has_Allow()
    {
        Assert.That(Error(new(405, "No."), close: false), Does.Contain("\r\nAllow: GET\r\n"));
        var error = new HttpError(405, "No.");
        var text = Write(output => ResponseWriter.WriteError(output, error, false, true, "GET, POST"));
        Assert.That(text, Does.Contain("\r\nAllow: GET, POST\r\n"));
        Assert.That(text, Does.EndWith("\r\n\r\n"));
    }

    [TestCase(true, "\r\nConnection: Upgrade, close\r\n")]
    [TestCase(false, "\r\nConnection: Upgrade\r\n")]
    public void A_426_names_protocol_and_version(bool close, string connection)
    {
        var text = Error(new(426, "Upgrade."), close);
        Assert.That(text, Does.StartWith("HTTP/1.1 426 Upgrade Required\r\n"));
        Assert.That(text, Does.Contain("\r\nUpgrade: websocket\r\n"));
        Assert.That(text, Does.Contain("\r\nSec-WebSocket-Version: 13\r\n"));
        Assert.That(text, Does.Contain(connection));
    }

    [Test]
    public void Every_status_in_use_has_a_reason_phrase()
    {
        int[] statuses =
        [
            101, 200, 204, 206, 304, 400, 403, 404, 405, 408, 413, 414, 416, 426, 429,
            431, 500, 501, 503, 505,
        ];
        Assert.That(statuses.Where(status => ReasonPhrases.Get(status).IsEmpty), Is.Empty);
    }

    private static string Error(HttpError error, bool close) =>
        Write(output => ResponseWriter.WriteError(output, error, close, isHead: false));

    private static string Write(Action<IBufferWriter<byte>> write)
    {
        var output = new ArrayBufferWriter<byte>();
        write(output);
        return Text(output);
    }

    private static string Text(ArrayBufferWriter<byte> output) =>
        Encoding.Latin1.GetString(output.WrittenSpan);
}
