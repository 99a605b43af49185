using Microsoft.Extensions.Time.Testing;
using RawWs.Protocol.WebSockets;
using RawWs.Server;
using RawWs.Tests.Support;

namespace RawWs.Tests.Conformance;

/// <summary>RFC 6455 §7.1.1: the server ends the TCP connection, whatever the peer does about it.</summary>
public class TcpEndTests
{
    // §7.1.1: "the server MUST close the TCP connection first".
    [TestCase("8882 00000000 03E8", 1000, TestName = "After a closing handshake the TCP connection is gone within a second")]
    [TestCase("8100", 1002, TestName = "After a failure the TCP connection is gone within a second")]
    public async Task Tcp_connection_is_gone_within_a_second_though_the_peer_keeps_its_side_open(string hex, int code)
    {
        var clock = new FakeTimeProvider();
        await using var server = await TestServer.StartAsync(timeProvider: clock);
        using var client = await server.OpenAsync();
        await client.SendHexAsync(hex);
        await client.ExpectCloseAsync((CloseCode)code);
        await ExpectGoneWithinASecondAsync(server.Server, clock);
    }

    [Test]
    public async Task After_an_http_error_the_connection_is_gone_within_a_second()
    {
        var clock = new FakeTimeProvider();
        await using var server = await TestServer.StartAsync(timeProvider: clock);
        using var client = await WireClient.ConnectAsync(server.EndPoint);
        await client.SendTextAsync("garbage\r\n\r\n");
        Assert.That((await client.ReadResponseAsync()).Head, Does.StartWith("HTTP/1.1 400 "));
        await client.ExpectEndAsync();
        await ExpectGoneWithinASecondAsync(server.Server, clock);
    }

    // What is thrown away after a failure is bounded in time and in bytes.
    [Test]
    public async Task Peer_that_floods_on_after_its_failure_reads_its_code_and_is_dropped()
    {
        await using var server = await TestServer.StartAsync();
        using var client = await server.OpenAsync();
        var flood = FloodAsync();
        await client.ExpectCloseAsync(CloseCode.ProtocolError);
        await Eventually.IsTrueAsync(() => server.Server.ConnectionCount == 0, "the connection is gone");
        await flood.WaitAsync(WireClient.Patience);

        async Task FloodAsync()
        {
            await client.SendHexAsync("8100");
            var noise = new byte[64 * 1024];
            while (server.Server.ConnectionCount > 0)
                await client.TrySendAsync(noise);
        }
    }

    private static async Task ExpectGoneWithinASecondAsync(RawWsServer server, FakeTimeProvider clock)
    {
        var start = clock.GetTimestamp();
        await Eventually.IsTrueAsync(
            () =>
            {
                if (server.ConnectionCount == 0)
                    return true;
                // Stands still at the bound: what is still there then stays.
                if (clock.GetElapsedTime(start) < TimeSpan.FromSeconds(1))
                    clock.Advance(TimeSpan.FromMilliseconds(100));
                return false;
            },
            "the connection is gone");
    }
}
