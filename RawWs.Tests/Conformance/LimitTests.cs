using RawWs.Protocol.WebSockets;
using RawWs.Tests.Support;

namespace RawWs.Tests.Conformance;

/// <summary>RFC 6455 §7.4.1 and §10.4: what one message may cost, over a real socket.</summary>
public class LimitTests
{
    private const int Limit = 1000;

    [Test]
    public async Task Message_at_the_limit_passes_and_one_byte_more_is_1009([Values] bool isFragmented)
    {
        await using var server = await TestServer.StartAsync(o => o.MaxMessageBytes = Limit);
        using var client = await server.OpenAsync();
        foreach (var size in (int[])[Limit, Limit + 1])
            await client.SendAsync(
                FrameBytes.Fragments(Opcode.Binary, new byte[size], () => isFragmented ? 250 : size));
        Assert.That((await client.ReadFrameAsync()).Payload, Has.Length.EqualTo(Limit));
        await client.ExpectCloseAsync(CloseCode.MessageTooBig);
    }

    // Of these frames nothing but the header ever comes.
    [TestCase(1024 * 1024 + 1UL)]
    [TestCase(0xFFFF_FFFFUL)]
    [TestCase(0x1_0000_0000UL)]
    [TestCase(1UL << 62)]
    [TestCase((ulong)long.MaxValue)]
    public async Task Length_over_the_limit_is_1009_from_the_header_alone(ulong length)
    {
        await using var server = await TestServer.StartAsync();
        using var client = await server.OpenAsync();
        await client.SendAsync(FrameBytes.WithLength(0x82, length, 8));
        await client.ExpectCloseAsync(CloseCode.MessageTooBig);
    }

    [TestCase(1UL << 62)]
    [TestCase((ulong)long.MaxValue)]
    public async Task Length_of_a_fragment_cannot_overflow_the_sum(ulong length)
    {
        await using var server = await TestServer.StartAsync();
        using var client = await server.OpenAsync();
        await client.SendFrameAsync(Opcode.Binary, "start", fin: false);
        await client.SendAsync(FrameBytes.WithLength(0x00, length, 8));
        await client.ExpectCloseAsync(CloseCode.MessageTooBig);
    }

    [Test]
    public async Task Message_over_the_limit_whose_bytes_all_come_is_1009_and_no_reset()
    {
        await using var server = await TestServer.StartAsync();
        using var client = await server.OpenAsync();
        var sending = client.TrySendAsync(WireClient.Frame(Opcode.Binary, new byte[8 * 1024 * 1024]));
        await client.ExpectCloseAsync(CloseCode.MessageTooBig);
        await sending;
    }

    [Test]
    public async Task Fragments_up_to_131072_pass_and_one_more_is_1008([Values] bool isEmpty)
    {
        const int Fragments = 131_072;
        var payload = isEmpty ? "" : "x";
        var part = WireClient.Frame(Opcode.Continuation, payload, fin: false);
        var parts = Enumerable.Repeat(part, Fragments - 2).SelectMany(frame => frame).ToArray();
        await using var server = await TestServer.StartAsync();
        using (var client = await server.OpenAsync())
        {
            await client.SendFrameAsync(Opcode.Binary, payload, fin: false);
            await client.SendAsync(parts);
            await client.SendFrameAsync(Opcode.Continuation, payload);
            Assert.That((await client.ReadFrameAsync()).Payload, Has.Length.EqualTo(isEmpty ? 0 : Fragments));
        }

        using (var client = await server.OpenAsync())
        {
            await client.SendFrameAsync(Opcode.Binary, payload, fin: false);
            await client.SendAsync(parts);
            await client.SendFrameAsync(Opcode.Continuation, payload, fin: false);
            await client.SendFrameAsync(Opcode.Continuation, payload);
            await client.ExpectCloseAsync(CloseCode.PolicyViolation);
        }
    }

    [Test]
    public async Task Limit_counts_for_each_message_anew()
    {
        await using var server = await TestServer.StartAsync(o => (o.MaxMessageBytes, o.MaxFragments) = (Limit, 4));
        using var client = await server.OpenAsync();
        for (var i = 0; i < 10; i++)
        {
            await client.SendAsync(FrameBytes.Fragments(Opcode.Binary, new byte[Limit], () => 250));
            Assert.That((await client.ReadFrameAsync()).Payload, Has.Length.EqualTo(Limit));
        }
    }
}
