using RawWs.Protocol.WebSockets;
using RawWs.Tests.Support;

namespace RawWs.Tests.Conformance;

/// <summary>RFC 6455 §5.4: fragmented messages over a real socket.</summary>
public class FragmentationTests
{
    // §5.7: "A fragmented unmasked text message", masked as a client must.
    [Test]
    public async Task Server_joins_two_fragments(
        [Values(Opcode.Text, Opcode.Binary)] Opcode opcode, [Values(int.MaxValue, 1)] int write)
    {
        await using var server = await TestServer.StartAsync();
        using var client = await server.OpenAsync();
        await client.SendChoppedAsync(
            (byte[])[
                .. WireClient.Frame(opcode, "Hel", fin: false),
                .. WireClient.Frame(Opcode.Continuation, "lo")],
            write);
        var echo = await client.ReadFrameAsync();
        Assert.That((echo.Opcode, echo.Text, echo.Fin), Is.EqualTo((opcode, "Hello", true)));
    }

    [TestCase(new[] { "", "" }, "")]
    [TestCase(new[] { "", "a" }, "a")]
    [TestCase(new[] { "a", "" }, "a")]
    [TestCase(new[] { "", "", "a", "", "b", "", "" }, "ab")]
    public async Task Fragments_may_be_empty(string[] fragments, string message)
    {
        await using var server = await TestServer.StartAsync();
        using var client = await server.OpenAsync();
        for (var i = 0; i < fragments.Length; i++)
        {
            var opcode = i == 0 ? Opcode.Text : Opcode.Continuation;
            await client.SendFrameAsync(opcode, fragments[i], fin: i == fragments.Length - 1);
        }

        Assert.That((await client.ReadFrameAsync()).Text, Is.EqualTo(message));
    }

    // "Control frames […] MAY be injected in the middle of a fragmented message": the pong must not wait for its end.
    [Test]
    public async Task Control_frames_between_fragments_are_answered_at_once([Values(int.MaxValue, 1)] int write)
    {
        await using var server = await TestServer.StartAsync();
        using var client = await server.OpenAsync();
        await client.SendChoppedAsync(WireClient.Frame(Opcode.Text, "one ", fin: false), write);
        await client.SendChoppedAsync(WireClient.Frame(Opcode.Ping, "1"), write);
        Assert.That((await client.ReadFrameAsync()).Text, Is.EqualTo("1"));
        await client.SendChoppedAsync(WireClient.Frame(Opcode.Continuation, "two ", fin: false), write);
        await client.SendChoppedAsync(WireClient.Frame(Opcode.Pong, "unasked"), write);
        await client.SendChoppedAsync(WireClient.Frame(Opcode.Ping, "2"), write);
        Assert.That((await client.ReadFrameAsync()).Text, Is.EqualTo("2"));
        await client.SendChoppedAsync(WireClient.Frame(Opcode.Continuation, "three"), write);
        Assert.That((await client.ReadFrameAsync()).Text, Is.EqualTo("one two three"));
    }

    [Test]
    public async Task Interleaved_pings_and_fragments_in_one_write_keep_their_order()
    {
        await using var server = await TestServer.StartAsync();
        using var client = await server.OpenAsync();
        await client.SendAsync((byte[])[
            .. WireClient.Frame(Opcode.Text, "a", fin: false),
            .. WireClient.Frame(Opcode.Ping, "1"),
            .. WireClient.Frame(Opcode.Continuation, "b", fin: false),
            .. WireClient.Frame(Opcode.Ping, "2"),
            .. WireClient.Frame(Opcode.Continuation, "c"),
            .. WireClient.Frame(Opcode.Binary, "next"),
            .. WireClient.Frame(Opcode.Ping, "3")]);
        foreach (var expected in (string[])["1", "2", "abc", "next", "3"])
            Assert.That((await client.ReadFrameAsync()).Text, Is.EqualTo(expected));
    }

    [TestCase(true)]
    [TestCase(false)]
    public async Task Continuation_with_nothing_to_continue_is_1002(bool fin)
    {
        await using var server = await TestServer.StartAsync();
        using var client = await server.OpenAsync();
        await client.SendFrameAsync(Opcode.Continuation, "x", fin);
        await client.ExpectCloseAsync(CloseCode.ProtocolError);
    }

