using System.Text;
using RawWs.Protocol.Envelope;
using RawWs.Tests.Support;

namespace RawWs.Tests.Protocol.Envelope;

public class EnvelopeReaderTests
{
    [TestCase("""{"event":"chat"}""", "chat", "", 0)]
    [TestCase("""{"event":"chat","data":"hi"}""", "chat", "\"hi\"", 1)]
    [TestCase("""{"event":"chat","data":null}""", "chat", "null", 1)]
    [TestCase("""{"event":"chat","data":[1,2]}""", "chat", "[1,2]", 1)]
    [TestCase("""{"data":{"a":[{}]},"event":"chat"}""", "chat", """{"a":[{}]}""", 1)]
    [TestCase("""{"event":"chat","args":[]}""", "chat", "", 0)]
    [TestCase("""{"event":"chat","args":[ ]}""", "chat", "", 0)]
    [TestCase("""{"event":"chat","args":[[]]}""", "chat", "[]", 1)]
    [TestCase("""{"event":"chat","args":[1,"two",{"three":[3]}]}""", "chat", "1,\"two\",{\"three\":[3]}", 3)]
    [TestCase("""{"event":"chat","args":[ 1 , [2] ]}""", "chat", "1 , [2]", 2)]
    [TestCase(" \t\r\n{ \"event\" : \"chat\" , \"data\" : 1.50 } \n", "chat", "1.50", 1)]
    public void An_event_carries_its_name_and_its_values_as_they_stand(
        string json, string name, string values, int count)
    {
        EnvelopePacket packet = ReadLegal(json);

        Assert.Multiple(() =>
        {
            Assert.That(packet.Kind, Is.EqualTo(EnvelopeKind.Event));
            Assert.That(Text(packet.Name), Is.EqualTo(name));
            Assert.That(packet.Id, Is.Null);
            Assert.That(Text(packet.Values), Is.EqualTo(values));
            Assert.That(packet.Count, Is.EqualTo(count));
        });
    }

    [TestCase("""{"event":"e","id":0}""", 0)]
    [TestCase("""{"id":7,"event":"e","data":1}""", 7)]
    [TestCase("""{"event":"e","id":9007199254740991}""", 9007199254740991)]
    public void An_id_asks_for_an_acknowledgement(string json, long id) =>
        Assert.That(ReadLegal(json).Id, Is.EqualTo(id));

    [TestCase("""{"ack":0}""", 0, "", 0)]
    [TestCase("""{"ack":3,"data":"ok"}""", 3, "\"ok\"", 1)]
    [TestCase("""{"args":[1,2],"ack":9007199254740991}""", 9007199254740991, "1,2", 2)]
    public void An_acknowledgement_carries_its_number_and_values(string json, long id, string values, int count)
    {
        EnvelopePacket packet = ReadLegal(json);

        Assert.Multiple(() =>
        {
            Assert.That(packet.Kind, Is.EqualTo(EnvelopeKind.Ack));
            Assert.That(packet.Id, Is.EqualTo(id));
            Assert.That(packet.Name.IsEmpty);
            Assert.That(Text(packet.Values), Is.EqualTo(values));
            Assert.That(packet.Count, Is.EqualTo(count));
        });
    }

    [TestCase("""{"ack":1,"error":{"code":"denied","message":"not \"you\""}}""", "denied", "not \"you\"")]
    [TestCase("""{"error":{"message":"","extra":[1],"code":""},"ack":1}""", "", "")]
    public void A_refusal_carries_its_code_and_message(string json, string code, string message)
    {
        EnvelopePacket packet = ReadLegal(json);

        Assert.Multiple(() =>
        {
            Assert.That(packet.Kind, Is.EqualTo(EnvelopeKind.AckError));
            Assert.That(packet.Id, Is.EqualTo(1));
            Assert.That(Text(packet.ErrorCode), Is.EqualTo(code));
            Assert.That(Text(packet.ErrorMessage), Is.EqualTo(message));
            Assert.That(packet.Count, Is.Zero);
        });
    }

