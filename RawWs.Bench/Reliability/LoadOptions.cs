using System.Globalization;

namespace RawWs.Bench.Reliability;

/// <summary>The numbers of a load, each with its name, default and range: <c>--members 1000</c>.</summary>
internal sealed class LoadOptions
{
    private readonly Dictionary<string, int> _values = new(StringComparer.Ordinal);

    /// <exception cref="ArgumentException">A name is unknown, or its value is out of its range; the message is the usage.</exception>
    public LoadOptions(string verb, ReadOnlySpan<string> args, params (string Name, int Default, int Most)[] known)
    {
        foreach (var (name, value, _) in known)
            _values[name] = value;
        var usage = verb + string.Concat(known.Select(option => $" [--{option.Name} {option.Default}]"));
        for (; args is [var name, .. var rest]; args = rest[1..])
        {
            var option = Array.Find(known, option => "--" + option.Name == name);
            if (option.Name is null
                || rest is not [var text, ..]
                || !int.TryParse(text, CultureInfo.InvariantCulture, out var value)
                || value < 1
                || value > option.Most)
                throw new ArgumentException($"usage: {usage}");
            _values[option.Name] = value;
        }
    }

    public int this[string name] => _values[name];
}
