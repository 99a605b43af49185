using System.Buffers;
using System.Text;
using CsCheck;
using RawWs.Protocol.SocketIO;

namespace RawWs.Tests.Protocol.SocketIO;

[TestFixture]
public sealed class SocketPacketWriterTests
{
    private static readonly Gen<string> Name = Gen.String[Gen.Char[' ', '\u07ff'], 1, 20];

    private static readonly Gen<string> Namespace =
        Gen.OneOf(Gen.Const("/"), Gen.String[Gen.Char["abcé/-?="], 1, 8].Select(rest => "/" + rest));

    private static readonly string[] Values =
    [
        "1", "null", "true", "\"\"", "\"a,]}\\\"\"", "[]", "[1,[2,{}]]", "{\"a\":{\"b\":[]}}", "-1.5e3", "\"é😀\"",
    ];

    private static readonly Gen<string> Value = Gen.Int[0, Values.Length - 1].Select(index => Values[index]);

    [Test]
    public void Packets_are_written_byte_by_byte()
    {
        Assert.Multiple(() =>
        {
            Assert.That(Write(o => SocketPacketWriter.WriteConnect(o, "/", "abc")), Is.EqualTo("""0{"sid":"abc"}"""));
            Assert.That(
                Write(o => SocketPacketWriter.WriteConnect(o, "/n", "abc", "p")), Is.EqualTo("""0/n,{"sid":"abc","pid":"p"}"""));
            Assert.That(
                Write(o => SocketPacketWriter.WriteConnectError(o, "/random", "Invalid namespace")),
                Is.EqualTo("""4/random,{"message":"Invalid namespace"}"""));
            Assert.That(
                Write(o => SocketPacketWriter.WriteConnectError(o, "/", "no \"x\"", """{"code":401}"""u8)),
                Is.EqualTo("""4{"message":"no \"x\"","data":{"code":401}}"""));
            Assert.That(Write(o => SocketPacketWriter.WriteDisconnect(o, "/")), Is.EqualTo("1"));
            Assert.That(Write(o => SocketPacketWriter.WriteDisconnect(o, "/a")), Is.EqualTo("1/a,"));
            Assert.That(Write(o => SocketPacketWriter.WriteEvent(o, "/", "e", default)), Is.EqualTo("""2["e"]"""));
            Assert.That(
                Write(o => SocketPacketWriter.WriteEvent(o, "/a", "e", "1,2"u8, 7)), Is.EqualTo("""2/a,7["e",1,2]"""));
            Assert.That(
                Write(o => SocketPacketWriter.WriteEvent(o, "/", "e", "1"u8, offset: "o")), Is.EqualTo("""2["e",1,"o"]"""));
            Assert.That(
                Write(o => SocketPacketWriter.WriteEvent(o, "/", "e", """{"_placeholder":true,"num":0}"""u8, 3, 1)),
                Is.EqualTo("""51-3["e",{"_placeholder":true,"num":0}]"""));
            Assert.That(Write(o => SocketPacketWriter.WriteAck(o, "/", 1, default)), Is.EqualTo("31[]"));
            Assert.That(Write(o => SocketPacketWriter.WriteAck(o, "/a", 1, "\"x\""u8)), Is.EqualTo("""3/a,1["x"]"""));
            Assert.That(
                Write(o => SocketPacketWriter.WriteAck(o, "/", 1, """{"_placeholder":true,"num":0}"""u8, 1)),
                Is.EqualTo("""61-1[{"_placeholder":true,"num":0}]"""));
        });
    }

    [Test]
    public void Namespace_with_a_comma_cannot_be_written() =>
        Assert.Throws<ArgumentException>(() => Write(o => SocketPacketWriter.WriteDisconnect(o, "/a,b")));

    [Test]
    public void Events_are_read_as_they_were_written() =>
        Gen.Select(Namespace, Name, Value.Array[0, 5], Gen.Long[-1, SocketPacket.MaxAckId], Gen.Int[0, 3]).Sample(
            (ns, name, values, id, attachments) =>
            {
                if (ReservedNames.Contains(name))
                    return;
                long? ackId = id < 0 ? null : id;
                string[] all = [.. values, .. Enumerable.Range(0, attachments).Select(
                    number => $$"""{"_placeholder":true,"num":{{number}}}""")];
                var json = Encoding.UTF8.GetBytes(string.Join(',', all));
                var written = Write(o => SocketPacketWriter.WriteEvent(o, ns, name, json, ackId, attachments));
                var error = SocketPacketReader.TryRead(
                    Encoding.UTF8.GetBytes(written), SocketPacketLimits.Default, out var read);
                Assert.That(error, Is.EqualTo(SocketPacketError.None), written);
                Assert.That(
                    (Text(read.Namespace), Text(read.Name), Text(read.Values), read.Count, read.AckId, read.AttachmentCount),
                    Is.EqualTo((ns, name, string.Join(',', all), all.Length, ackId, attachments)));
            });

    [Test]
    public void Reader_survives_any_bytes() => Gen.OneOf(
        Gen.Byte.Array[0, 60].Select(Encoding.UTF8.GetString),
        Gen.String[Gen.Char["0123456/,-[]{}\":\\ae \u001e"], 0, 40]).Sample(packet =>
    {
        var text = Encoding.UTF8.GetBytes(packet);
        SocketPacketReader.TryRead(text, SocketPacketLimits.Default, out _);
        new SocketPacketAssembler(SocketPacketLimits.Default).AddText(text, out _, out _);
    });

    private static string Write(Action<IBufferWriter<byte>> write)
    {
        var output = new ArrayBufferWriter<byte>();
        write(output);
        return Text(output.WrittenMemory);
    }

    private static string Text(ReadOnlyMemory<byte> utf8) => Encoding.UTF8.GetString(utf8.Span);
}
