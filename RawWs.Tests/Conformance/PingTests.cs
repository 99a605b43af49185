using RawWs.Protocol.WebSockets;
using RawWs.Tests.Support;

namespace RawWs.Tests.Conformance;

/// <summary>RFC 6455 §5.5.2 and §5.5.3: pings and pongs over a real socket.</summary>
public class PingTests
{
    // §5.5.3: "A Pong frame sent in response to a Ping frame must have identical "Application data"".
    [TestCase(0, int.MaxValue)]
    [TestCase(5, int.MaxValue)]
    [TestCase(125, int.MaxValue)]
    [TestCase(125, 1)]
    public async Task Ping_is_answered_with_its_own_payload(int size, int write)
    {
        var payload = new byte[size];
        new Random(size).NextBytes(payload);
        await using var server = await TestServer.StartAsync();
        using var client = await server.OpenAsync();
        await client.SendChoppedAsync(WireClient.Frame(Opcode.Ping, payload), write);
        var pong = await client.ReadFrameAsync();
        Assert.That((pong.Opcode, pong.Fin), Is.EqualTo((Opcode.Pong, true)));
        Assert.That(pong.Payload, Is.EqualTo(payload));
    }

    [TestCase(int.MaxValue)]
    [TestCase(1)]
    public async Task Ten_pings_get_ten_pongs_in_order(int write)
    {
        await using var server = await TestServer.StartAsync();
        using var client = await server.OpenAsync();
        var pings = Enumerable.Range(0, 10).SelectMany(i => WireClient.Frame(Opcode.Ping, $"ping {i}")).ToArray();
        await client.SendChoppedAsync(pings, write);
        for (var i = 0; i < 10; i++)
        {
            var pong = await client.ReadFrameAsync();
            Assert.That((pong.Opcode, pong.Text), Is.EqualTo((Opcode.Pong, $"ping {i}")));
        }
    }

    // §5.5.3: "A response to an unsolicited Pong frame is not expected."
    [TestCase("")]
    [TestCase("unasked")]
    public async Task Unsolicited_pong_is_ignored(string payload)
    {
        await using var server = await TestServer.StartAsync();
        using var client = await server.OpenAsync();
        await client.SendFrameAsync(Opcode.Pong, payload);
        await client.SendFrameAsync(Opcode.Ping, "next");
        Assert.That((await client.ReadFrameAsync()).Text, Is.EqualTo("next"));
    }

    [Test]
    public async Task Ping_before_a_close_in_the_same_write_is_answered_first()
    {
        await using var server = await TestServer.StartAsync();
        using var client = await server.OpenAsync();
        await client.SendAsync((byte[])[.. WireClient.Frame(Opcode.Ping, "last"), .. WireClient.CloseFrame(1000)]);
        Assert.That((await client.ReadFrameAsync()).Opcode, Is.EqualTo(Opcode.Pong));
        await client.ExpectCloseAsync(CloseCode.NormalClosure);
    }
}
