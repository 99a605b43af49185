using System.Security.Cryptography;
using System.Text;
using RawWs.Protocol.WebSockets;
using RawWs.Tests.Support;

namespace RawWs.Tests.Conformance;

/// <summary>RFC 6455 §5: frames, fragments, control frames and text over a real socket.</summary>
public class FramingTests
{
    // §5.2: the boundaries of the three forms of the length.
    [Test]
    public async Task Message_of_any_size_comes_back_as_it_was(
        [Values(0, 1, 125, 126, 127, 128, 65535, 65536, 1_000_000)] int size,
        [Values(Opcode.Text, Opcode.Binary)] Opcode type,
        [Values(0, 997)] int chunk)
    {
        await using var server = await TestServer.StartAsync();
        using var client = await server.OpenAsync();
        var payload = type == Opcode.Text ? Encoding.ASCII.GetBytes(new string('*', size)) : Random(size);
        var sending = SendChoppedAsync(client, WireClient.Frame(type, payload), chunk);
        var frame = await client.ReadFrameAsync();
        await sending;
        Assert.That(frame.Opcode, Is.EqualTo(type));
        Assert.That(frame.Payload.AsSpan().SequenceEqual(payload), Is.True);
    }

    [Test]
    public async Task Message_sent_a_byte_at_a_time_comes_back([Values(0, 127, 2000)] int size)
    {
        await using var server = await TestServer.StartAsync();
        using var client = await server.OpenAsync();
        var sending = SendChoppedAsync(client, WireClient.Frame(Opcode.Text, new string('é', size / 2)), 1);
        Assert.That((await client.ReadFrameAsync()).Text, Has.Length.EqualTo(size / 2));
        await sending;
    }

    [Test]
    public async Task Message_of_64_MiB_comes_back_in_one_frame_and_in_fragments()
    {
        const int Size = 64 * 1024 * 1024;
        await using var server = await TestServer.StartAsync(options => options.MaxMessageBytes = Size);
        using var client = await server.OpenAsync();
        var payload = Random(Size);
        var expected = SHA256.HashData(payload);
        var sending = client.SendAsync(WireClient.Frame(Opcode.Binary, payload));
        Assert.That(SHA256.HashData((await client.ReadFrameAsync()).Payload), Is.EqualTo(expected));
        await sending;

        sending = SendFragmentsAsync(client, Opcode.Binary, payload, 1_000_003);
        Assert.That(SHA256.HashData((await client.ReadFrameAsync()).Payload), Is.EqualTo(expected));
        await sending;
    }

    // §5.4
    [Test]
    public async Task Fragments_of_any_size_make_one_message([Values(1, 7, 64, 4096, 65536)] int fragment)
    {
        await using var server = await TestServer.StartAsync();
        using var client = await server.OpenAsync();
        var payload = Random(fragment < 64 ? 10_000 : 500_000);
        var sending = SendFragmentsAsync(client, Opcode.Binary, payload, fragment);
        Assert.That((await client.ReadFrameAsync()).Payload.AsSpan().SequenceEqual(payload), Is.True);
        await sending;
    }

    // §5.4: "Control frames … MAY be injected in the middle of a fragmented message."
    [Test]
    public async Task Pings_between_fragments_are_answered_at_once_and_in_order()
    {
        await using var server = await TestServer.StartAsync();
        using var client = await server.OpenAsync();
        await client.SendFrameAsync(Opcode.Text, "a", fin: false);
        await client.SendFrameAsync(Opcode.Ping, "1");
        Assert.That((await client.ReadFrameAsync()).Text, Is.EqualTo("1"));
        await client.SendFrameAsync(Opcode.Continuation, "b", fin: false);
        await client.SendFrameAsync(Opcode.Ping, "2");
        await client.SendFrameAsync(Opcode.Continuation, "", fin: true);
        Assert.That((await client.ReadFrameAsync()).Text, Is.EqualTo("2"));
        Assert.That((await client.ReadFrameAsync()).Text, Is.EqualTo("ab"));
    }

    // §5.5.2, §5.5.3
    [Test]
    public async Task Every_ping_gets_its_pong_in_order_and_pongs_are_ignored()
    {
        await using var server = await TestServer.StartAsync();
        using var client = await server.OpenAsync();
        await client.SendFrameAsync(Opcode.Pong, "nobody asked");
        var pings = Enumerable.Range(0, 10).Select(i => new string((char)('0' + i), i * 12)).ToList();
        await client.SendAsync(pings.SelectMany(ping => WireClient.Frame(Opcode.Ping, ping)).ToArray());
        foreach (var ping in pings)
        {
            var pong = await client.ReadFrameAsync();
            Assert.That((pong.Opcode, pong.Text), Is.EqualTo((Opcode.Pong, ping)));
        }
    }

