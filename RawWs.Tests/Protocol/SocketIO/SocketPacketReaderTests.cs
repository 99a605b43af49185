using System.Text;
using RawWs.Protocol.SocketIO;
using RawWs.Tests.Support;

namespace RawWs.Tests.Protocol.SocketIO;

[TestFixture]
public sealed class SocketPacketReaderTests
{
    [TestCase("0", SocketPacketType.Connect, "/", null, 0, "", "", 0)]
    [TestCase("0{}", SocketPacketType.Connect, "/", null, 0, "", "{}", 1)]
    [TestCase("0{\"a\":[1]}", SocketPacketType.Connect, "/", null, 0, "", "{\"a\":[1]}", 1)]
    [TestCase("0/admin", SocketPacketType.Connect, "/admin", null, 0, "", "", 0)]
    [TestCase("0/admin,", SocketPacketType.Connect, "/admin", null, 0, "", "", 0)]
    [TestCase("0/admin,{\"b\":1}", SocketPacketType.Connect, "/admin", null, 0, "", "{\"b\":1}", 1)]
    [TestCase("0/admin?x=1,", SocketPacketType.Connect, "/admin?x=1", null, 0, "", "", 0)]
    [TestCase("1", SocketPacketType.Disconnect, "/", null, 0, "", "", 0)]
    [TestCase("1/é,", SocketPacketType.Disconnect, "/é", null, 0, "", "", 0)]
    [TestCase("2[\"a\"]", SocketPacketType.Event, "/", null, 0, "a", "", 0)]
    [TestCase("2[\"a\",1,\"2\",{\"c\":[3]}]", SocketPacketType.Event, "/", null, 0, "a", "1,\"2\",{\"c\":[3]}", 3)]
    [TestCase("2 [ \"a\" , 1 , 2 ] ", SocketPacketType.Event, "/", null, 0, "a", "1 , 2", 2)]
    [TestCase("2/n,12[\"a\",null]", SocketPacketType.Event, "/n", 12L, 0, "a", "null", 1)]
    [TestCase("29007199254740991[\"a\"]", SocketPacketType.Event, "/", 9007199254740991L, 0, "a", "", 0)]
    [TestCase("2007[\"a\"]", SocketPacketType.Event, "/", 7L, 0, "a", "", 0)]
    [TestCase("2[\"a\\u0062\\n\\ud83d\\ude00\"]", SocketPacketType.Event, "/", null, 0, "ab\n😀", "", 0)]
    [TestCase("2[1,\"x\"]", SocketPacketType.Event, "/", null, 0, "1", "\"x\"", 1)]
    [TestCase("2[\"error\"]", SocketPacketType.Event, "/", null, 0, "error", "", 0)]
    [TestCase("2[\"__proto__\"]", SocketPacketType.Event, "/", null, 0, "__proto__", "", 0)]
    [TestCase("2", SocketPacketType.Event, "/", null, 0, "", "", 0)]
    [TestCase("21", SocketPacketType.Event, "/", 1L, 0, "", "", 0)]
    [TestCase("3", SocketPacketType.Ack, "/", null, 0, "", "", 0)]
    [TestCase("31[]", SocketPacketType.Ack, "/", 1L, 0, "", "", 0)]
    [TestCase("3/n,1[\"x\",2]", SocketPacketType.Ack, "/n", 1L, 0, "", "\"x\",2", 2)]
    [TestCase("3[]", SocketPacketType.Ack, "/", null, 0, "", "", 0)]
    [TestCase("4\"no\"", SocketPacketType.ConnectError, "/", null, 0, "", "\"no\"", 1)]
    [TestCase("4/n,{\"message\":\"no\"}", SocketPacketType.ConnectError, "/n", null, 0, "", "{\"message\":\"no\"}", 1)]
    [TestCase("51-[\"a\",{\"_placeholder\":true,\"num\":0}]", SocketPacketType.BinaryEvent, "/", null, 1, "a", "{\"_placeholder\":true,\"num\":0}", 1)]
    [TestCase("52-/n,3[\"a\",{\"num\":1,\"_placeholder\":true}]", SocketPacketType.BinaryEvent, "/n", 3L, 2, "a", "{\"num\":1,\"_placeholder\":true}", 1)]
    [TestCase("51-[\"a\",\"no placeholder\"]", SocketPacketType.BinaryEvent, "/", null, 1, "a", "\"no placeholder\"", 1)]
    [TestCase("510-[\"a\"]", SocketPacketType.BinaryEvent, "/", null, 10, "a", "", 0)]
    [TestCase("61-7[{\"x\":{\"_placeholder\":true,\"num\":0}}]", SocketPacketType.BinaryAck, "/", 7L, 1, "", "{\"x\":{\"_placeholder\":true,\"num\":0}}", 1)]
    public void Packet_is_read(
        string text, SocketPacketType type, string ns, long? ackId, int attachments, string name, string values, int count)
    {
        Assert.That(Read(text, out var packet), Is.EqualTo(SocketPacketError.None));
        Assert.Multiple(() =>
        {
            Assert.That(packet.Type, Is.EqualTo(type));
            Assert.That(Text(packet.Namespace), Is.EqualTo(ns));
            Assert.That(packet.AckId, Is.EqualTo(ackId));
            Assert.That(packet.AttachmentCount, Is.EqualTo(attachments));
            Assert.That(Text(packet.Name), Is.EqualTo(name));
            Assert.That(Text(packet.Values), Is.EqualTo(values));
            Assert.That(packet.Count, Is.EqualTo(count));
        });
    }

