using System.Text;
using Microsoft.Extensions.Time.Testing;
using RawWs.Tests.Support;

namespace RawWs.Tests.Conformance;

/// <summary>RFC 9112 §6 and §7: where the body of a request ends, over a real socket.</summary>
/// <remarks>A body is thrown away by every path there is, so what is watched is the answer to the next request.</remarks>
public class HttpBodyTests
{
    private const string Health = "GET /health HTTP/1.1\r\nHost: a\r\n\r\n";

    [TestCase("Content-Length: 3", "abc")]
    [TestCase("Content-Length: 0003", "abc")]
    [TestCase("Transfer-Encoding: chunked", "0\r\n\r\n")]
    [TestCase("Transfer-Encoding: Chunked", "3\r\nabc\r\n0\r\n\r\n")]
    [TestCase("Transfer-Encoding: chunked", "A;name=value\r\n0123456789\r\n00\r\n\r\n")]
    [TestCase("Transfer-Encoding: chunked", "3\r\nabc\r\n0\r\nX: trailer\r\n\r\n")]
    public async Task Next_request_starts_behind_the_body(string line, string body)
    {
        await using var server = await TestServer.StartAsync();
        using var client = await WireClient.ConnectAsync(server.EndPoint);
        await client.SendTextAsync(Post(line) + body + Health);
        Assert.That((await client.ReadResponseAsync()).Head, Does.StartWith("HTTP/1.1 405 "));
        Assert.That((await client.ReadResponseAsync()).Head, Does.StartWith("HTTP/1.1 200 "));
    }

    [Test]
    public async Task Chunked_body_may_come_byte_by_byte()
    {
        await using var server = await TestServer.StartAsync();
        using var client = await WireClient.ConnectAsync(server.EndPoint);
        var request = Post("Transfer-Encoding: chunked") + "5;x\r\nabcde\r\n1\r\nf\r\n0\r\nX: y\r\n\r\n" + Health;
        await client.SendChoppedAsync(Encoding.ASCII.GetBytes(request), 1);
        Assert.That((await client.ReadResponseAsync()).Head, Does.StartWith("HTTP/1.1 405 "));
        Assert.That((await client.ReadResponseAsync()).Head, Does.StartWith("HTTP/1.1 200 "));
    }

    // RFC 9112 §6.5 and §7.1.2: a trailer is no header; this one would end the connection if it were.
    [Test]
    public async Task Trailer_is_never_merged_into_the_headers()
    {
        await using var server = await TestServer.StartAsync();
        using var client = await WireClient.ConnectAsync(server.EndPoint);
        await client.SendTextAsync(
            Post("Transfer-Encoding: chunked") + "0\r\nConnection: close\r\nContent-Length: 50\r\n\r\n" + Health);
        Assert.That((await client.ReadResponseAsync()).Head, Does.StartWith("HTTP/1.1 405 "));
        Assert.That((await client.ReadResponseAsync()).Head, Does.StartWith("HTTP/1.1 200 "));
    }

    [TestCase("Content-Length: 3\r\nContent-Length: 3", 400)]
    [TestCase("Content-Length: 3\r\nContent-Length: 4", 400)]
    [TestCase("Content-Length: 3, 3", 400)]
    [TestCase("Content-Length: +3", 400)]
    [TestCase("Content-Length: -1", 400)]
    [TestCase("Content-Length: 0x3", 400)]
    [TestCase("Content-Length: 3a", 400)]
    [TestCase("Content-Length: 3 3", 400)]
    [TestCase("Content-Length:", 400)]
    [TestCase("Content-Length: 9223372036854775808", 400)]
    [TestCase("Content-Length: 99999999999999999999999999", 400)]
    [TestCase("Content-Length: 9223372036854775807", 413)]
    [TestCase("Content-Length: 1000001", 413)]
    [TestCase("Content-Length: 3\r\nTransfer-Encoding: chunked", 400)]
    [TestCase("Transfer-Encoding: chunked\r\nContent-Length: 3", 400)]
    [TestCase("Transfer-Encoding: chunked, chunked", 400)]
    [TestCase("Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked", 400)]
    [TestCase("Transfer-Encoding: chunked, identity", 400)]
    [TestCase("Transfer-Encoding:", 400)]
    [TestCase("Transfer-Encoding: \x0Bchunked", 400)]
    [TestCase("Transfer-Encoding: gzip", 501)]
    [TestCase("Transfer-Encoding: gzip, chunked", 501)]
    [TestCase("Transfer-Encoding: xchunked", 501)]
    public async Task Doubtful_framing_is_refused_and_ends_the_connection(string lines, int status) =>
        await ExpectEndAsync(status, Post(lines));

