using System.Buffers;
using System.Text;
using RawWs.Protocol.Envelope;
using RawWs.Tests.Support;

namespace RawWs.Tests.Protocol.Envelope;

public class EnvelopeWriterTests
{
    [TestCase("", 0, null, """{"event":"chat"}""")]
    [TestCase("\"hi\"", 1, null, """{"event":"chat","data":"hi"}""")]
    [TestCase("[1,2]", 1, 0, """{"event":"chat","data":[1,2],"id":0}""")]
    [TestCase("1,[2]", 2, 9007199254740991, """{"event":"chat","args":[1,[2]],"id":9007199254740991}""")]
    [TestCase("", 0, 7, """{"event":"chat","id":7}""")]
    public void An_event_is_written_in_one_order_without_spaces(string values, int count, long? id, string json)
    {
        byte[] utf8 = Encoding.UTF8.GetBytes(values);

        Assert.Multiple(() =>
        {
            Assert.That(Write(output => EnvelopeWriter.WriteEvent(output, "chat"u8, utf8, count, id)), Is.EqualTo(json));
            Assert.That(Write(output => EnvelopeWriter.WriteEvent(output, "chat", utf8, count, id)), Is.EqualTo(json));
        });
    }

    [TestCase("say \"hi\"", """{"event":"say \"hi\""}""")]
    [TestCase("back\\slash", """{"event":"back\\slash"}""")]
    [TestCase("\b\f\n\r\t", """{"event":"\b\f\n\r\t"}""")]
    [TestCase("\0\u0001\u000b\u001f\u007f", "{\"event\":\"\\u0000\\u0001\\u000b\\u001f\u007f\"}")]
    [TestCase("café 😀 </script>", "{\"event\":\"café 😀 </script>\"}")]
    public void A_name_is_escaped_where_JSON_demands_it(string name, string json)
    {
        byte[] utf8 = Encoding.UTF8.GetBytes(name);

        Assert.Multiple(() =>
        {
            Assert.That(Write(output => EnvelopeWriter.WriteEvent(output, utf8, [], 0)), Is.EqualTo(json));
            Assert.That(Write(output => EnvelopeWriter.WriteEvent(output, name, [], 0)), Is.EqualTo(json));
        });
    }

    [Test]
    public void A_lone_surrogate_in_a_string_becomes_the_replacement_character() => Assert.That(
        Write(output => EnvelopeWriter.WriteEvent(output, "a\ud800\"b", [], 0)),
        Is.EqualTo("{\"event\":\"a\ufffd\\\"b\"}"));

    [TestCase("", 0, """{"ack":5}""")]
    [TestCase("null", 1, """{"ack":5,"data":null}""")]
    [TestCase("1,2", 2, """{"ack":5,"args":[1,2]}""")]
    public void An_acknowledgement_is_written(string values, int count, string json) => Assert.That(
        Write(output => EnvelopeWriter.WriteAck(output, 5, Encoding.UTF8.GetBytes(values), count)),
        Is.EqualTo(json));

    [Test]
    public void A_refusal_of_an_event_is_written() => Assert.That(
        Write(output => EnvelopeWriter.WriteAckError(output, 5, "denied", "not \"you\"")),
        Is.EqualTo("""{"ack":5,"error":{"code":"denied","message":"not \"you\""}}"""));

    [Test]
    public void The_greeting_tells_the_id() => Assert.That(
        Write(output => EnvelopeWriter.WriteConnect(output, "x_1-Y")),
        Is.EqualTo("""{"event":"connect","data":{"id":"x_1-Y"}}"""));

    [TestCase("", """{"event":"connect_error","data":{"message":"Not authorized"}}""")]
    [TestCase("{\"code\":401}", """{"event":"connect_error","data":{"message":"Not authorized","data":{"code":401}}}""")]
    public void The_refusal_of_a_client_has_data_only_if_there_is_some(string data, string json) => Assert.That(
        Write(output => EnvelopeWriter.WriteConnectError(output, "Not authorized", Encoding.UTF8.GetBytes(data))),
        Is.EqualTo(json));

    [Test]
    public void A_disconnect_tells_the_reason() => Assert.That(
        Write(output => EnvelopeWriter.WriteDisconnect(output, "server namespace disconnect")),
        Is.EqualTo("""{"event":"disconnect","data":{"reason":"server namespace disconnect"}}"""));

