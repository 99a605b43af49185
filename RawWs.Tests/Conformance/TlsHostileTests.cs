using System.Net.Security;
using System.Net.Sockets;
using System.Security.Authentication;
using Microsoft.Extensions.Time.Testing;
using RawWs.Protocol.WebSockets;
using RawWs.Tests.Support;

namespace RawWs.Tests.Conformance;

/// <summary>TLS as those see it who don't behave: their connections end, and nobody else notices.</summary>
[NonParallelizable]
public class TlsHostileTests
{
    private static readonly ParallelOptions _parallel = new() { MaxDegreeOfParallelism = 16 };

    [Test]
    public async Task Every_byte_of_a_client_hello_may_be_wrong(
        [Values(SslProtocols.Tls12, SslProtocols.Tls13)] SslProtocols protocol)
    {
        var hello = await ClientHello.RecordAsync(protocol);
        await using var server = await TestServer.StartTlsAsync();
        await Parallel.ForEachAsync(Enumerable.Range(0, hello.Length * 2), _parallel, async (i, _) =>
        {
            var mutated = (byte[])hello.Clone();
            mutated[i / 2] ^= i % 2 == 0 ? (byte)0xFF : (byte)(1 << (i / 2 % 8));
            await ExpectEndAsync(server, mutated);
        });
        await ExpectNothingLeftAsync(server);
    }

    [Test]
    public async Task Random_bytes_are_the_end()
    {
        var random = new Random(1);
        byte[][] inputs = [.. Enumerable.Range(0, 500).Select(_ =>
        {
            var bytes = new byte[random.Next(1, 2000)];
            random.NextBytes(bytes);
            // Half of them look like a record of a handshake at first.
            if (random.Next(2) == 0)
                new byte[] { 0x16, 3, 1, 1, 0, 1 }.AsSpan(0, Math.Min(6, bytes.Length)).CopyTo(bytes);
            return bytes;
        })];
        await using var server = await TestServer.StartTlsAsync();
        await Parallel.ForEachAsync(inputs, _parallel, async (bytes, _) => await ExpectEndAsync(server, bytes));
        await ExpectNothingLeftAsync(server);
    }

    [Test]
    public async Task Handshake_that_stalls_at_any_byte_ends_in_time()
    {
        var hello = await ClientHello.RecordAsync();
        var clock = new FakeTimeProvider();
        await using var server = await TestServer.StartTlsAsync(timeProvider: clock);
        var clients = new List<WireClient>();
        try
        {
            for (var cut = 0; cut <= hello.Length; cut++)
            {
                clients.Add(await WireClient.ConnectAsync(server.Server.LocalEndPoint!));
                await clients[cut].SendAsync(hello.AsMemory(0, cut));
            }

            await Eventually.IsTrueAsync(() => server.Server.ConnectionCount == clients.Count, "all are accepted");
            clock.Run(TimeSpan.FromSeconds(9.8));
            await Probe.ExpectServiceAsync(server);
            Assert.That(server.Server.ConnectionCount, Is.GreaterThanOrEqualTo(clients.Count));
            clock.Run(TimeSpan.FromSeconds(0.4));
            foreach (var client in clients)
                await client.ReadToEndAsync();
        }
        finally
        {
            clients.ForEach(client => client.Dispose());
        }

        await ExpectNothingLeftAsync(server);
    }

    [Test]
    public async Task Time_of_the_handshake_counts_for_the_head()
    {
        var clock = new FakeTimeProvider();
        await using var server = await TestServer.StartTlsAsync(timeProvider: clock);
        using var silent = await WireClient.ConnectAsync(server.EndPoint);
        using var slow = await WireClient.ConnectAsync(server.EndPoint);
        await slow.SendTextAsync("GET / HTTP/1.1\r\n");
        clock.Run(TimeSpan.FromSeconds(11));
        Assert.That(await silent.ReadToEndAsync(), Is.Empty);
        var answer = System.Text.Encoding.ASCII.GetString(await slow.ReadToEndAsync());
        Assert.That(answer, Is.Empty.Or.StartsWith("HTTP/1.1 408 "));
        silent.Dispose();
        slow.Dispose();
        await ExpectNothingLeftAsync(server);
    }

