using System.Text;
using RawWs.Protocol.Http;

namespace RawWs.Tests.Protocol.Http;

/// <summary>
/// Feeds a reader the same bytes whole, split at every byte and byte by byte, and demands one outcome.
/// </summary>
internal static class Feed
{
    public static readonly HttpLimits Defaults = new();

    public static byte[] Bytes(string wire) => Encoding.Latin1.GetBytes(wire);

    /// <summary>A request with one valid Host and the given header lines, each with its CRLF.</summary>
    public static string Request(string lines) =>
        $"GET /chat?a=b HTTP/1.1\r\nHost: example.com\r\n{lines}\r\n";

    public static RequestHead Head(string wire, HttpLimits? limits = null)
    {
        var outcome = Parse(Bytes(wire), limits);
        Assert.That(outcome.Status, Is.EqualTo(HttpParseStatus.Complete), outcome.Error.Message);
        return outcome.Head!;
    }

    /// <summary>The status code of the error, 0 for an accepted head, -1 for an incomplete one.</summary>
    public static int Verdict(string wire, HttpLimits? limits = null)
    {
        var outcome = Parse(Bytes(wire), limits);
        return outcome.Status == HttpParseStatus.Incomplete ? -1 : outcome.Error.Status;
    }

    public static HeadOutcome Parse(byte[] wire, HttpLimits? limits = null)
    {
        var whole = Parse(wire, [wire.Length], limits);
        var byByte = Parse(wire, Enumerable.Range(1, wire.Length), limits);
        Assert.That(byByte.Summary, Is.EqualTo(whole.Summary), "byte by byte");

        // Every split of a long head would be quadratic; its ends and limits are where splits matter.
        var step = Math.Max(1, wire.Length / 600);
        for (var cut = 1; cut < wire.Length; cut += step)
        {
            var split = Parse(wire, [cut, wire.Length], limits);
            if (split.Summary != whole.Summary)
                Assert.That(split.Summary, Is.EqualTo(whole.Summary), $"at {cut}");
        }

        return whole;
    }

    public static HeadOutcome Parse(byte[] wire, IEnumerable<int> lengths, HttpLimits? limits = null)
    {
        var parser = new RequestParser(limits ?? Defaults);
        foreach (var length in lengths)
        {
            var status = parser.Read(wire.AsSpan(0, length), out var head, out var consumed);
            if (status != HttpParseStatus.Incomplete) return new(status, parser.Error, head, consumed);
        }

        return new(HttpParseStatus.Incomplete, default, null, 0);
    }

    public static BodyOutcome Body(string head, string wire, HttpLimits? limits = null)
    {
        var request = Parse(Bytes(head), [head.Length]).Head!;
        var bytes = Bytes(wire);
        var whole = Body(request, bytes, [bytes.Length], 1 << 14, limits);
        var byByte = Body(request, bytes, Enumerable.Range(1, bytes.Length), 1, limits);
        Assert.That(byByte, Is.EqualTo(whole), "byte by byte");
        var step = Math.Max(1, wire.Length / 600);
        for (var cut = 0; cut <= bytes.Length; cut += step)
        {
            var split = Body(request, bytes, [cut, bytes.Length], 3, limits);
            if (split != whole) Assert.That(split, Is.EqualTo(whole), $"at {cut}");
        }

        return whole;
    }

    private static BodyOutcome Body(
        RequestHead head, byte[] wire, IEnumerable<int> ends, int room, HttpLimits? limits)
    {
        var reader = new BodyReader(head, limits ?? Defaults);
        var buffer = new byte[room];
        var text = new StringBuilder();
        var position = 0;
        var status = HttpParseStatus.Incomplete;
        foreach (var end in ends.Prepend(0))
        {
            int consumed, written;
            do
            {
                status = reader.Read(wire.AsSpan(position..end), buffer, out consumed, out written);
                position += consumed;
                text.Append(Encoding.Latin1.GetString(buffer, 0, written));
            }
            while (status == HttpParseStatus.Incomplete && consumed + written > 0);

            if (status != HttpParseStatus.Incomplete) break;
            Assert.That(position, Is.EqualTo(end), "an unfinished reader consumes everything");
        }

        Assert.That(reader.Received, Is.EqualTo(text.Length));
        var length = status == HttpParseStatus.Complete ? position : 0;
        return new(status, reader.Error, text.ToString(), length);
    }
}

internal sealed record HeadOutcome(HttpParseStatus Status, HttpError Error, RequestHead? Head, int Consumed)
{
    public string Summary => Head is null
        ? $"{Status} {Error.Status} {Error.Message}"
        : string.Join(
            '\n',
            $"{Status} {Consumed} {Head.Method} {Head.Target} {Head.Path} {Head.Query}",
            $"{Head.IsHttp11} {Head.Host}",
            $"{Head.KeepAlive} {Head.IsChunked} {Head.ContentLength} {Head.ExpectsContinue}",
            string.Join('\n', Head.Headers));
}

internal sealed record BodyOutcome(HttpParseStatus Status, HttpError Error, string Text, int Consumed);
