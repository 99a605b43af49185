using System.Text.Json;
using System.Text.Json.Serialization;

namespace RawWs.Server.Events;

/// <summary>
/// Bytes in the arguments of an event: where the value that is being (de)serialised finds or leaves its attachments.
/// </summary>
/// <remarks>Of the thread, for the time of one call: serializers know no other way to hand something through.</remarks>
internal static class BinaryScope
{
    [ThreadStatic]
    private static ReadOnlyMemory<byte>[]? t_reading;

    [ThreadStatic]
    private static List<ReadOnlyMemory<byte>>? t_writing;

    /// <summary>Attachments that placeholders refer to, if there are any.</summary>
    public static ReadOnlyMemory<byte>[]? Reading
    {
        get => t_reading;
        set => t_reading = value;
    }

    /// <summary>Gets the bytes that are written; null to write them as base64.</summary>
    public static List<ReadOnlyMemory<byte>>? Writing
    {
        get => t_writing;
        set => t_writing = value;
    }

    /// <summary>Reads a placeholder, or base64.</summary>
    public static ReadOnlyMemory<byte> Read(ref Utf8JsonReader reader)
    {
        if (reader.TokenType != JsonTokenType.StartObject)
            return reader.GetBytesFromBase64();

        var number = -1;
        var isPlaceholder = false;
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            // The packet's reader knows placeholders by their plain names.
            if (reader.ValueIsEscaped)
                throw new JsonException("Neither bytes nor base64.");

            bool isMark = reader.ValueTextEquals("_placeholder"u8);
            bool isNumber = reader.ValueTextEquals("num"u8);
            reader.Read();
            if (isMark)
                isPlaceholder = reader.TokenType == JsonTokenType.True;
            else if (!isNumber || reader.TokenType != JsonTokenType.Number || !reader.TryGetInt32(out number))
                throw new JsonException("Neither bytes nor base64.");
        }

        return isPlaceholder && Reading is { } attachments && (uint)number < (uint)attachments.Length
            ? attachments[number]
            : throw new JsonException("Neither bytes nor base64.");
    }

    /// <summary>Writes a placeholder and keeps a copy of the bytes; or base64.</summary>
    public static void Write(Utf8JsonWriter writer, ReadOnlySpan<byte> bytes)
    {
        if (Writing is not { } attachments)
        {
            writer.WriteBase64StringValue(bytes);
            return;
        }

        writer.WriteStartObject();
        writer.WriteBoolean("_placeholder"u8, true);
        writer.WriteNumber("num"u8, attachments.Count);
        writer.WriteEndObject();
        attachments.Add(bytes.ToArray());
    }
}

/// <summary>An array of bytes as an attachment.</summary>
internal sealed class ByteArrayConverter : JsonConverter<byte[]>
{
    public override byte[] Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        BinaryScope.Read(ref reader).ToArray();

    public override void Write(Utf8JsonWriter writer, byte[] value, JsonSerializerOptions options) =>
        BinaryScope.Write(writer, value);
}

/// <summary>Memory as an attachment.</summary>
internal sealed class ReadOnlyMemoryConverter : JsonConverter<ReadOnlyMemory<byte>>
{
    public override ReadOnlyMemory<byte> Read(
        ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        BinaryScope.Read(ref reader);

    public override void Write(
        Utf8JsonWriter writer, ReadOnlyMemory<byte> value, JsonSerializerOptions options) =>
        BinaryScope.Write(writer, value.Span);
}

/// <summary>Writable memory as an attachment.</summary>
internal sealed class MemoryConverter : JsonConverter<Memory<byte>>
{
    public override Memory<byte> Read(
        ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        BinaryScope.Read(ref reader).ToArray();

    public override void Write(Utf8JsonWriter writer, Memory<byte> value, JsonSerializerOptions options) =>
        BinaryScope.Write(writer, value.Span);
}
