using RawWs.Protocol.WebSockets;
using RawWs.Tests.Support;

namespace RawWs.Tests.Server.Transport;

/// <summary>What a connection that says nothing must not hold.</summary>
public class IdleConnectionTests
{
    [Test]
    public async Task An_open_connection_has_let_go_of_its_handshake()
    {
        WeakReference? request = null;
        var handler = new CallbackHandler { Open = (_, head) => request = new WeakReference(head) };
        await using var server = await TestServer.StartAsync(map: s => s.MapWebSocket("/idle", handler));
        using var client = await server.OpenAsync("/idle");
        await Eventually.IsTrueAsync(
            () =>
            {
                GC.Collect();
                return request is { IsAlive: false };
            },
            "the request was collected");

        // It was not the end of the connection that let go.
        await client.SendFrameAsync(Opcode.Ping, "");
        Assert.That((await client.ReadFrameAsync()).Opcode, Is.EqualTo(Opcode.Pong));
    }
}