    [TestCase("3\nabc\r\n0\r\n\r\n")]
    [TestCase("3;a\nb\r\nabc\r\n0\r\n\r\n")]
    [TestCase("0x3\r\nabc\r\n0\r\n\r\n")]
    [TestCase(" 3\r\nabc\r\n0\r\n\r\n")]
    [TestCase("3 \r\nabc\r\n0\r\n\r\n")]
    [TestCase("-3\r\nabc\r\n0\r\n\r\n")]
    [TestCase("+3\r\nabc\r\n0\r\n\r\n")]
    [TestCase("\r\nabc\r\n0\r\n\r\n")]
    [TestCase("\r\n\r\n")]
    [TestCase("3\r\rabc\r\n0\r\n\r\n")]
    [TestCase("g\r\nabc\r\n0\r\n\r\n")]
    [TestCase("FFFFFFFFFFFFFFFF\r\n")]
    [TestCase("10000000000000003\r\nabc\r\n0\r\n\r\n")]
    [TestCase("3\r\nabc0\r\n\r\n")]
    [TestCase("3\r\nabcd\r\n0\r\n\r\n")]
    [TestCase("3\r\nabc\n0\r\n\r\n")]
    [TestCase("3\r\nabc\r\r0\r\n\r\n")]
    [TestCase("0\r\nX : y\r\n\r\n")]
    [TestCase("0\r\n X: y\r\n\r\n")]
    public async Task Malformed_chunk_is_400_and_the_end(string body) =>
        await ExpectEndAsync(400, Post("Transfer-Encoding: chunked") + body);

    [Test]
    public async Task Chunk_extensions_over_their_limit_are_400() =>
        await ExpectEndAsync(
            400, Post("Transfer-Encoding: chunked") + "1;" + new string('x', 4096) + "\r\na\r\n0\r\n\r\n");

    [Test]
    public async Task Many_small_chunk_extensions_have_the_same_limit() =>
        await ExpectEndAsync(
            400,
            Post("Transfer-Encoding: chunked")
                + string.Concat(Enumerable.Repeat("1;xyz\r\na\r\n", 1100)) + "0\r\n\r\n");

    [Test]
    public async Task Chunks_over_the_limit_of_a_body_are_413() =>
        await ExpectEndAsync(413, Post("Transfer-Encoding: chunked") + "1\r\na\r\nF4240\r\n");

    [Test]
    public async Task Body_at_the_limit_passes()
    {
        await using var server = await TestServer.StartAsync();
        using var client = await WireClient.ConnectAsync(server.EndPoint);
        await client.SendTextAsync(Post("Content-Length: 1000000"));
        await client.SendAsync(new byte[1_000_000]);
        await client.SendTextAsync(Health);
        Assert.That((await client.ReadResponseAsync()).Head, Does.StartWith("HTTP/1.1 405 "));
        Assert.That((await client.ReadResponseAsync()).Head, Does.StartWith("HTTP/1.1 200 "));
    }

    // RFC 9110 §10.1.1
    [Test]
    public async Task Client_that_expects_100_gets_it_before_its_body()
    {
        await using var server = await TestServer.StartAsync();
        using var client = await WireClient.ConnectAsync(server.EndPoint);
        await client.SendTextAsync(Post("Content-Length: 3\r\nExpect: 100-continue"));
        Assert.That(await client.ReadHeadAsync(), Is.EqualTo("HTTP/1.1 100 Continue\r\n\r\n"));
        await client.SendTextAsync("abc");
        Assert.That(await client.ReadHeadAsync(), Does.StartWith("HTTP/1.1 405 "));
    }

    [Test]
    public async Task Body_below_the_rate_is_408_after_its_grace()
    {
        var clock = new FakeTimeProvider();
        await using var server = await TestServer.StartAsync(timeProvider: clock);
        var received = server.Meters.Count("rawws.bytes.received");
        using var client = await WireClient.ConnectAsync(server.EndPoint);
        await client.SendTextAsync(Post("Content-Length: 100000\r\nExpect: 100-continue"));
        await client.ReadHeadAsync();
        // A byte that is received proves that the time of the body has begun.
        var head = received();
        await client.SendTextAsync("x");
        await Eventually.IsTrueAsync(() => received() > head);
        clock.Run(TimeSpan.FromSeconds(5));
        Assert.That(client.Socket.Poll(0, System.Net.Sockets.SelectMode.SelectRead), Is.False);
        clock.Run(TimeSpan.FromMilliseconds(100));
        Assert.That((await client.ReadResponseAsync()).Head, Does.StartWith("HTTP/1.1 408 "));
        await client.ExpectEndAsync();
    }

    private static string Post(string lines) => $"POST /health HTTP/1.1\r\nHost: a\r\n{lines}\r\n\r\n";

    private static async Task ExpectEndAsync(int status, string request)
    {
        await using var server = await TestServer.StartAsync();
        using var client = await WireClient.ConnectAsync(server.EndPoint);
        await client.SendTextAsync(request + Health);
        var (head, _) = await client.ReadResponseAsync();
        Assert.That(head, Does.StartWith($"HTTP/1.1 {status} "));
        Assert.That(head, Does.Contain("\r\nConnection: close\r\n"));
        await client.ExpectEndAsync();
    }
}