    internal static IEnumerable<TestCaseData> Violations()
    {
        // §5.2: reserved bits.
        foreach (var bits in new[] { 0x10, 0x20, 0x40, 0x70 })
        {
            yield return Case($"RSV {bits:X2} on text", [(byte)(0x81 | bits), 0x80, 0, 0, 0, 0], CloseCode.ProtocolError);
            yield return Case($"RSV {bits:X2} on ping", [(byte)(0x89 | bits), 0x80, 0, 0, 0, 0], CloseCode.ProtocolError);
        }

        // §5.2: reserved opcodes.
        foreach (var opcode in new[] { 3, 4, 5, 6, 7, 11, 12, 13, 14, 15 })
            yield return Case($"opcode {opcode}", [(byte)(0x80 | opcode), 0x80, 0, 0, 0, 0], CloseCode.ProtocolError);

        // §5.1: "a server MUST close the connection upon receiving a frame that is not masked".
        yield return Case("unmasked", [0x81, 0x05, .. "Hello"u8], CloseCode.ProtocolError);
        yield return Case("unmasked close", [0x88, 0x00], CloseCode.ProtocolError);

        // §5.5: control frames.
        yield return Case("fragmented ping", [0x09, 0x80, 1, 2, 3, 4], CloseCode.ProtocolError);
        yield return Case("ping of 126 bytes", [0x89, 0xFE, 0x00, 0x7E, .. new byte[130]], CloseCode.ProtocolError);
        yield return Case("close of 126 bytes", [0x88, 0xFE, 0x00, 0x7E, .. new byte[130]], CloseCode.ProtocolError);

        // §5.4: fragments.
        yield return Case("nothing to continue", WireClient.Frame(Opcode.Continuation, "x"), CloseCode.ProtocolError);
        yield return Case(
            "message inside a message",
            [.. WireClient.Frame(Opcode.Text, "x", fin: false), .. WireClient.Frame(Opcode.Text, "y")],
            CloseCode.ProtocolError);

        // §5.2: the length.
        yield return Case("16 bits for 125", [0x82, 0xFE, 0x00, 0x7D, .. new byte[129]], CloseCode.ProtocolError);
        yield return Case("64 bits for 65535", [0x82, 0xFF, 0, 0, 0, 0, 0, 0, 0xFF, 0xFF, 1, 2, 3, 4], CloseCode.ProtocolError);
        yield return Case("top bit", [0x82, 0xFF, 0x80, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4], CloseCode.ProtocolError);

        // §10.4: limits, from the header alone.
        yield return Case("2^62 bytes", [0x82, 0xFF, 0x40, 0, 0, 0, 0, 0, 0, 0, 1, 2, 3, 4], CloseCode.MessageTooBig);
        yield return Case("1 MiB and a byte", [0x82, 0xFF, 0, 0, 0, 0, 0, 0x10, 0, 1, 1, 2, 3, 4], CloseCode.MessageTooBig);
        yield return Case(
            "fragments over 1 MiB",
            [.. WireClient.Frame(Opcode.Binary, new byte[1024], fin: false), 0x80, 0xFF, 0, 0, 0, 0, 0, 0x0F, 0xFC, 1, 1, 2, 3, 4],
            CloseCode.MessageTooBig);

        // §8.1: text, at the first byte that cannot be valid.
        foreach (var bad in new[] { "C080", "C1", "E08080", "EDA080", "EDBFBF", "F4908080", "F5", "FF", "80", "E282C0" })
            yield return Case($"text {bad}", WireClient.Frame(Opcode.Text, Convert.FromHexString(bad)), CloseCode.InvalidPayloadData);
        yield return Case("text that ends inside a character", WireClient.Frame(Opcode.Text, [0xE2, 0x82]), CloseCode.InvalidPayloadData);
        yield return Case(
            "character cut by an empty final fragment",
            [.. WireClient.Frame(Opcode.Text, [0xE2, 0x82], fin: false), .. WireClient.Frame(Opcode.Continuation, "")],
            CloseCode.InvalidPayloadData);
        yield return Case(
            "bad byte while the message is open",
            WireClient.Frame(Opcode.Text, [0x61, 0xF4, 0x90], fin: false),
            CloseCode.InvalidPayloadData);
        yield return Case(
            "bad byte in the part that has come of a long frame",
            WireClient.Frame(Opcode.Text, [.. Encoding.ASCII.GetBytes(new string('a', 100)), 0xED, 0xA0, .. new byte[900_000]])[..500],
            CloseCode.InvalidPayloadData);
    }

