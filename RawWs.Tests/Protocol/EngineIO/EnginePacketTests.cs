using System.Buffers;
using System.Text;
using CsCheck;
using RawWs.Protocol.EngineIO;

namespace RawWs.Tests.Protocol.EngineIO;

[TestFixture]
public sealed class EnginePacketTests
{
    private static readonly Gen<(bool IsBinary, byte[] Bytes)> Message = Gen.OneOf(
        Gen.Byte.Array[0, 50].Select(bytes => (true, bytes)),
        Gen.String[Gen.Char['\u001f', '\u07ff'], 0, 30].Select(text => (false, Encoding.UTF8.GetBytes(text))));

    [TestCase("0{}", EnginePacketType.Open, false, "{}")]
    [TestCase("1", EnginePacketType.Close, false, "")]
    [TestCase("2probe", EnginePacketType.Ping, false, "probe")]
    [TestCase("3", EnginePacketType.Pong, false, "")]
    [TestCase("4é", EnginePacketType.Message, false, "é")]
    [TestCase("5", EnginePacketType.Upgrade, false, "")]
    [TestCase("6", EnginePacketType.Noop, false, "")]
    [TestCase("bYWI=", EnginePacketType.Message, true, "ab")]
    [TestCase("b", EnginePacketType.Message, true, "")]
    public void Packet_is_read(string text, EnginePacketType type, bool isBinary, string payload)
    {
        Assert.That(EnginePacket.TryReadText(Encoding.UTF8.GetBytes(text), out var packet));
        Assert.That(
            (packet.Type, packet.IsBinary, Encoding.UTF8.GetString(packet.Payload.Span)),
            Is.EqualTo((type, isBinary, payload)));
    }

    [TestCase("")]
    [TestCase("7")]
    [TestCase("-")]
    [TestCase("a")]
    [TestCase("bA")]
    [TestCase("bYW I=")]
    [TestCase("bYWI=\n")]
    [TestCase("bYWJj \t\r\n")]
    [TestCase("b====")]
    [TestCase("bé===")]
    public void Malformed_packet_is_refused(string text)
    {
        Assert.That(EnginePacket.TryReadText(Encoding.UTF8.GetBytes(text), out _), Is.False);
    }

    [Test]
    public void Payload_is_read_as_it_was_written() => Message.Array[1, 10].Sample(messages =>
    {
        var output = new ArrayBufferWriter<byte>();
        foreach (var (isBinary, bytes) in messages)
        {
            if (output.WrittenCount > 0)
                PayloadWriter.WriteSeparator(output);
            if (isBinary)
                PayloadWriter.WriteBinary(output, bytes);
            else
                PayloadWriter.WriteText(output, EnginePacketType.Message, bytes);
        }

        var reader = new PayloadReader(output.WrittenSpan.ToArray());
        foreach (var (isBinary, bytes) in messages)
        {
            Assert.That(reader.TryRead(out var packet));
            Assert.That(packet.IsBinary, Is.EqualTo(isBinary));
            Assert.That(packet.Payload.ToArray(), Is.EqualTo(bytes));
        }

        Assert.That(reader.TryRead(out _), Is.False);
        Assert.That(reader.IsMalformed, Is.False);
    });

    [TestCase("", 0)]
    [TestCase("4a\u001e", 1)]
    [TestCase("4a\u001e\u001e4b", 1)]
    [TestCase("4a\u001e9", 1)]
    [TestCase("4a\u001eb!", 1)]
    public void Malformed_payload_gives_what_came_before(string payload, int packets)
    {
        var reader = new PayloadReader(Encoding.UTF8.GetBytes(payload));
        var read = 0;
        while (reader.TryRead(out _))
            read++;
        Assert.That((read, reader.IsMalformed), Is.EqualTo((packets, true)));
    }

    [Test]
    public void Payload_that_is_no_utf8_gives_nothing()
    {
        var reader = new PayloadReader((byte[])[(byte)'4', 0xc3, 0x1e, (byte)'4']);
        Assert.That(reader.TryRead(out _), Is.False);
        Assert.That(reader.IsMalformed);
    }

    [Test]
    public void Reader_survives_any_bytes() => Gen.Byte.Array[0, 80].Sample(bytes =>
    {
        var reader = new PayloadReader(bytes);
        while (reader.TryRead(out _))
            continue;
    });

    [TestCase("EIO=4&transport=polling&sid=a%2Bb&t=x", "4", "polling", "a+b", false, false)]
    [TestCase("transport=websocket&transport=polling&b64=1&j=0", null, "websocket", null, true, true)]
    [TestCase("b64=0", null, null, null, false, false)]
    [TestCase("", null, null, null, false, false)]
    public void Query_is_read(
        string query, string? eio, string? transport, string? sid, bool isBase64, bool isJsonp)
    {
        var read = EngineQuery.Read(query);
        Assert.That(
            (read.Eio, read.Transport, read.Sid, read.IsBase64, read.IsJsonp),
            Is.EqualTo((eio, transport, sid, isBase64, isJsonp)));
    }
}