    [Test]
    public async Task Handshake_that_was_slow_leaves_the_head_no_more_than_the_rest_of_the_time()
    {
        var clock = new FakeTimeProvider();
        await using var server = await TestServer.StartTlsAsync(timeProvider: clock);
        using var client = new TcpClient();
        await client.ConnectAsync(server.Server.LocalEndPoint!);
        await Eventually.IsTrueAsync(() => server.Server.ConnectionCount == 1, "it is accepted");
        clock.Run(TimeSpan.FromSeconds(6));
        await using var tls = new SslStream(client.GetStream());
        using var patience = new CancellationTokenSource(WireClient.Patience);
        await tls.AuthenticateAsClientAsync(SecureEndPoint.ClientOptions("localhost"), patience.Token);
        await tls.WriteAsync("GET / HTTP/1.1\r\n"u8.ToArray(), patience.Token);
        clock.Run(TimeSpan.FromSeconds(5));
        await Eventually.IsTrueAsync(
            () =>
            {
                // What lingers ends in time as well, but never as late as a whole time for the head.
                if (clock.GetUtcNow() < clock.Start + TimeSpan.FromSeconds(13))
                    clock.Advance(TimeSpan.FromMilliseconds(100));
                return server.Server.ConnectionCount == 0;
            },
            "the connection is gone");
    }

    [TestCase("GET / HTTP/1.1\r\nHost: a\r\n\r\n")]
    [TestCase("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n")]
    public async Task Plain_HTTP_ends_at_once(string request)
    {
        // Time stands still: the end needs no timeout.
        await using var server = await TestServer.StartTlsAsync(timeProvider: new FakeTimeProvider());
        using var client = await WireClient.ConnectAsync(server.Server.LocalEndPoint!);
        await client.SendTextAsync(request);
        await client.ReadToEndAsync();
    }

    // A record that nobody can decrypt, in the place of a message.
    [TestCase(SslProtocols.Tls12)]
    [TestCase(SslProtocols.Tls13)]
    public async Task Record_that_is_not_what_was_sent_ends_the_connection(SslProtocols protocol)
    {
        await using var server = await TestServer.StartTlsAsync();
        var endPoint = new SecureEndPoint(server.EndPoint) { Options = SecureEndPoint.ClientOptions("localhost", protocol) };
        using var client = await WireClient.OpenAsync(endPoint, "/echo");
        await client.Socket.SendAsync((byte[])[0x17, 3, 3, 0, 30, .. new byte[30]]);
        await client.ReadUntilOverAsync();
        client.Dispose();
        await ExpectNothingLeftAsync(server);
    }

    [Test]
    public async Task Peers_that_stall_keep_nobody_out()
    {
        var clock = new FakeTimeProvider();
        await using var server = await TestServer.StartTlsAsync(
            options => (options.Tls!.MaxHandshakes, options.PingInterval) = (4, TimeSpan.FromHours(1)), timeProvider: clock);
        using var established = await server.OpenAsync();
        var hello = await ClientHello.RecordAsync();
        var crowd = new List<WireClient>();
        try
        {
            for (var i = 0; i < 50; i++)
            {
                crowd.Add(await WireClient.ConnectAsync(server.Server.LocalEndPoint!));
                await crowd[i].SendAsync(hello);
                // It has its answer, and leaves it at that.
                using var patience = new CancellationTokenSource(WireClient.Patience);
                await crowd[i].Socket.ReceiveAsync(new byte[1], patience.Token);
                clock.Advance(TimeSpan.FromSeconds(1));
                if (i % 10 == 0)
                    (await server.OpenAsync()).Dispose();
            }

            await established.SendFrameAsync(Opcode.Text, "here");
            Assert.That((await established.ReadFrameAsync()).Text, Is.EqualTo("here"));
            // The first that stalled has made room.
            await crowd[0].ReadUntilOverAsync();
        }
        finally
        {
            crowd.ForEach(client => client.Dispose());
        }

        Assert.That(server.ProblemsLogged, Is.Empty);
    }

    private static async Task ExpectEndAsync(TestServer server, byte[] bytes)
    {
        using var client = await WireClient.ConnectAsync(server.Server.LocalEndPoint!);
        await client.SendAsync(bytes);
        // It may wait for more: a length may say so.
        await client.ShutdownSendAsync();
        await client.ReadUntilOverAsync();
    }

    private static async Task ExpectNothingLeftAsync(TestServer server)
    {
        await Eventually.IsTrueAsync(() => server.Server.ConnectionCount == 0, "every connection has ended");
        Assert.That(server.ProblemsLogged, Is.Empty);
        await Probe.ExpectServiceAsync(server);
    }
}