    [TestCaseSource(nameof(Violations))]
    public async Task Violation_fails_the_connection(byte[] bytes, CloseCode code)
    {
        await using var server = await TestServer.StartAsync();
        using var client = await server.OpenAsync();
        await client.SendAsync(bytes);
        await client.ExpectCloseAsync(code);
    }

    [TestCaseSource(nameof(Violations))]
    public async Task What_was_valid_before_a_violation_in_the_same_write_is_echoed_first(byte[] bytes, CloseCode code)
    {
        await using var server = await TestServer.StartAsync();
        using var client = await server.OpenAsync();
        await client.SendAsync((byte[])[
            .. WireClient.Frame(Opcode.Text, "first"), .. WireClient.Frame(Opcode.Ping, "second"), .. bytes]);
        Assert.That((await client.ReadFrameAsync()).Text, Is.EqualTo("first"));
        Assert.That((await client.ReadFrameAsync()).Text, Is.EqualTo("second"));
        await client.ExpectCloseAsync(code);
    }

    [Test]
    public async Task Text_cut_between_and_inside_characters_comes_back([Values(1, 2, 3)] int fragment)
    {
        const string Text = "κόσμε \U0001F600 \uD7FF \uE000 \uFFFF \U0010FFFF";
        await using var server = await TestServer.StartAsync();
        using var client = await server.OpenAsync();
        await SendFragmentsAsync(client, Opcode.Text, Encoding.UTF8.GetBytes(Text), fragment);
        Assert.That((await client.ReadFrameAsync()).Text, Is.EqualTo(Text));
    }

    // §10.4: fragments cost time even when they are empty.
    [Test]
    public async Task Fragments_up_to_65536_pass_and_more_than_the_limit_are_1008()
    {
        await using var server = await TestServer.StartAsync();
        using var client = await server.OpenAsync();
        var fragments = new List<byte>(WireClient.Frame(Opcode.Binary, "", fin: false));
        for (var i = 2; i < 65_536; i++)
            fragments.AddRange(WireClient.Frame(Opcode.Continuation, "", fin: false));
        await client.SendAsync(fragments.ToArray());
        await client.SendFrameAsync(Opcode.Continuation, "end");
        Assert.That((await client.ReadFrameAsync()).Text, Is.EqualTo("end"));

        fragments.AddRange(fragments[6..]);
        for (var i = 0; i < 4; i++)
            fragments.AddRange(WireClient.Frame(Opcode.Continuation, "", fin: false));
        await client.TrySendAsync(fragments.ToArray());
        await client.ExpectCloseAsync(CloseCode.PolicyViolation);
    }

    [Test]
    public async Task Thousand_messages_of_growing_size_come_back_in_order()
    {
        await using var server = await TestServer.StartAsync();
        using var client = await server.OpenAsync();
        var messages = Enumerable.Range(0, 1000).Select(i => Random(i * 64)).ToList();
        var sending = client.SendAsync(messages.SelectMany(message => WireClient.Frame(Opcode.Binary, message)).ToArray());
        foreach (var message in messages)
            Assert.That((await client.ReadFrameAsync()).Payload.AsSpan().SequenceEqual(message), Is.True);
        await sending;
    }

    private static async Task SendFragmentsAsync(WireClient client, Opcode type, ReadOnlyMemory<byte> payload, int size)
    {
        for (var at = 0; at < payload.Length; at += size)
        {
            var fragment = payload.Slice(at, Math.Min(size, payload.Length - at));
            await client.SendAsync(WireClient.Frame(
                at == 0 ? type : Opcode.Continuation, fragment.Span, fin: at + size >= payload.Length));
        }
    }

    private static async Task SendChoppedAsync(WireClient client, ReadOnlyMemory<byte> bytes, int chunk)
    {
        for (var at = 0; at < bytes.Length; at += chunk)
        {
            var part = chunk == 0 ? bytes : bytes.Slice(at, Math.Min(chunk, bytes.Length - at));
            await client.SendAsync(part);
            if (chunk == 0)
                return;
        }
    }

    private static byte[] Random(int size)
    {
        var bytes = new byte[size];
        new Random(size).NextBytes(bytes);
        return bytes;
    }

    private static TestCaseData Case(string name, byte[] bytes, CloseCode code) =>
        new TestCaseData(bytes, code).SetArgDisplayNames(name);
}
