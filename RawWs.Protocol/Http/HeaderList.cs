using System.Collections;
using System.Diagnostics.CodeAnalysis;

namespace RawWs.Protocol.Http;

/// <summary>The header lines of one request in the order in which they came.</summary>
/// <remarks>
/// Names are compared without regard to case. Values have no white space around them; a byte above 0x7F is
/// the character of the same number (ISO 8859-1). Lines with the same name are not merged.
/// </remarks>
public sealed class HeaderList : IReadOnlyList<KeyValuePair<string, string>>
{
    private readonly List<KeyValuePair<string, string>> _lines = [];

    /// <summary>The number of lines.</summary>
    public int Count => _lines.Count;

    /// <summary>One line.</summary>
    public KeyValuePair<string, string> this[int index] => _lines[index];

    /// <summary>The value of the first line with that name, or null.</summary>
    public string? Get(string name)
    {
        foreach (var line in _lines)
        {
            if (Is(line, name)) return line.Value;
        }

        return null;
    }

    /// <summary>The value of the only line with that name; false if there is none or more than one.</summary>
    public bool TryGetSingle(string name, [NotNullWhen(true)] out string? value)
    {
        value = null;
        foreach (var line in _lines)
        {
            if (!Is(line, name)) continue;
            if (value is not null)
            {
                value = null;
                return false;
            }

            value = line.Value;
        }

        return value is not null;
    }

    /// <summary>Whether there is a line with that name.</summary>
    public bool Contains(string name) => Get(name) is not null;

    /// <summary>The values of all lines with that name, in order.</summary>
    public IEnumerable<string> Values(string name)
    {
        foreach (var line in _lines)
        {
            if (Is(line, name)) yield return line.Value;
        }
    }

    /// <summary>
    /// Whether the comma-separated list that all lines of that name make up has the element.
    /// </summary>
    /// <remarks>
    /// Without regard to case, as options of <c>Connection</c> and <c>Upgrade</c> are compared.
    /// </remarks>
    public bool HasElement(string name, string element)
    {
        foreach (var line in _lines)
        {
            if (!Is(line, name)) continue;
            var value = line.Value.AsSpan();
            foreach (var range in value.Split(','))
            {
                var candidate = value[range].Trim(HttpChars.Whitespace);
                if (candidate.Equals(element, StringComparison.OrdinalIgnoreCase)) return true;
            }
        }

        return false;
    }

    /// <summary>Goes through the lines in order.</summary>
    public List<KeyValuePair<string, string>>.Enumerator GetEnumerator() => _lines.GetEnumerator();

    IEnumerator<KeyValuePair<string, string>> IEnumerable<KeyValuePair<string, string>>.GetEnumerator() =>
        _lines.GetEnumerator();

    IEnumerator IEnumerable.GetEnumerator() => _lines.GetEnumerator();

    internal void Add(string name, string value) => _lines.Add(new(name, value));

    private static bool Is(KeyValuePair<string, string> line, string name) =>
        string.Equals(line.Key, name, StringComparison.OrdinalIgnoreCase);
}
