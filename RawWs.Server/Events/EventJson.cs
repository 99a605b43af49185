using System.Buffers;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;

namespace RawWs.Server.Events;

/// <summary>Values to JSON and back, by the serializer options of one server.</summary>
internal sealed class EventJson
{
    private const int MaxKeptBytes = 64 * 1024;

    [ThreadStatic]
    private static Scratch? t_scratch;

    private readonly JsonSerializerOptions _options;
    private readonly int _maxBytes;
    private readonly int _maxAttachments;

    public EventJson(EventOptions options)
    {
        _maxBytes = options.MaxEmitBytes;
        _maxAttachments = options.MaxAttachments;
        _options = new JsonSerializerOptions(options.SerializerOptions) { MaxDepth = options.MaxJsonDepth };
        // In front: bytes are attachments whatever else the application converts.
        _options.Converters.Insert(0, new ByteArrayConverter());
        _options.Converters.Insert(0, new ReadOnlyMemoryConverter());
        _options.Converters.Insert(0, new MemoryConverter());
        _options.MakeReadOnly();
    }

    public int MaxDepth => _options.MaxDepth;

    public EventArguments Encode<T>(T value)
    {
        // Arguments that came in go out again as they are.
        if (value is EventArguments arguments)
            return arguments.Tidy();

        Scratch scratch = Rent();
        Write(scratch, value);
        return Finish(scratch, 1);
    }

    public EventArguments Encode<T1, T2>(T1 value1, T2 value2)
    {
        Scratch scratch = Rent();
        Write(scratch, value1);
        Write(scratch, value2);
        return Finish(scratch, 2);
    }

    public EventArguments Encode<T1, T2, T3>(T1 value1, T2 value2, T3 value3)
    {
        Scratch scratch = Rent();
        Write(scratch, value1);
        Write(scratch, value2);
        Write(scratch, value3);
        return Finish(scratch, 3);
    }

    public EventArguments Encode<T1, T2, T3, T4>(T1 value1, T2 value2, T3 value3, T4 value4)
    {
        Scratch scratch = Rent();
        Write(scratch, value1);
        Write(scratch, value2);
        Write(scratch, value3);
        Write(scratch, value4);
        return Finish(scratch, 4);
    }

    public EventArguments Encode<T1, T2, T3, T4, T5>(T1 value1, T2 value2, T3 value3, T4 value4, T5 value5)
    {
        Scratch scratch = Rent();
        Write(scratch, value1);
        Write(scratch, value2);
        Write(scratch, value3);
        Write(scratch, value4);
        Write(scratch, value5);
        return Finish(scratch, 5);
    }

    /// <summary>Copies and checks comma-separated JSON values that the application made itself.</summary>
    /// <exception cref="ArgumentException">
    /// They are not JSON, are nested too deep or are too long.
    /// </exception>
    public EventArguments Parse(ReadOnlySpan<byte> jsonValues)
    {
        CheckSize(jsonValues.Length);
        byte[] copy = jsonValues.ToArray();
        var values = new ArgumentReader(copy);
        var count = 0;
        while (values.TryRead(out ReadOnlySpan<byte> value))
        {
            try
            {
                var reader = new Utf8JsonReader(value, new JsonReaderOptions { MaxDepth = MaxDepth });
                while (reader.Read())
                    reader.TrySkip();
            }
            catch (JsonException e)
            {
                throw new ArgumentException("Not a list of JSON values.", nameof(jsonValues), e);
            }

            count++;
        }

        return new EventArguments(this, copy, count).Tidy();
    }

    /// <summary>The UTF-8 JSON of a value whose type is known only at run time.</summary>
    public byte[] EncodeObject(object value) =>
        JsonSerializer.SerializeToUtf8Bytes(value, _options.GetTypeInfo(value.GetType()));

    /// <exception cref="JsonException">The value does not fit the type.</exception>
    public T? Decode<T>(ReadOnlySpan<byte> json) => JsonSerializer.Deserialize(json, TypeInfo<T>());

    /// <param name="json">One value.</param>
    /// <param name="attachments">The bytes that placeholders in it refer to.</param>
    /// <exception cref="JsonException">The value does not fit the type.</exception>
    public T? Decode<T>(ReadOnlySpan<byte> json, ReadOnlyMemory<byte>[] attachments)
    {
        if (attachments.Length == 0)
            return Decode<T>(json);

        ReadOnlyMemory<byte>[]? before = BinaryScope.Reading;
        BinaryScope.Reading = attachments;
        try
        {
            return Decode<T>(json);
        }
        finally
        {
            BinaryScope.Reading = before;
        }
    }

    public JsonElement DecodeElement(ReadOnlySpan<byte> json) =>
        JsonElement.Parse(json, new JsonDocumentOptions { MaxDepth = MaxDepth });

    private JsonTypeInfo<T> TypeInfo<T>() => (JsonTypeInfo<T>)_options.GetTypeInfo(typeof(T));

    // Taken off the thread while in use: a converter may emit an event itself.
    private Scratch Rent()
    {
        Scratch? scratch = t_scratch;
        t_scratch = null;
        return scratch?.Owner == this ? scratch : new Scratch(this);
    }

    private void Write<T>(Scratch scratch, T value)
    {
        if (scratch.Buffer.WrittenCount > 0)
            scratch.Buffer.Write(","u8);

        List<ReadOnlyMemory<byte>>? before = BinaryScope.Writing;
        BinaryScope.Writing = scratch.Attachments;
        try
        {
            JsonSerializer.Serialize(scratch.Writer, value, TypeInfo<T>());
        }
        finally
        {
            BinaryScope.Writing = before;
        }

        scratch.Writer.Flush();
        scratch.Writer.Reset();
    }

    private EventArguments Finish(Scratch scratch, int count)
    {
        ReadOnlyMemory<byte>[] attachments = [.. scratch.Attachments];
        if (attachments.Length > _maxAttachments)
        {
            throw new ArgumentException(
                $"{nameof(EventOptions.MaxAttachments)} is {_maxAttachments}; there are {attachments.Length}.");
        }

        // Inside a string these bytes cannot stand: it is the name of a member. One that no converter here has written
        // comes from somebody's data, and a receiver would take it for an attachment, or give up the connection.
        if (attachments.Length > 0 && scratch.Buffer.WrittenSpan.Count("\"_placeholder\":"u8) != attachments.Length)
            throw new ArgumentException("Beside bytes no member of an object may be called \"_placeholder\".");

        var arguments = new EventArguments(this, scratch.Buffer.WrittenSpan.ToArray(), count, attachments);
        CheckSize(arguments.TotalBytes);
        if (scratch.Buffer.Capacity <= MaxKeptBytes)
        {
            scratch.Buffer.ResetWrittenCount();
            scratch.Attachments.Clear();
            t_scratch = scratch;
        }

        return arguments;
    }

    private void CheckSize(long bytes)
    {
        if (bytes > _maxBytes)
        {
            throw new ArgumentException(
                $"The JSON takes {bytes} bytes; {nameof(EventOptions.MaxEmitBytes)} is {_maxBytes}.");
        }
    }

    private sealed class Scratch
    {
        public Scratch(EventJson owner)
        {
            Owner = owner;
            Writer = new Utf8JsonWriter(Buffer, new JsonWriterOptions
            {
                Encoder = owner._options.Encoder,
                Indented = false,
                MaxDepth = owner.MaxDepth,
            });
        }

        public EventJson Owner { get; }

        public ArrayBufferWriter<byte> Buffer { get; } = new(256);

        public List<ReadOnlyMemory<byte>> Attachments { get; } = [];

        public Utf8JsonWriter Writer { get; }
    }
}
