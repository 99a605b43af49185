using System.Diagnostics.CodeAnalysis;
using System.Text.Json;

namespace RawWs.Server.Events;

/// <summary>
/// The arguments of an event or of an ack, kept as JSON and turned into values when asked for.
/// </summary>
/// <remarks>Immutable; it owns its bytes, may be kept, and may be emitted again as it is.</remarks>
public sealed class EventArguments
{
    private readonly EventJson? _codec;
    private int[]? _starts;

    internal EventArguments(EventJson? codec, ReadOnlyMemory<byte> json, int? count = null)
    {
        _codec = codec;
        Json = json;
        Count = count ?? CountValues(json.Span);
    }

    internal static EventArguments None { get; } = new(null, default, 0);

    /// <summary>The values as UTF-8 JSON, with commas between them.</summary>
    internal ReadOnlyMemory<byte> Json { get; }

    /// <summary>The number of arguments.</summary>
    public int Count { get; }

    /// <summary>
    /// The argument at an index, as a <typeparamref name="T"/>; null where it is a JSON null.
    /// </summary>
    /// <exception cref="ArgumentOutOfRangeException">There is no such argument.</exception>
    /// <exception cref="JsonException">The argument does not fit the type.</exception>
    public T? Get<T>(int index)
    {
        ReadOnlySpan<byte> json = GetRaw(index).Span;
        return _codec!.Decode<T>(json);
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
