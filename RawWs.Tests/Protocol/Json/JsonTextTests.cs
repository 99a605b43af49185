using System.Buffers;
using System.Text;
using System.Text.Json;
using CsCheck;
using RawWs.Protocol.Json;
using Gen = CsCheck.Gen;

namespace RawWs.Tests.Protocol.Json;

public class JsonTextTests
{
    [TestCase("1", false)]
    [TestCase("[1,2]", false)]
    [TestCase("""{"a b":"c \" d"}""", false)]
    [TestCase("""["\\","x y"]""", false)]
    [TestCase("[1, 2]", true)]
    [TestCase("""{"a":1}""" + "\n", true)]
    [TestCase("""["\\" ,"x"]""", true)]
    [TestCase("\t1", true)]
    public void White_space_counts_between_tokens_only(string json, bool expected) =>
        Assert.That(JsonText.HasWhiteSpace(Encoding.UTF8.GetBytes(json)), Is.EqualTo(expected));

    [TestCase("[1, 2]", "[1,2]")]
    [TestCase(" { \"a b\" : [ ] , \"c\\\" \" : null } ", """{"a b":[],"c\" ":null}""")]
    [TestCase("1 ,\t\"\\\\\" ,\r\n[ 2 ]", """1,"\\",[2]""")]
    [TestCase("", "")]
    [TestCase("   ", "")]
    public void Minified_JSON_has_no_white_space_between_tokens(string json, string expected)
    {
        var output = new ArrayBufferWriter<byte>();
        JsonText.Minify(output, Encoding.UTF8.GetBytes(json));
        Assert.That(Encoding.UTF8.GetString(output.WrittenSpan), Is.EqualTo(expected));
    }

    [TestCase("plain", "\"plain\"")]
    [TestCase("", "\"\"")]
    [TestCase("\"\\\b\f\n\r\t\0\u001f", "\"\\\"\\\\\\b\\f\\n\\r\\t\\u0000\\u001f\"")]
    [TestCase("é/<>&'\u2028", "\"é/<>&'\u2028\"")]
    public void String_is_written_with_the_escapes_that_JSON_demands_and_no_other(string text, string expected) =>
        Assert.That(Write(text), Is.EqualTo(expected));

    [Test]
    public void Lone_surrogate_becomes_the_replacement_character() =>
        Assert.That(Write("a\ud800b"), Is.EqualTo("\"a\ufffdb\""));

    [Test]
    public void Any_text_that_was_written_is_what_the_framework_reads() => Gen.Char.Array[0, 40].Sample(units =>
    {
        var repaired = Encoding.UTF8.GetString(Encoding.UTF8.GetBytes(units));
        return JsonSerializer.Deserialize<string>(Write(new string(units))) == repaired;
    });

    [Test]
    public void Arbitrary_bytes_are_looked_at_without_harm() =>
        Gen.OneOf(Gen.Byte, Gen.Const((byte)'"'), Gen.Const((byte)'\\'), Gen.Const((byte)' ')).Array[0, 40]
            .Sample(bytes =>
            {
                var output = new ArrayBufferWriter<byte>();
                JsonText.Minify(output, bytes);
                return output.WrittenCount == bytes.Length == !JsonText.HasWhiteSpace(bytes);
            });

    private static string Write(string text)
    {
        var output = new ArrayBufferWriter<byte>();
        JsonText.WriteString(output, text);
        return Encoding.UTF8.GetString(output.WrittenSpan);
    }
}
