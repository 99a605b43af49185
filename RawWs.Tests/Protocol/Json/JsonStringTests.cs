using System.Text;

using RawWs.Protocol.Json;

namespace RawWs.Tests.Protocol.Json;

public class JsonStringTests
{
    [TestCase("", "")]
    [TestCase("plain é", "plain é")]
    [TestCase("""\"\\\/\b\f\n\r\t""", "\"\\/\b\f\n\r\t")]
    [TestCase("""a\u0062\u00e9\u20AC\uD83D\uDE00z""", "abé€😀z")]
    [TestCase("""\uFFFF\u0000""", "\uffff\0")]
    public void Every_escape_is_decoded(string escaped, string text)
    {
        byte[] input = Encoding.UTF8.GetBytes(escaped);
        byte[] output = new byte[input.Length];

        Assert.Multiple(() =>
        {
            Assert.That(JsonString.TryUnescape(input, output, out int length), Is.True);
            Assert.That(Encoding.UTF8.GetString(output, 0, length), Is.EqualTo(text));
        });
    }

    [TestCase("""\ud800""")]
    [TestCase("""\ud800\n""")]
    [TestCase("""\ud800\u0041""")]
    [TestCase("""\udfff\ud800""")]
    public void A_surrogate_without_its_other_half_is_no_text(string escaped)
    {
        byte[] input = Encoding.UTF8.GetBytes(escaped);

        Assert.That(JsonString.TryUnescape(input, new byte[input.Length], out _), Is.False);
    }

    [Test]
    public void Every_character_below_space_is_escaped_as_JSON_demands()
    {
        string text = string.Concat(Enumerable.Range(0, 0x80).Select(unit => (char)unit));
        byte[] utf8 = Encoding.UTF8.GetBytes(text);
        byte[] fromBytes = new byte[JsonString.MaxEscapedLength(utf8)];
        byte[] fromChars = new byte[text.Length * JsonString.MaxExpansion];

        string bytes = Encoding.UTF8.GetString(fromBytes, 0, JsonString.Escape(utf8, fromBytes));
        string chars = Encoding.UTF8.GetString(fromChars, 0, JsonString.Escape(text, fromChars));

        Assert.Multiple(() =>
        {
            Assert.That(System.Text.Json.JsonSerializer.Deserialize<string>($"\"{bytes}\""), Is.EqualTo(text));
            Assert.That(chars, Is.EqualTo(bytes));
        });
    }
}