    [Test]
    public async Task Continuation_behind_a_whole_message_is_1002_after_its_echo()
    {
        await using var server = await TestServer.StartAsync();
        using var client = await server.OpenAsync();
        await client.SendAsync((byte[])[
            .. WireClient.Frame(Opcode.Text, "a", fin: false),
            .. WireClient.Frame(Opcode.Continuation, "b"),
            .. WireClient.Frame(Opcode.Continuation, "c")]);
        Assert.That((await client.ReadFrameAsync()).Text, Is.EqualTo("ab"));
        await client.ExpectCloseAsync(CloseCode.ProtocolError);
    }

    [Test]
    public async Task New_message_inside_a_fragmented_one_is_1002(
        [Values(Opcode.Text, Opcode.Binary)] Opcode first, [Values(Opcode.Text, Opcode.Binary)] Opcode second)
    {
        await using var server = await TestServer.StartAsync();
        using var client = await server.OpenAsync();
        await client.SendAsync((byte[])[.. WireClient.Frame(first, "a", fin: false), .. WireClient.Frame(second, "b")]);
        await client.ExpectCloseAsync(CloseCode.ProtocolError);
    }

    // 4 MiB in fragments of 64 bytes are 65,536 of them.
    [TestCase(64)]
    [TestCase(1024)]
    [TestCase(64 * 1024)]
    [TestCase(1024 * 1024)]
    public async Task Message_of_4_MiB_may_come_in_fragments_of(int size)
    {
        var message = new byte[4 * 1024 * 1024];
        new Random(size).NextBytes(message);
        await using var server = await TestServer.StartAsync(o => o.MaxMessageBytes = message.Length);
        using var client = await server.OpenAsync();
        await client.SendAsync(FrameBytes.Fragments(Opcode.Binary, message, () => size));
        var echo = await client.ReadFrameAsync();
        Assert.That(echo.Opcode, Is.EqualTo(Opcode.Binary));
        Assert.That(echo.Payload.AsSpan().SequenceEqual(message), Is.True);
    }

    // Any size, fragmentation and chunking: what goes out is what comes back.
    [Test]
    public async Task Random_messages_fragments_and_writes_are_echoed_exactly([Range(1, 20)] int seed)
    {
        var random = new Random(seed);
        await using var server = await TestServer.StartAsync();
        using var client = await server.OpenAsync();
        for (var i = 0; i < 10; i++)
        {
            var isText = random.Next(2) == 0;
            var message = Message(random, isText);
            var fragment = 1 + random.Next(Math.Max(1, message.Length));
            var frames = FrameBytes.Fragments(
                isText ? Opcode.Text : Opcode.Binary, message, () => random.Next(fragment + 1));
            await client.SendChoppedAsync(frames, 1 + random.Next(random.Next(2) == 0 ? 4096 : 256 * 1024));
            var echo = await client.ReadFrameAsync();
            Assert.That(echo.Opcode, Is.EqualTo(isText ? Opcode.Text : Opcode.Binary));
            Assert.That(echo.Payload.AsSpan().SequenceEqual(message), Is.True);
        }
    }

    [TestCase(16)]
    [TestCase(64, Category = "Slow")]
    public async Task Message_of_many_MiB_in_one_frame_is_echoed_exactly(int mebibytes)
    {
        var message = new byte[mebibytes * 1024 * 1024];
        new Random(mebibytes).NextBytes(message);
        await using var server = await TestServer.StartAsync(o => o.MaxMessageBytes = message.Length);
        using var client = await server.OpenAsync();
        await client.SendAsync(WireClient.Frame(Opcode.Binary, message));
        var echo = await client.ReadFrameAsync();
        Assert.That(echo.Payload.AsSpan().SequenceEqual(message), Is.True);
    }

    private static byte[] Message(Random random, bool isText)
    {
        var length = random.Next(4) switch { 0 => random.Next(4), 1 => random.Next(200), 2 => random.Next(20_000), _ => random.Next(200_000) };
        if (!isText)
        {
            var bytes = new byte[length];
            random.NextBytes(bytes);
            return bytes;
        }

        string[] letters = ["a", "é", "€", "𝄞", "\0", "\U0010FFFF", "\uFFFE"];
        return System.Text.Encoding.UTF8.GetBytes(
            string.Concat(Enumerable.Range(0, length / 2).Select(_ => letters[random.Next(letters.Length)])));
    }
}
