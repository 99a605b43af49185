using System.Text;
using System.Text.Json;
using System.Text.Unicode;
using RawWs.Protocol.Envelope;

namespace RawWs.Tests.Protocol.Envelope;

/// <summary>Mutated envelopes, judged by the framework's own JSON document.</summary>
public class EnvelopeFuzzTests
{
    private const int Rounds = 60_000;

    private static readonly byte[][] Seeds = [.. new[]
    {
        """{"event":"chat","data":{"from":"ann","text":"hi"},"id":12}""",
        """{"event":"chat","args":[1, [2,{"three":3}], "four"]}""",
        """{"\u0065vent":"\ud83d\ude00","data":"\ud800","args":[],"x":{"y":[null,true]}}""",
        """{"ack":12,"data":-0}""",
        """{"ack":9007199254740991,"error":{"code":"denied","message":"\"no\"","more":[[]]}}""",
        """{ "event" : "connect" , "data" : { "token" : "café" } }""",
    }.Select(Encoding.UTF8.GetBytes)];

    private static readonly byte[][] Pieces = [.. new[]
    {
        "\"event\":", "\"data\":", "\"args\":", "\"id\":", "\"ack\":", "\"error\":", "\"code\":\"\"", "{", "}", "[", "]",
        ",", ":", "\"", "\\", "\\u0000", "\\ud800", "\\udc00", "\\ud83d\\ude00", "-", "0", "1e999", "null", " ",
        "9007199254740992", "\0", "\uFEFF", "[[[[[[[[[[",
    }.Select(Encoding.UTF8.GetBytes)];

    private static readonly EnvelopeLimits Limits = new() { MaxDepth = 8, MaxNameBytes = 16 };

    [Test]
    public void A_mutated_envelope_is_accepted_as_a_JSON_document_would_or_refused_with_an_error(
        [Values(1, 2, 3)] int seed)
    {
        var random = new Random(seed);
        int accepted = 0;
        for (int round = 0; round < Rounds; round++)
        {
            byte[] message = Mutate(Seeds[random.Next(Seeds.Length)], random);
            EnvelopeError error = EnvelopeReader.TryRead(message, Limits, out EnvelopePacket packet);
            string? fault = error switch
            {
                EnvelopeError.None => FindFault(message, packet),
                EnvelopeError.NotJson => IsJson(message) ? "JSON was refused as no JSON" : null,
                _ => Enum.IsDefined(error) ? null : "an error without a name",
            };
            accepted += error == EnvelopeError.None ? 1 : 0;
            if (fault is not null)
                Assert.Fail($"round {round}: {fault}: {Encoding.Latin1.GetString(message)}");
        }

        // A fuzz whose every input is refused at the door tests only the door.
        Assert.That(accepted, Is.GreaterThan(Rounds / 20));
    }

    private static byte[] Mutate(byte[] seed, Random random)
    {
        List<byte> bytes = [.. seed];
        for (int count = random.Next(1, 4); count > 0 && bytes.Count > 0; count--)
        {
            int at = random.Next(bytes.Count);
            switch (random.Next(6))
            {
                case 0:
                    bytes[at] ^= (byte)(1 << random.Next(8));
                    break;
                case 1:
                    bytes[at] = (byte)random.Next(256);
                    break;
                case 2:
                    bytes.RemoveRange(at, Math.Min(random.Next(1, 8), bytes.Count - at));
                    break;
                case 3:
                    bytes.InsertRange(at, bytes.GetRange(at, Math.Min(random.Next(1, 16), bytes.Count - at)));
                    break;
                default:
                    bytes.InsertRange(at, Pieces[random.Next(Pieces.Length)]);
                    break;
            }
        }

        return [.. bytes];
    }

    private static string? FindFault(byte[] message, EnvelopePacket packet)
    {
        if (!IsJson(message))
            return "what is no JSON was accepted";

        // The WebSocket layer lets no bad UTF-8 through; here it must only do no harm.
        if (!Utf8.IsValid(message))
            return null;

        using var document = JsonDocument.Parse(message);
        JsonElement? data = Find(document, "data");
        JsonElement? args = Find(document, "args");
        using var values = JsonDocument.Parse((byte[])[(byte)'[', .. packet.Values.Span, (byte)']']);
        string[] expected = args is JsonElement array
            ? [.. array.EnumerateArray().Select(value => value.GetRawText())]
            : data is JsonElement single ? [single.GetRawText()] : [];

        if (packet.Count != expected.Length)
            return "the count is wrong";
        if (!expected.SequenceEqual(values.RootElement.EnumerateArray().Select(value => value.GetRawText())))
            return "the values are wrong";
        if (Find(document, "event") is JsonElement name)
            return name.GetString() == Encoding.UTF8.GetString(packet.Name.Span) ? null : "the name is wrong";
        return Find(document, "ack")?.GetInt64() == packet.Id ? null : "the number is wrong";
    }

    private static bool IsJson(byte[] message)
    {
        try
        {
            using var document = JsonDocument.Parse(message);
            return true;
        }
        catch (JsonException)
        {
            return false;
        }
    }

    private static JsonElement? Find(JsonDocument document, string key)
    {
        foreach (JsonProperty property in document.RootElement.EnumerateObject())
        {
            if (NameOf(property) == key)
                return property.Value;
        }

        return null;
    }

    private static string? NameOf(JsonProperty property)
    {
        try
        {
            return property.Name;
        }
        catch (InvalidOperationException)
        {
            // A lone surrogate: no key of ours.
            return null;
        }
    }
}