    [Test]
    public void The_answer_to_a_malformed_envelope_tells_code_and_message() => Assert.That(
        Write(output => EnvelopeWriter.WriteError(output, EnvelopeError.NotJson)),
        Is.EqualTo("""{"error":{"code":"not_json","message":"not a JSON text"}}"""));

    [Test]
    public void Texts_of_nothing_but_escapes_fit()
    {
        string zeros = new('\0', 5_000);
        string escapes = string.Concat(Enumerable.Repeat("\\u0000", 5_000));
        byte[] utf8 = Encoding.UTF8.GetBytes(zeros);

        Assert.Multiple(() =>
        {
            Assert.That(
                Write(output => EnvelopeWriter.WriteEvent(output, utf8, "1,2"u8, 2, EnvelopePacket.MaxId)),
                Is.EqualTo($$"""{"event":"{{escapes}}","args":[1,2],"id":9007199254740991}"""));
            Assert.That(
                Write(output => EnvelopeWriter.WriteEvent(output, zeros, "1,2"u8, 2, EnvelopePacket.MaxId)),
                Is.EqualTo($$"""{"event":"{{escapes}}","args":[1,2],"id":9007199254740991}"""));
            Assert.That(
                Write(output => EnvelopeWriter.WriteAckError(output, EnvelopePacket.MaxId, zeros, zeros)),
                Does.StartWith("{\"ack\":9007199254740991,\"error\":").And.EndsWith(escapes + "\"}}"));
            Assert.That(
                Write(output => EnvelopeWriter.WriteConnectError(output, zeros, "1"u8)),
                Does.EndWith(escapes + "\",\"data\":1}}"));
            Assert.That(
                Write(output => EnvelopeWriter.WriteConnect(output, zeros)), Does.EndWith(escapes + "\"}}"));
            Assert.That(
                Write(output => EnvelopeWriter.WriteDisconnect(output, zeros)), Does.EndWith(escapes + "\"}}"));
        });
    }

    [TestCase(-1)]
    [TestCase(9007199254740992)]
    public void A_number_outside_the_range_is_misuse_and_writes_nothing(long id)
    {
        var output = new ArrayBufferWriter<byte>();

        Assert.Multiple(() =>
        {
            Assert.That(
                () => EnvelopeWriter.WriteEvent(output, "e"u8, [], 0, id), Throws.TypeOf<ArgumentOutOfRangeException>());
            Assert.That(
                () => EnvelopeWriter.WriteAck(output, id, [], 0), Throws.TypeOf<ArgumentOutOfRangeException>());
            Assert.That(
                () => EnvelopeWriter.WriteAckError(output, id, "", ""), Throws.TypeOf<ArgumentOutOfRangeException>());
            Assert.That(
                () => EnvelopeWriter.WriteAck(output, 1, [], -1), Throws.TypeOf<ArgumentOutOfRangeException>());
            Assert.That(
                () => EnvelopeWriter.WriteError(output, EnvelopeError.None),
                Throws.TypeOf<ArgumentOutOfRangeException>());
            Assert.That(output.WrittenCount, Is.Zero);
        });
    }

    [Test]
    public void Writing_allocates_nothing()
    {
        var output = new ArrayBufferWriter<byte>(4096);
        Assert.That(Allocation.Of(() => WriteAll(output), 1000), Is.Zero);

        static void WriteAll(ArrayBufferWriter<byte> output)
        {
            output.ResetWrittenCount();
            EnvelopeWriter.WriteEvent(output, "chat \"é\""u8, "1,2"u8, 2, 12);
            EnvelopeWriter.WriteEvent(output, "chat \"é\"", "1,2"u8, 2, 12);
            EnvelopeWriter.WriteAck(output, 12, "1"u8, 1);
            EnvelopeWriter.WriteAckError(output, 12, "denied", "no");
            EnvelopeWriter.WriteConnect(output, "id");
            EnvelopeWriter.WriteConnectError(output, "no", "{}"u8);
            EnvelopeWriter.WriteDisconnect(output, "because");
            EnvelopeWriter.WriteError(output, EnvelopeError.NotJson);
        }
    }

    private static string Write(Action<ArrayBufferWriter<byte>> write)
    {
        var output = new ArrayBufferWriter<byte>();
        write(output);
        return Encoding.UTF8.GetString(output.WrittenSpan);
    }
}
