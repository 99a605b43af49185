using System.Buffers;
using System.Globalization;
using System.Text;

namespace RawWs.Server.Diagnostics;

/// <summary>Writes metrics in Prometheus' text format, version 0.0.4.</summary>
internal readonly struct PrometheusText(IBufferWriter<byte> output)
{
    public const string ContentType = "text/plain; version=0.0.4; charset=utf-8";

    /// <summary>A name of letters, digits and <c>_</c>, not beginning with a digit, from one of a meter.</summary>
    public static string NameOf(string name)
    {
        var clean = string.Concat(name.Select(c => char.IsAsciiLetterOrDigit(c) ? c : '_'));
        return char.IsAsciiDigit(clean[0]) ? "_" + clean : clean;
    }

    public static string FormatNumber(double value)
    {
        if (double.IsPositiveInfinity(value))
            return "+Inf";
        return double.IsNegativeInfinity(value) ? "-Inf" : value.ToString("R", CultureInfo.InvariantCulture);
    }

    public void Describe(string name, string help, string type)
    {
        var escaped = help
            .Replace("\\", "\\\\", StringComparison.Ordinal)
            .Replace("\n", "\\n", StringComparison.Ordinal);
        Write($"# HELP {name} {escaped}\n# TYPE {name} {type}\n");
    }

    /// <param name="name">The name.</param>
    /// <param name="labels">As <see cref="Label"/> makes them, with commas between; empty for none.</param>
    /// <param name="value">The value.</param>
    public void Sample(string name, string labels, double value)
    {
        Write(labels.Length == 0 ? name : $"{name}{{{labels}}}");
        Write($" {FormatNumber(value)}\n");
    }

    public static string Label(string name, string value)
    {
        var escaped = value
            .Replace("\\", "\\\\", StringComparison.Ordinal)
            .Replace("\"", "\\\"", StringComparison.Ordinal)
            .Replace("\n", "\\n", StringComparison.Ordinal);
        return $"{NameOf(name)}=\"{escaped}\"";
    }

    private void Write(string text) => Encoding.UTF8.GetBytes(text, output);
}
