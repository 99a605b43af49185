using System.Buffers;
using System.Diagnostics.CodeAnalysis;
using System.Text.Json;
using RawWs.Protocol.Json;
using RawWs.Protocol.SocketIO;

namespace RawWs.Server.Events;

/// <summary>
/// The arguments of an event or of an ack, kept as JSON and turned into values when asked for.
/// </summary>
/// <remarks>Immutable; it owns its bytes, may be kept, and may be emitted again as it is.</remarks>
public sealed class EventArguments
{
    // Whoever only passes them on need not know how many they are.
    private const int NotCounted = -1;

    private readonly EventJson? _codec;
    private readonly ReadOnlyMemory<byte>[] _attachments;
    private int[]? _starts;
    private int _count;

    internal EventArguments(
        EventJson? codec,
        ReadOnlyMemory<byte> json,
        int? count = null,
        ReadOnlyMemory<byte>[]? attachments = null)
    {
        _codec = codec;
        _attachments = attachments ?? [];
        Json = json;
        _count = count ?? NotCounted;
    }

    internal static EventArguments None { get; } = new(null, default, 0);

    /// <summary>The values as UTF-8 JSON, with commas between them.</summary>
    internal ReadOnlyMemory<byte> Json { get; }

    /// <summary>The number of arguments.</summary>
    public int Count => _count == NotCounted ? _count = CountValues(Json.Span) : _count;

    /// <summary>
    /// The bytes in the arguments, in the order of their numbers: in the JSON each is
    /// <c>{"_placeholder":true,"num":N}</c>. A dialect without binary messages has none: there bytes are base64.
    /// </summary>
    public IReadOnlyList<ReadOnlyMemory<byte>> Attachments => _attachments;

    /// <summary>The bytes of the JSON and of all attachments.</summary>
    internal long TotalBytes => Json.Length + _attachments.Sum(attachment => (long)attachment.Length);

    internal ReadOnlySpan<ReadOnlyMemory<byte>> AttachmentSpan => _attachments;

    /// <summary>
    /// The argument at an index, as a <typeparamref name="T"/>; null where it is a JSON null.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">There is no such argument.</exception>
    /// <exception cref="JsonException">The argument does not fit the type.</exception>
    public T? Get<T>(int index)
    {
        ReadOnlySpan<byte> json = GetRaw(index).Span;
        return _codec!.Decode<T>(json, _attachments);
    }

    /// <summary>The UTF-8 JSON of the argument at an index.</summary>
    /// <exception cref="ArgumentOutOfRangeException">There is no such argument.</exception>
    public ReadOnlyMemory<byte> GetRaw(int index)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(index);
        ArgumentOutOfRangeException.ThrowIfGreaterThanOrEqual(index, Count);
        int[] bounds = _starts ??= Index();
        return Json[bounds[2 * index]..bounds[(2 * index) + 1]];
    }

    /// <summary>The arguments from an index on, with the bytes that belong to them.</summary>
    /// <exception cref="ArgumentOutOfRangeException">The index is beyond the end.</exception>
    public EventArguments Slice(int start) => Slice(start, Count - start);

    /// <summary>Some of the arguments, with the bytes that belong to them.</summary>
    /// <exception cref="ArgumentOutOfRangeException">There are no such arguments.</exception>
    public EventArguments Slice(int start, int length)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(start);
        ArgumentOutOfRangeException.ThrowIfNegative(length);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(length, Count - start);
        if (length == 0)
            return None;

        int[] bounds = _starts ??= Index();
        ReadOnlyMemory<byte> json = Json[bounds[2 * start]..bounds[(2 * (start + length)) - 1]];
        if (_attachments.Length == 0)
            return new EventArguments(_codec, json, length);

        var renumbered = new ArrayBufferWriter<byte>(json.Length);
        var used = new List<int>();
        Placeholders.Renumber(renumbered, json.Span, used);
        return new EventArguments(
            _codec, renumbered.WrittenMemory, length, [.. used.Select(number => _attachments[number])]);
    }

    /// <summary>The same without white space between the tokens of its JSON, as the wire wants it.</summary>
    internal EventArguments Tidy()
    {
        if (!JsonText.HasWhiteSpace(Json.Span))
            return this;

        var json = new ArrayBufferWriter<byte>(Json.Length);
        JsonText.Minify(json, Json.Span);
        return new EventArguments(_codec, json.WrittenMemory, Count, _attachments);
    }

    /// <summary>The arguments as a JSON array.</summary>
    [SuppressMessage("Globalization", "CA1305", Justification = "Text is joined, nothing is formatted.")]
    public override string ToString() => $"[{System.Text.Encoding.UTF8.GetString(Json.Span)}]";

    private static int CountValues(ReadOnlySpan<byte> json)
    {
        var values = new ArgumentReader(json);
        var count = 0;
        while (values.TryRead(out _))
            count++;

        return count;
    }

    private int[] Index()
    {
        var bounds = new int[2 * Count];
        ReadOnlySpan<byte> json = Json.Span;
        var values = new ArgumentReader(json);
        for (var i = 0; values.TryRead(out ReadOnlySpan<byte> value); i += 2)
        {
            json.Overlaps(value, out int start);
            bounds[i] = start;
            bounds[i + 1] = start + value.Length;
        }

        return bounds;
    }
}
