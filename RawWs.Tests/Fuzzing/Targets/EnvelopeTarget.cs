using System.Buffers;
using System.Text;
using System.Text.Json;
using System.Text.Unicode;
using RawWs.Protocol.Envelope;
using static RawWs.Tests.Fuzzing.Targets.FuzzInput;

namespace RawWs.Tests.Fuzzing.Targets;

/// <summary>One envelope, judged by the framework's own JSON document.</summary>
internal static class EnvelopeTarget
{
    private static readonly EnvelopeLimits Limits = new() { MaxDepth = 8, MaxNameBytes = 16 };

    public static string Run(byte[] input)
    {
        EnvelopeError error = EnvelopeReader.TryRead(input, Limits, out EnvelopePacket packet);
        Must(Enum.IsDefined(error), "an error has a name");
        if (error != EnvelopeError.None)
        {
            Must(error != EnvelopeError.NotJson || !IsJson(input), "JSON is JSON");
            Must(packet.Name.IsEmpty && packet.Count == 0 && packet.Id is null, "an error keeps nothing");
            return error.ToString();
        }

        Must(IsJson(input), "what is no JSON is refused");

        // The WebSocket layer lets no bad UTF-8 through; here it must only do no harm.
        if (!Utf8.IsValid(input))
            return "no text";
        CheckAgainstDocument(input, packet);
        CheckRoundTrip(packet);
        return packet.Kind.ToString();
    }

    private static void CheckAgainstDocument(byte[] input, in EnvelopePacket packet)
    {
        Must(packet.Name.Length <= Limits.MaxNameBytes, "the limit on a name is kept");
        Must(packet.Id is null or (>= 0 and <= EnvelopePacket.MaxId), "an id is one that every library keeps");
        using var document = JsonDocument.Parse(input);
        using var values = JsonDocument.Parse((byte[])[(byte)'[', .. packet.Values.Span, (byte)']']);
        string[] expected = Find(document, "args") is { } array
            ? [.. array.EnumerateArray().Select(value => value.GetRawText())]
            : Find(document, "data") is { } single ? [single.GetRawText()] : [];
        Must(packet.Count == expected.Length, "values are counted");
        string[] actual = [.. values.RootElement.EnumerateArray().Select(value => value.GetRawText())];
        Must(actual.SequenceEqual(expected), "values are those of the document");
        if (packet.Kind == EnvelopeKind.Event)
            MustEqual(Text(packet.Name), Find(document, "event")?.GetString() ?? "", "the name");
        JsonElement? id = Find(document, "ack") ?? Find(document, "id");
        Must(packet.Id == id?.GetInt64(), "the number is that of the document");
        Must(id?.GetRawText().All(char.IsAsciiDigit) != false, "a number is written in digits");
    }

    private static void CheckRoundTrip(in EnvelopePacket packet)
    {
        var output = new ArrayBufferWriter<byte>();
        ReadOnlySpan<byte> values = packet.Values.Span;
        switch (packet.Kind)
        {
            case EnvelopeKind.Event:
                EnvelopeWriter.WriteEvent(output, packet.Name.Span, values, packet.Count, packet.Id);
                break;
            case EnvelopeKind.Ack:
                EnvelopeWriter.WriteAck(output, packet.Id!.Value, values, packet.Count);
                break;
            default:
                EnvelopeWriter.WriteAckError(
                    output, packet.Id!.Value, Text(packet.ErrorCode), Text(packet.ErrorMessage));
                break;
        }

        // A single argument is written as data, which is a level less.
        EnvelopeError error = EnvelopeReader.TryRead(output.WrittenMemory, Limits, out EnvelopePacket again);
        Must(error == EnvelopeError.None, "what was read can be written");
        MustEqual(Describe(again), Describe(packet), "what was written is read");
    }

    private static string Describe(in EnvelopePacket p) =>
        $"{p.Kind} {Text(p.Name)} {p.Id} {p.Count} {Text(p.Values)} {Text(p.ErrorCode)} {Text(p.ErrorMessage)}";

    private static string Text(ReadOnlyMemory<byte> utf8) => Encoding.UTF8.GetString(utf8.Span);

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
