using RawWs.Protocol.WebSockets;
using RawWs.Tests.Support;

namespace RawWs.Tests.Reliability;

/// <summary>Whatever a peer does wrong, it gets to read why: never a reset that overtakes the close frame.</summary>
public class CloseCodeDeliveryTests
{
    private const int Connections = 10_000;
    private const int AtATime = 64;

    private static readonly (byte[] Bytes, CloseCode Code)[] Violations =
    [
        ([0x81, 0x05, .. "Hello"u8], CloseCode.ProtocolError),
        ([0xF1, 0x80, 0, 0, 0, 0], CloseCode.ProtocolError),
        ([0x83, 0x80, 0, 0, 0, 0], CloseCode.ProtocolError),
        (WireClient.Frame(Opcode.Continuation, "x"), CloseCode.ProtocolError),
        (WireClient.Frame(Opcode.Text, [0xC0, 0x80]), CloseCode.InvalidPayloadData),
        ([0x82, 0xFF, 0x40, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4], CloseCode.MessageTooBig),
        (WireClient.Frame(Opcode.Close, [0x00, 0x00]), CloseCode.ProtocolError),
        (WireClient.Frame(Opcode.Close, [0x0F, 0xA0, 0xFF]), CloseCode.InvalidPayloadData),
    ];

    [Test]
    public async Task Peer_reads_the_close_code_in_10_000_failed_connections()
    {
        await using var server = await TestServer.StartAsync();
        var unread = new byte[256 * 1024];
        var next = -1;
        var delivered = 0;

        async Task FailAsync()
        {
            int number;
            while ((number = Interlocked.Increment(ref next)) < Connections)
            {
                var (bytes, code) = Violations[number % Violations.Length];
                using var client = await server.OpenAsync();
                // Every tenth has much more under way when the server gives up.
                var sending = client.TrySendAsync(number % 10 == 0 ? (byte[])[.. bytes, .. unread] : bytes);
                var frame = await client.ReadFrameAsync();
                Assert.That((frame.Opcode, frame.CloseCode), Is.EqualTo((Opcode.Close, code)));
                Interlocked.Increment(ref delivered);
                await sending;
            }
        }

        await Task.WhenAll(Enumerable.Range(0, AtATime).Select(_ => FailAsync()));
        Assert.That(delivered, Is.EqualTo(Connections));
        await Eventually.IsTrueAsync(() => server.Server.ConnectionCount == 0, "connections are left");
    }
}
