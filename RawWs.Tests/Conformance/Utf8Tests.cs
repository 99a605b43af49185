using System.Text;
using RawWs.Protocol.WebSockets;
using RawWs.Tests.Support;

namespace RawWs.Tests.Conformance;

/// <summary>RFC 6455 §5.6 and §8.1: text is UTF-8, judged at the first byte that cannot be, over a real socket.</summary>
public class Utf8Tests
{
    [TestCase("Hello-µ@ßöäüàá-UTF-8!!")]
    [TestCase("\0")]
    [TestCase("\u007f\u0080\u07ff\u0800\ud7ff\ue000\ufffd\ufffe\uffff")]
    [TestCase("\ud800\udc00\udbff\udfff")]
    [TestCase("\ufeffκόσμε")]
    public async Task Valid_text_is_echoed_however_it_is_cut(string text)
    {
        var bytes = Encoding.UTF8.GetBytes(text);
        await using var server = await TestServer.StartAsync();
        using var client = await server.OpenAsync();
        await client.SendAsync(WireClient.Frame(Opcode.Text, bytes));
        // A fragment per byte, then a byte per write.
        await client.SendAsync(FrameBytes.Fragments(Opcode.Text, bytes, () => 1));
        await client.SendChoppedAsync(WireClient.Frame(Opcode.Text, bytes), 1);
        for (var i = 0; i < 3; i++)
            Assert.That((await client.ReadFrameAsync()).Payload, Is.EqualTo(bytes));
    }

    // Each ends with the first byte that cannot be valid; a lone start of a character is not one.
    [TestCase("80")]
    [TestCase("C0")]
    [TestCase("C1")]
    [TestCase("C220")]
    [TestCase("E080")]
    [TestCase("E09F")]
    [TestCase("EDA0")]
    [TestCase("EDBF")]
    [TestCase("E28228")]
    [TestCase("F080")]
    [TestCase("F08F")]
    [TestCase("F490")]
    [TestCase("F09080C0")]
    [TestCase("F5")]
    [TestCase("F8")]
    [TestCase("FE")]
    [TestCase("FF")]
    [TestCase("CEBAE1BDB9CF83CEBCCEB5EDA0")]
    public async Task Invalid_text_is_1007_at_the_first_bad_byte(string hex)
    {
        var bad = Convert.FromHexString(hex);
        await using var server = await TestServer.StartAsync();

        // In an unfinished frame, of which the rest never comes; the whole is announced as 64 KiB.
        using (var client = await server.OpenAsync())
        {
            await client.SendAsync(FrameBytes.WithLength(0x81, 65536, 8, [.. "good"u8, .. bad]));
            await client.ExpectCloseAsync(CloseCode.InvalidPayloadData);
        }

        // In an unfinished message, a fragment per byte.
        using (var client = await server.OpenAsync())
        {
            await client.SendFrameAsync(Opcode.Text, "good", fin: false);
            foreach (var value in bad)
                await client.SendAsync(WireClient.Frame(Opcode.Continuation, [value], fin: false));
            await client.ExpectCloseAsync(CloseCode.InvalidPayloadData);
        }

        // Byte by byte, so that the state crosses every border there is.
        using (var client = await server.OpenAsync())
        {
            await client.SendChoppedAsync(FrameBytes.WithLength(0x81, 65536, 8, bad), 1);
            await client.ExpectCloseAsync(CloseCode.InvalidPayloadData);
        }
    }

    [Test]
    public async Task Bad_byte_is_found_far_inside_one_long_frame()
    {
        var start = Enumerable.Repeat((byte)'a', 300_000).ToArray();
        await using var server = await TestServer.StartAsync();
        using var client = await server.OpenAsync();
        await client.SendAsync(FrameBytes.WithLength(0x81, 1024 * 1024, 8, start));
        await client.SendAsync((byte[])[0xED, 0xA0]);
        await client.ExpectCloseAsync(CloseCode.InvalidPayloadData);
    }

    [TestCase("C3")]
    [TestCase("E282")]
    [TestCase("F09080")]
    public async Task Truncated_character_at_the_end_is_1007(string hex)
    {
        var bad = Convert.FromHexString(hex);
        await using var server = await TestServer.StartAsync();
        using (var client = await server.OpenAsync())
        {
            await client.SendAsync(WireClient.Frame(Opcode.Text, bad));
            await client.ExpectCloseAsync(CloseCode.InvalidPayloadData);
        }

        // Also when an empty fragment ends the message.
        using (var client = await server.OpenAsync())
        {
            await client.SendAsync(WireClient.Frame(Opcode.Text, bad, fin: false));
            await client.SendFrameAsync(Opcode.Continuation, "");
            await client.ExpectCloseAsync(CloseCode.InvalidPayloadData);
        }
    }

    [Test]
    public async Task Message_before_a_bad_one_is_echoed_first()
    {
        await using var server = await TestServer.StartAsync();
        using var client = await server.OpenAsync();
        await client.SendAsync((byte[])[
            .. WireClient.Frame(Opcode.Text, "good"), .. WireClient.Frame(Opcode.Text, [0xC0, 0xAF])]);
        Assert.That((await client.ReadFrameAsync()).Text, Is.EqualTo("good"));
        await client.ExpectCloseAsync(CloseCode.InvalidPayloadData);
    }

    [Test]
    public async Task Character_may_be_cut_by_a_ping()
    {
        await using var server = await TestServer.StartAsync();
        using var client = await server.OpenAsync();
        await client.SendAsync((byte[])[
            .. WireClient.Frame(Opcode.Text, [0xE2, 0x82], fin: false),
            .. WireClient.Frame(Opcode.Ping, [0xFF, 0xFE]),
            .. WireClient.Frame(Opcode.Continuation, [0xAC])]);
        Assert.That((await client.ReadFrameAsync()).Payload, Is.EqualTo(new byte[] { 0xFF, 0xFE }));
        Assert.That((await client.ReadFrameAsync()).Text, Is.EqualTo("€"));
    }

    [Test]
    public async Task Binary_may_be_anything()
    {
        byte[] message = [0xFF, 0xFE, 0xC0, 0xED, 0xA0];
        await using var server = await TestServer.StartAsync();
        using var client = await server.OpenAsync();
        await client.SendAsync(WireClient.Frame(Opcode.Binary, message));
        Assert.That((await client.ReadFrameAsync()).Payload, Is.EqualTo(message));
    }
}
