using System.Buffers;
using System.Text;
using System.Text.Json;
using System.Text.Unicode;
using RawWs.Protocol.SocketIO;
using static RawWs.Tests.Fuzzing.Targets.FuzzInput;

namespace RawWs.Tests.Fuzzing.Targets;

/// <summary>Messages of a Socket.IO client, with 0x1e between them; one that begins with <c>b</c> is an
/// attachment.</summary>
internal static class SocketPacketTarget
{
    private static readonly SocketPacketLimits Limits =
        new() { MaxDepth = 8, MaxAttachments = 3, MaxNameBytes = 24, MaxPacketBytes = 200 };

    public static string Run(byte[] input)
    {
        var assembler = new SocketPacketAssembler(Limits);
        string verdict = "none";
        foreach (byte[] message in Split(input))
        {
            bool isBinary = message is [(byte)'b', ..];

            // The layer below lets nothing else through.
            if (!isBinary && !Utf8.IsValid(message))
                return "no text";
            SocketPacketError error = isBinary
                ? assembler.AddBinary(message.AsMemory(1), out SocketPacket packet, out bool isComplete)
                : assembler.AddText(message, out packet, out isComplete);
            Must(error == SocketPacketError.None || (!isComplete && assembler.Attachments.Length == 0), "an error keeps nothing");
            if (error != SocketPacketError.None)
                return error.ToString();
            verdict = "waiting";
            if (!isComplete)
                continue;
            Check(packet, assembler.Attachments);
            verdict = packet.Type.ToString();
        }

        return verdict;
    }

    private static IEnumerable<byte[]> Split(byte[] input)
    {
        int start = 0;
        for (int i = 0; i <= input.Length; i++)
        {
            if (i < input.Length && input[i] != 0x1E)
                continue;
            yield return input[start..i];
            start = i + 1;
        }
    }

    private static void Check(in SocketPacket packet, ReadOnlyMemory<byte>[] attachments)
    {
        Must(attachments.Length == packet.AttachmentCount, "the attachments are all there");
        Must(packet.AttachmentCount <= Limits.MaxAttachments && packet.Name.Length <= Limits.MaxNameBytes, "limits are kept");
        Must(packet.AckId is null or (>= 0 and <= SocketPacket.MaxAckId), "an id is one that every library keeps");
        Must(!ReservedNames.Contains(packet.Name.Span), "no client uses a reserved name");
        Must(Utf8.IsValid(packet.Name.Span), "a name is text");
        using JsonDocument values = Array(packet.Values.Span);
        Must(values.RootElement.GetArrayLength() == packet.Count, "values are counted");
        CheckPlaceholders(packet, attachments);
        CheckRoundTrip(packet);
    }

    private static void CheckPlaceholders(in SocketPacket packet, ReadOnlyMemory<byte>[] attachments)
    {
        ReadOnlySpan<byte> json = packet.Values.Span;
        List<int>? named = NaivePlaceholders(json);
        if (attachments.Length > 0)
        {
            Must(named is not null && named.All(n => n < attachments.Length), "a placeholder names an attachment");
            Must(named.Distinct().Count() == named.Count, "no attachment is named twice");
        }

        var output = new ArrayBufferWriter<byte>();
        List<int> used = [];
        Placeholders.Renumber(output, json, used);
        Must(named is null || used.SequenceEqual(named), "each placeholder is found");
        using JsonDocument renumbered = Array(output.WrittenSpan);
        Must(Placeholders.AreValid(output.WrittenSpan, used.Count) || named is null, "new numbers are valid");
        output.ResetWrittenCount();
        Placeholders.WriteBase64(output, json, attachments);
        using JsonDocument inlined = Array(output.WrittenSpan);
        long size = (long)json.Length + attachments.Sum(a => (a.Length * 2) + 8);
        Must(output.WrittenCount <= size || attachments.Length == 0, "an attachment is written once");
    }

    /// <summary>The numbers of all placeholders, found token by token; null if one is malformed.</summary>
    private static List<int>? NaivePlaceholders(ReadOnlySpan<byte> json)
    {
        byte[] array = [(byte)'[', .. json, (byte)']'];
        List<int> numbers = [];
        using JsonDocument document = JsonDocument.Parse(array);
        return Visit(document.RootElement) ? numbers : null;

        bool Visit(JsonElement element)
        {
            if (element.ValueKind == JsonValueKind.Array)
                return element.EnumerateArray().All(Visit);
            if (element.ValueKind != JsonValueKind.Object)
                return true;
            List<JsonProperty> members = [.. element.EnumerateObject()];

            // A name with escapes is another name: what writes placeholders writes none.
            if (!members.Exists(m => RawName(m) == "_placeholder" && m.Value.ValueKind == JsonValueKind.True))
                return members.TrueForAll(m => Visit(m.Value));
            string text = element.GetRawText();
            JsonProperty? number = members.Find(m => RawName(m) == "num") is { Value.ValueKind: JsonValueKind.Number } found
                ? found : null;
            if (members.Count != 2 || number is null || text.Length > 64
                || !int.TryParse(number.Value.Value.GetRawText(), System.Globalization.NumberStyles.None, null, out int n))
                return false;
            numbers.Add(n);
            return true;
        }
    }

    private static string RawName(JsonProperty property)
    {
        string text = property.ToString();
        return text[1..text.IndexOf('"', 1)];
    }

    private static void CheckRoundTrip(in SocketPacket packet)
    {
        if (packet.Type is not (SocketPacketType.Event or SocketPacketType.BinaryEvent) || packet.Name.IsEmpty)
            return;
        var output = new ArrayBufferWriter<byte>();
        SocketPacketWriter.WriteEvent(
            output, Text(packet.Namespace), Text(packet.Name), packet.Values.Span, packet.AckId, packet.AttachmentCount);
        SocketPacketError error = SocketPacketReader.TryRead(output.WrittenMemory, Limits, out SocketPacket again);
        Must(error == SocketPacketError.None, "what was read can be written");
        MustEqual(Describe(again), Describe(packet), "what was written is read");
    }

    private static string Describe(in SocketPacket p) =>
        $"{p.Type} {Text(p.Namespace)} {p.AckId} {p.AttachmentCount} {Text(p.Name)} {p.Count} {Text(p.Values)}";

    private static string Text(ReadOnlyMemory<byte> utf8) => Encoding.UTF8.GetString(utf8.Span);

    private static JsonDocument Array(ReadOnlySpan<byte> values) =>
        JsonDocument.Parse((byte[])[(byte)'[', .. values, (byte)']']);
}