    [TestCase("""{"event":"caf\u00e9 \ud83d\ude00 \"\\\/\b\f\n\r\t\u0000"}""", "café 😀 \"\\/\b\f\n\r\t\0")]
    [TestCase("""{"event":"\u0065"}""", "e")]
    [TestCase("{\"event\":\"ünïcode\"}", "ünïcode")]
    [TestCase("""{"\u0065vent":"e"}""", "e")]
    public void Escapes_in_names_and_keys_are_decoded(string json, string name) =>
        Assert.That(Text(ReadLegal(json).Name), Is.EqualTo(name));

    [TestCase("-0")]
    [TestCase("1e999")]
    [TestCase("9007199254740993")]
    [TestCase("\"\\ud800\"")]
    [TestCase("\"\\u0041\\/\"")]
    [TestCase("""{"a":1,"a":2}""")]
    [TestCase("""{"__proto__":{"x":1}}""")]
    [TestCase("""{ "spaced" :	[ true , false ] }""")]
    [TestCase("""{"event":"inner","event":"inner","ack":[]}""")]
    public void What_is_inside_the_data_passes_through_untouched(string value)
    {
        EnvelopePacket alone = ReadLegal($$"""{"event":"e","data":{{value}}}""");
        EnvelopePacket several = ReadLegal($$"""{"event":"e","args":[{{value}},{{value}}]}""");

        Assert.Multiple(() =>
        {
            Assert.That(Text(alone.Values), Is.EqualTo(value));
            Assert.That(Text(several.Values), Is.EqualTo($"{value},{value}"));
        });
    }

    [TestCase("""{"event":"e","version":2,"trace":{"deep":[1,{}]},"data":1}""")]
    [TestCase("""{"x":1,"event":"e","x":2,"data":1}""")]
    [TestCase("""{"\ud800":1,"event":"e","data":1}""")]
    [TestCase("""{"":1,"Event":2,"EVENT":3,"code":4,"message":5,"event":"e","data":1}""")]
    [TestCase("""{"\u0061\u0061\u0061\u0061\u0061\u0061\u0061\u0061\u0061":1,"event":"e","data":1}""")]
    public void Unknown_keys_are_ignored(string json)
    {
        EnvelopePacket packet = ReadLegal(json);

        Assert.Multiple(() =>
        {
            Assert.That(Text(packet.Name), Is.EqualTo("e"));
            Assert.That(Text(packet.Values), Is.EqualTo("1"));
        });
    }

    [TestCase("")]
    [TestCase(" ")]
    [TestCase("{")]
    [TestCase("""{"event":"e" """)]
    [TestCase("""{"event":"e"}}""")]
    [TestCase("""{"event":"e"} {}""")]
    [TestCase("""{"event":"e",}""")]
    [TestCase("""{"event":"e","data":[1,]}""")]
    [TestCase("""{"event":"e"/**/}""")]
    [TestCase("""{event:"e"}""")]
    [TestCase("""{'event':'e'}""")]
    [TestCase("""{"event":"e","data":NaN}""")]
    [TestCase("""{"event":"e","data":01}""")]
    [TestCase("""{"event":"e","data":+1}""")]
    [TestCase("""{"event":"e","data":.5}""")]
    [TestCase("""{"event":"e","data":"\x41"}""")]
    [TestCase("""{"event":"\u12"}""")]
    [TestCase("{\"event\":\"a\nb\"}")]
    [TestCase("{\"event\":\"e\",\"data\":\"\u0001\"}")]
    [TestCase("""{"event":"e","unknown":tru}""")]
    [TestCase("\uFEFF{\"event\":\"e\"}")]
    [TestCase("42[\"chat\",\"hi\"]")]
    public void What_is_no_JSON_text_is_refused(string json) =>
        Assert.That(Read(json).Error, Is.EqualTo(EnvelopeError.NotJson).Or.EqualTo(EnvelopeError.NotAnObject));

