using System.Buffers;
using System.Text;
using RawWs.Protocol.SocketIO;

namespace RawWs.Tests.Protocol.SocketIO;

[TestFixture]
public sealed class PlaceholdersTests
{
    private static readonly ReadOnlyMemory<byte>[] s_attachments = [new byte[] { 1, 2, 3 }, Array.Empty<byte>()];

    [TestCase("1,\"x\"", "1,\"x\"")]
    [TestCase("""{"_placeholder":true,"num":0}""", "\"AQID\"")]
    [TestCase("""{"num":0,"_placeholder":true}""", "\"AQID\"")]
    [TestCase(""" { "_placeholder" : true , "num" : 1 } """, " \"\" ")]
    [TestCase("""[{"a":{"_placeholder":true,"num":1}},{"_placeholder":true,"num":0}],2""", """[{"a":""},"AQID"],2""")]
    [TestCase("""{"_placeholder":false,"num":0}""", """{"_placeholder":false,"num":0}""")]
    [TestCase("""{"_placeholder":true,"num":2}""", """{"_placeholder":true,"num":2}""")]
    [TestCase(""" "{\"_placeholder\":true,\"num\":0}" """, """ "{\"_placeholder\":true,\"num\":0}" """)]
    [TestCase("""["_placeholder",true]""", """["_placeholder",true]""")]
    public void Placeholders_become_base64(string json, string expected)
    {
        var output = new ArrayBufferWriter<byte>();
        Placeholders.WriteBase64(output, Encoding.UTF8.GetBytes(json), s_attachments);
        Assert.That(Encoding.UTF8.GetString(output.WrittenSpan), Is.EqualTo(expected));
    }

    [Test]
    public void Placeholders_are_numbered_anew_in_their_order()
    {
        var output = new ArrayBufferWriter<byte>();
        var used = new List<int>();
        Placeholders.Renumber(
            output, """{"_placeholder":true,"num":4},[{"num":1,"_placeholder":true}]"""u8, used);
        Assert.That(
            Encoding.UTF8.GetString(output.WrittenSpan),
            Is.EqualTo("""{"_placeholder":true,"num":0},[{"_placeholder":true,"num":1}]"""));
        Assert.That(used, Is.EqualTo([4, 1]));
    }

    [TestCase("""{"_placeholder":true,"num":1}""", 1)]
    [TestCase("""{"a":{"_placeholder":true,"num":1}}""", -1)]
    [TestCase("[]", -1)]
    public void Placeholder_is_read(string json, int number) =>
        Assert.That(Placeholders.Read(Encoding.UTF8.GetBytes(json)), Is.EqualTo(number));

    [Test]
    public void Attachment_may_be_mentioned_once()
    {
        var once = """[{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}]"""u8;
        var twice = """[{"_placeholder":true,"num":0},{"num":0,"_placeholder":true}]"""u8;
        Assert.That(Placeholders.AreValid(once, 2));
        Assert.That(Placeholders.AreValid(twice, 2), Is.False);
    }

    [Test]
    public void Many_marks_cost_linear_time()
    {
        const int Count = 30_000;
        var placeholders = Enumerable.Range(0, Count).Select(number => $$"""{"_placeholder":true,"num":{{number}}}""");
        Assert.That(Placeholders.AreValid(Encoding.UTF8.GetBytes($"[{string.Join(',', placeholders)}]"), Count));
        var marks = string.Join(',', Enumerable.Repeat("\"_placeholder\":1", 2 * Count));
        Assert.That(Placeholders.AreValid(Encoding.UTF8.GetBytes($"{{{marks}}}"), 1));
    }
}
