using RawWs.Protocol.Http;

namespace RawWs.Tests.Protocol.Http;

/// <summary>
/// Heads from a seeded generator: whatever comes, it is accepted or a listed error, however it is split.
/// </summary>
public sealed class HostileHeadTests
{
    private static readonly int[] _listed = [0, 400, 414, 431, 501, 505];

    private static readonly HttpLimits _tight =
        new() { MaxRequestLineBytes = 40, MaxHeaderBytes = 90, MaxHeaders = 4, MaxBodyBytes = 12 };

    private static readonly string[] _lines =
    [
        "GET / HTTP/1.1", "POST /a?b HTTP/1.1", "GET http://h/ HTTP/1.0", "OPTIONS * HTTP/1.1",
        "GET / HTTP/1.2", "PRI * HTTP/2.0", "GET /a b HTTP/1.1", "\r\nGET / HTTP/1.1",
        "GET /aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa HTTP/1.1",
    ];

    private static readonly string[] _headers =
    [
        "Host: h", "Host: h:80", "Host: a b", "Content-Length: 3", "Content-Length: 3, 3",
        "Content-Length: -1", "Transfer-Encoding: chunked", "Transfer-Encoding: gzip", "Connection: close",
        "A : b", ": b", "A", " fold", "A: b\0", "B:", "Expect: 100-continue",
        "X: vvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvvv",
    ];

    private static readonly string[] _ends =
        ["\r\n", "\r\n", "\r\n", "\r\n", "\r\n", "\r\n", "\n", "\r", "\r\r\n", ""];

    private static readonly string[] _chunks =
    [
        "5\r\nhello\r\n", "5\r\nhello\r\n", "1;x=y\r\nh\r\n", "0\r\n\r\n", "0\r\nA: b\r\n\r\n", "0\r\nA\r\n",
        "0x5\r\n", "ffffffffffffffffff\r\n", "7fffffffffffffff\r\n", "5\nhello\r\n", " 5\r\n",
        "5\r\nhelloworld", "c\r\n",
    ];

    [Test]
    public void Every_head_has_one_verdict_however_it_is_split()
    {
        var random = new Random(6455);
        var seen = new HashSet<int>();
        for (var i = 0; i < 6_000; i++)
        {
            var wire = Feed.Bytes(Mutate(Generate(random), random));
            var outcome = Feed.Parse(wire, i % 2 == 0 ? _tight : Feed.Defaults);
            Assert.That(_listed, Does.Contain(outcome.Error.Status));
            Assert.That(outcome.Head is not null, Is.EqualTo(outcome.Status == HttpParseStatus.Complete));
            Assert.That(outcome.Consumed, Is.InRange(0, wire.Length));
            if (outcome.Status != HttpParseStatus.Incomplete) seen.Add(outcome.Error.Status);
        }

        Assert.That(seen, Is.EquivalentTo(_listed), "the generator reaches every verdict");
    }

    [Test]
    public void Every_body_has_one_verdict_however_it_is_split()
    {
        var random = new Random(9112);
        var seen = new HashSet<(HttpParseStatus, int)>();
        for (var i = 0; i < 6_000; i++)
        {
            var wire = string.Concat(random.GetItems(_chunks, random.Next(5)));
            if (random.Next(3) == 0) wire = Mutate(wire, random);
            var outcome = Feed.Body(BodyReaderTests.Chunked, wire, _tight);
            Assert.That(outcome.Text, Has.Length.LessThanOrEqualTo(12));
            seen.Add((outcome.Status, outcome.Error.Status));
        }

        Assert.That(seen, Is.EquivalentTo(new[]
        {
            (HttpParseStatus.Incomplete, 0), (HttpParseStatus.Complete, 0), (HttpParseStatus.Failed, 400),
            (HttpParseStatus.Failed, 413),
        }));
    }

    private static string Generate(Random random)
    {
        var end = random.Next(4) == 0 ? _ends : ["\r\n"];
        var lines = random.GetItems(_headers, random.Next(6)).Prepend("Host: h");
        if (random.Next(4) != 0) lines = lines.Where(IsHarmless);
        return Pick(_lines, random) + Pick(end, random)
            + string.Concat(lines.Select(line => line + Pick(end, random))) + Pick(end, random);
    }

    private static bool IsHarmless(string line) =>
        line is "Host: h" or "Content-Length: 3" or "Transfer-Encoding: gzip" || line[0] is 'B' or 'E' or 'X';

    private static string Mutate(string wire, Random random)
    {
        var bytes = wire.ToList();
        for (var count = random.Next(4) == 0 ? random.Next(1, 4) : 0; count > 0 && bytes.Count > 0; count--)
        {
            var at = random.Next(bytes.Count);
            switch (random.Next(3))
            {
                case 0:
                    bytes[at] = (char)random.Next(256);
                    break;
                case 1:
                    bytes.RemoveAt(at);
                    break;
                default:
                    bytes.Insert(at, "\r\n\0 :\t,;"[random.Next(8)]);
                    break;
            }
        }

        return new string([.. bytes]);
    }

    private static string Pick(string[] from, Random random) => from[random.Next(from.Length)];
}