    [TestCase("null")]
    [TestCase("1")]
    [TestCase("\"event\"")]
    [TestCase("""["event","e"]""")]
    public void What_is_no_object_is_refused(string json) =>
        Assert.That(Read(json).Error, Is.EqualTo(EnvelopeError.NotAnObject));

    [TestCase("""{"event":"e","event":"e"}""")]
    [TestCase("""{"event":"e","\u0065vent":"e"}""")]
    [TestCase("""{"event":"e","data":1,"data":1}""")]
    [TestCase("""{"event":"e","args":[],"args":[]}""")]
    [TestCase("""{"event":"e","id":1,"id":1}""")]
    [TestCase("""{"ack":1,"ack":1}""")]
    [TestCase("""{"ack":1,"error":{"code":"","message":""},"error":{"code":"","message":""}}""")]
    [TestCase("""{"ack":1,"error":{"code":"","code":"","message":""}}""")]
    [TestCase("""{"ack":1,"error":{"code":"","message":"","m\u0065ssage":""}}""")]
    public void A_key_of_the_envelope_given_twice_is_refused(string json) =>
        Assert.That(Read(json).Error, Is.EqualTo(EnvelopeError.DuplicateKey));

    [TestCase("""{"event":"e","ack":1}""")]
    [TestCase("""{"event":"e","data":1,"args":[1]}""")]
    [TestCase("""{"event":"e","data":1,"args":[]}""")]
    [TestCase("""{"event":"e","error":{"code":"","message":""}}""")]
    [TestCase("""{"ack":1,"id":1}""")]
    [TestCase("""{"ack":1,"data":1,"args":[1]}""")]
    [TestCase("""{"ack":1,"data":1,"error":{"code":"","message":""}}""")]
    [TestCase("""{"ack":1,"args":[],"error":{"code":"","message":""}}""")]
    public void Keys_that_exclude_each_other_are_refused(string json) =>
        Assert.That(Read(json).Error, Is.EqualTo(EnvelopeError.ConflictingKeys));

    [TestCase("{}")]
    [TestCase("""{"data":1,"id":1}""")]
    [TestCase("""{"error":{"code":"not_json","message":""}}""")]
    public void An_envelope_that_is_neither_event_nor_acknowledgement_is_refused(string json) =>
        Assert.That(Read(json).Error, Is.EqualTo(EnvelopeError.NoEvent));

    [TestCase("\"\"")]
    [TestCase("null")]
    [TestCase("1")]
    [TestCase("{}")]
    [TestCase("[\"e\"]")]
    [TestCase("\"\\ud800\"")]
    [TestCase("\"\\udc00\"")]
    [TestCase("\"\\ud800x\"")]
    [TestCase("\"\\ud800\\n\"")]
    [TestCase("\"\\ud800\\u0041\"")]
    [TestCase("\"\\ud800\\ud800\"")]
    [TestCase("\"\\udc00\\ud800\"")]
    public void A_name_is_a_non_empty_string_of_Unicode_text(string name) =>
        Assert.That(Read($$"""{"event":{{name}}}""").Error, Is.EqualTo(EnvelopeError.InvalidName));