    [TestCase("", SocketPacketError.UnknownType)]
    [TestCase("7", SocketPacketError.UnknownType)]
    [TestCase("x", SocketPacketError.UnknownType)]
    [TestCase("[\"a\"]", SocketPacketError.UnknownType)]
    [TestCase("0[]", SocketPacketError.InvalidPayload)]
    [TestCase("0null", SocketPacketError.InvalidPayload)]
    [TestCase("0\"x\"", SocketPacketError.InvalidPayload)]
    [TestCase("0{", SocketPacketError.InvalidJson)]
    [TestCase("0{}x", SocketPacketError.InvalidJson)]
    [TestCase("1{}", SocketPacketError.InvalidPayload)]
    [TestCase("2{}", SocketPacketError.InvalidPayload)]
    [TestCase("2[]", SocketPacketError.InvalidPayload)]
    [TestCase("2[{}]", SocketPacketError.InvalidPayload)]
    [TestCase("2[null,1]", SocketPacketError.InvalidPayload)]
    [TestCase("2[true]", SocketPacketError.InvalidPayload)]
    [TestCase("2[[\"a\"]]", SocketPacketError.InvalidPayload)]
    [TestCase("2[\"a\"", SocketPacketError.InvalidJson)]
    [TestCase("2[\"a\",]", SocketPacketError.InvalidJson)]
    [TestCase("2[\"a\"]]", SocketPacketError.InvalidJson)]
    [TestCase("2[\"a\"] 1", SocketPacketError.InvalidJson)]
    [TestCase("2[\"a\" 1]", SocketPacketError.InvalidJson)]
    [TestCase("2['a']", SocketPacketError.InvalidJson)]
    [TestCase("2[\"a\",NaN]", SocketPacketError.InvalidJson)]
    [TestCase("2abc[\"a\"]", SocketPacketError.InvalidJson)]
    [TestCase("2-1[\"a\"]", SocketPacketError.InvalidJson)]
    [TestCase("21e1[\"a\"]", SocketPacketError.InvalidJson)]
    [TestCase("29007199254740992[\"a\"]", SocketPacketError.InvalidAckId)]
    [TestCase("299999999999999999999999[\"a\"]", SocketPacketError.InvalidAckId)]
    [TestCase("2[\"connect\"]", SocketPacketError.InvalidName)]
    [TestCase("2[\"connect_error\"]", SocketPacketError.InvalidName)]
    [TestCase("2[\"disconnect\"]", SocketPacketError.InvalidName)]
    [TestCase("2[\"disconnecting\"]", SocketPacketError.InvalidName)]
    [TestCase("2[\"newListener\"]", SocketPacketError.InvalidName)]
    [TestCase("2[\"removeListener\"]", SocketPacketError.InvalidName)]
    [TestCase("2[\"\\u0063onnect\"]", SocketPacketError.InvalidName)]
    [TestCase("2[\"\\ud800\"]", SocketPacketError.InvalidName)]
    [TestCase("31{}", SocketPacketError.InvalidPayload)]
    [TestCase("31\"x\"", SocketPacketError.InvalidPayload)]
    [TestCase("4", SocketPacketError.InvalidPayload)]
    [TestCase("4[]", SocketPacketError.InvalidPayload)]
    [TestCase("5[\"a\"]", SocketPacketError.InvalidAttachmentCount)]
    [TestCase("5-[\"a\"]", SocketPacketError.InvalidAttachmentCount)]
    [TestCase("50-[\"a\"]", SocketPacketError.InvalidAttachmentCount)]
    [TestCase("5-1-[\"a\"]", SocketPacketError.InvalidAttachmentCount)]
    [TestCase("51e1-[\"a\"]", SocketPacketError.InvalidAttachmentCount)]
    [TestCase("5 1-[\"a\"]", SocketPacketError.InvalidAttachmentCount)]
    [TestCase("51[\"a\"]", SocketPacketError.InvalidAttachmentCount)]
    [TestCase("511-[\"a\"]", SocketPacketError.TooManyAttachments)]
    [TestCase("599999999999-[\"a\"]", SocketPacketError.InvalidAttachmentCount)]
    [TestCase("51-", SocketPacketError.InvalidPayload)]
    [TestCase("51-[\"a\",{\"_placeholder\":true,\"num\":1}]", SocketPacketError.InvalidPlaceholder)]
    [TestCase("51-[\"a\",{\"_placeholder\":true,\"num\":-1}]", SocketPacketError.InvalidPlaceholder)]
    [TestCase("51-[\"a\",{\"_placeholder\":true,\"num\":0.5}]", SocketPacketError.InvalidPlaceholder)]
    [TestCase("51-[\"a\",{\"_placeholder\":true,\"num\":\"0\"}]", SocketPacketError.InvalidPlaceholder)]
    [TestCase("51-[\"a\",{\"_placeholder\":true,\"num\":1e0}]", SocketPacketError.InvalidPlaceholder)]
    [TestCase("51-[\"a\",{\"_placeholder\":true}]", SocketPacketError.InvalidPlaceholder)]
    [TestCase("51-[\"a\",{\"_placeholder\":true,\"num\":0,\"more\":1}]", SocketPacketError.InvalidPlaceholder)]
    [TestCase("61-[1]", SocketPacketError.InvalidAckId)]
    public void Packet_that_breaks_a_rule_is_refused(string text, SocketPacketError error)
    {
        Assert.That(Read(text, out var packet), Is.EqualTo(error));
        Assert.That(packet, Is.EqualTo(default(SocketPacket)));
    }