    [Test]
    public void A_name_is_limited_in_bytes_after_its_escapes_are_decoded()
    {
        var limits = new EnvelopeLimits { MaxNameBytes = 4 };

        Assert.Multiple(() =>
        {
            Assert.That(Read("""{"event":"abcd"}""", limits).Error, Is.EqualTo(EnvelopeError.None));
            Assert.That(Read("""{"event":"\u0061bcd"}""", limits).Error, Is.EqualTo(EnvelopeError.None));
            Assert.That(Read("""{"event":"éé"}""", limits).Error, Is.EqualTo(EnvelopeError.None));
            Assert.That(Read("""{"event":"abcde"}""", limits).Error, Is.EqualTo(EnvelopeError.NameTooLong));
            Assert.That(Read("""{"event":"ééa"}""", limits).Error, Is.EqualTo(EnvelopeError.NameTooLong));
            Assert.That(Read("""{"event":"\u00e9\u00e9a"}""", limits).Error, Is.EqualTo(EnvelopeError.NameTooLong));
            Assert.That(Read(Named(256)).Error, Is.EqualTo(EnvelopeError.None));
            Assert.That(Read(Named(257)).Error, Is.EqualTo(EnvelopeError.NameTooLong));
            Assert.That(Read(Named(100_000)).Error, Is.EqualTo(EnvelopeError.NameTooLong));
        });

        static string Named(int bytes) => $$"""{"event":"{{new string('n', bytes)}}"}""";
    }

    [TestCase("-1")]
    [TestCase("-0")]
    [TestCase("1.0")]
    [TestCase("1e1")]
    [TestCase("9007199254740992")]
    [TestCase("99999999999999999999999999")]
    [TestCase("null")]
    [TestCase("true")]
    [TestCase("\"1\"")]
    [TestCase("[1]")]
    [TestCase("{}")]
    public void A_number_of_an_acknowledgement_is_an_integer_from_0_to_2_53_minus_1(string number)
    {
        Assert.Multiple(() =>
        {
            Assert.That(Read($$"""{"event":"e","id":{{number}}}""").Error, Is.EqualTo(EnvelopeError.InvalidId));
            Assert.That(Read($$"""{"ack":{{number}}}""").Error, Is.EqualTo(EnvelopeError.InvalidAck));
        });
    }

    [TestCase("1")]
    [TestCase("null")]
    [TestCase("\"[]\"")]
    [TestCase("{}")]
    public void Args_are_an_array(string args) =>
        Assert.That(Read($$"""{"event":"e","args":{{args}}}""").Error, Is.EqualTo(EnvelopeError.InvalidArgs));

    [TestCase("null")]
    [TestCase("\"denied\"")]
    [TestCase("[]")]
    [TestCase("{}")]
    [TestCase("""{"code":"denied"}""")]
    [TestCase("""{"message":"denied"}""")]
    [TestCase("""{"code":1,"message":""}""")]
    [TestCase("""{"code":"","message":null}""")]
    [TestCase("""{"code":"","message":"\ud800"}""")]
    public void A_refusal_says_a_code_and_a_message(string error) =>
        Assert.That(Read($$"""{"ack":1,"error":{{error}}}""").Error, Is.EqualTo(EnvelopeError.InvalidError));

    [TestCase("data", "")]
    [TestCase("unknown", "")]
    [TestCase("args", "")]
    [TestCase("error", "\"code\":\"\",\"message\":\"\",\"more\":")]
    public void Depth_is_limited_wherever_it_is(string key, string before)
    {
        // The envelope is the first level; an error is a level of its own.
        int inner = before.Length == 0 ? 127 : 126;
        string head = key == "error" ? "\"ack\":1" : "\"event\":\"e\"";

        Assert.Multiple(() =>
        {
            Assert.That(Read(Nested(inner)).Error, Is.EqualTo(EnvelopeError.None));
            Assert.That(Read(Nested(inner + 1)).Error, Is.EqualTo(EnvelopeError.TooDeep));
            Assert.That(Read(Nested(100_000)).Error, Is.EqualTo(EnvelopeError.TooDeep));
        });

        string Nested(int depth)
        {
            string value = new string('[', depth) + new string(']', depth);
            return before.Length == 0
                ? $$"""{{{head}},"{{key}}":{{value}}}"""
                : $$$"""{{{{head}}},"{{{key}}}":{{{{before}}}{{{value}}}}}""";
        }
    }

    [Test]
    public void The_shallowest_limit_leaves_room_for_the_envelope_alone()
    {
        var limits = new EnvelopeLimits { MaxDepth = 1 };

        Assert.Multiple(() =>
        {
            Assert.That(Read("""{"event":"e","data":1}""", limits).Error, Is.EqualTo(EnvelopeError.None));
            Assert.That(Read("""{"event":"e","data":{}}""", limits).Error, Is.EqualTo(EnvelopeError.TooDeep));
            Assert.That(Read("""{"event":"e","args":[1]}""", limits).Error, Is.EqualTo(EnvelopeError.TooDeep));
            Assert.That(Read("""{"ack":1,"error":{}}""", limits).Error, Is.EqualTo(EnvelopeError.TooDeep));
        });
    }

    [Test]
    public void Of_several_errors_the_first_in_the_text_is_told()
    {
        Assert.Multiple(() =>
        {
            Assert.That(Read("""{"event":"","id":-1}""").Error, Is.EqualTo(EnvelopeError.InvalidName));
            Assert.That(Read("""{"id":-1,"event":""}""").Error, Is.EqualTo(EnvelopeError.InvalidId));
            Assert.That(Read("""{"id":-1,""").Error, Is.EqualTo(EnvelopeError.InvalidId));
            Assert.That(Read("""{"event":"e","ack":1,"id":""").Error, Is.EqualTo(EnvelopeError.NotJson));
        });
    }

    [Test]
    public void A_refused_message_leaves_no_packet()
    {
        (_, EnvelopePacket packet) = Read("""{"event":"e","data":1,"id":-1}""");

        Assert.That(packet, Is.EqualTo(default(EnvelopePacket)));
    }

    [Test]
    public void Names_and_values_are_slices_of_the_message()
    {
        byte[] message = """{"event":"chat","args":[1,2]}"""u8.ToArray();
        EnvelopeReader.TryRead(message, EnvelopeLimits.Default, out EnvelopePacket packet);

        Assert.Multiple(() =>
        {
            Assert.That(packet.Name.Span.Overlaps(message, out int name) ? -name : -1, Is.EqualTo(10));
            Assert.That(packet.Values.Span.Overlaps(message, out int values) ? -values : -1, Is.EqualTo(24));
        });
    }

    [TestCase("""{"event":"chat","data":{"from":"ann","text":"hi \u00e9"},"id":12}""")]
    [TestCase("""{"event":"chat","args":[1,[2,{"three":3}],"four"]}""")]
    [TestCase("""{"ack":12,"data":"ok"}""")]
    [TestCase("""{"ack":12,"error":{"code":"denied","message":"no"}}""")]
    public void Reading_allocates_nothing(string json)
    {
        byte[] message = Encoding.UTF8.GetBytes(json);
        EnvelopeError error = EnvelopeReader.TryRead(message, EnvelopeLimits.Default, out _);

        long allocated = Allocation.Of(
            () => error |= EnvelopeReader.TryRead(message, EnvelopeLimits.Default, out _), 1000);

        Assert.Multiple(() =>
        {
            Assert.That(error, Is.EqualTo(EnvelopeError.None));
            Assert.That(allocated, Is.Zero);
        });
    }

    private static EnvelopePacket ReadLegal(string json)
    {
        (EnvelopeError error, EnvelopePacket packet) = Read(json);
        Assert.That(error, Is.EqualTo(EnvelopeError.None));
        return packet;
    }

    private static (EnvelopeError Error, EnvelopePacket Packet) Read(string json, EnvelopeLimits? limits = null)
    {
        EnvelopeError error = EnvelopeReader.TryRead(
            Encoding.UTF8.GetBytes(json), limits ?? EnvelopeLimits.Default, out EnvelopePacket packet);
        return (error, packet);
    }

    private static string Text(ReadOnlyMemory<byte> utf8) => Encoding.UTF8.GetString(utf8.Span);
}