    [TestCase(100, SocketPacketError.None)]
    [TestCase(127, SocketPacketError.None)]
    [TestCase(128, SocketPacketError.InvalidJson)]
    [TestCase(100_000, SocketPacketError.InvalidJson)]
    public void Depth_is_bounded(int depth, SocketPacketError error)
    {
        var text = $"2[\"a\",{new string('[', depth)}{new string(']', depth)}]";
        Assert.That(Read(text, out _), Is.EqualTo(error));
    }

    [TestCase(256, SocketPacketError.None)]
    [TestCase(257, SocketPacketError.InvalidName)]
    public void Name_is_bounded(int length, SocketPacketError error)
    {
        Assert.That(Read($"2[\"{new string('n', length)}\"]", out _), Is.EqualTo(error));
        var escaped = string.Concat(Enumerable.Repeat("\\u006e", length));
        Assert.That(Read($"2[\"{escaped}\"]", out _), Is.EqualTo(error));
    }

    [TestCase("\"\\ud800\"")]
    [TestCase("1e999")]
    [TestCase("-0")]
    [TestCase("9007199254740993")]
    [TestCase("{\"a\":1,\"a\":2}")]
    [TestCase("{\"__proto__\":{\"x\":1}}")]
    [TestCase("{\"_placeholder\":true,\"num\":7}")]
    public void Odd_value_is_taken_as_it_is(string value)
    {
        Assert.That(Read($"2[\"a\",{value}]", out var packet), Is.EqualTo(SocketPacketError.None));
        Assert.That(Text(packet.Values), Is.EqualTo(value));
    }

    [Test]
    public void Event_is_read_without_allocation()
    {
        ReadOnlyMemory<byte> text = Encoding.UTF8.GetBytes($"2/chat,12[\"message\",\"{new string('x', 64)}\",{{\"a\":[1]}}]");
        var allocated = Allocation.Of(() => SocketPacketReader.TryRead(text, SocketPacketLimits.Default, out _), 100);
        Assert.That(allocated, Is.Zero);
    }

    private static SocketPacketError Read(string text, out SocketPacket packet) =>
        SocketPacketReader.TryRead(Encoding.UTF8.GetBytes(text), SocketPacketLimits.Default, out packet);

    private static string Text(ReadOnlyMemory<byte> utf8) => Encoding.UTF8.GetString(utf8.Span);
}
