using System.Buffers;
using System.Text;

namespace RawWs.Protocol.Http;

/// <summary>Writes header lines that cannot be split into two.</summary>
internal static class HeaderWriter
{
    /// <summary>One line with its CRLF.</summary>
    /// <exception cref="ArgumentException">
    /// The name is not a token, or the value has a control character other than TAB or one above U+00FF.
    /// Nothing is written.
    /// </exception>
    public static void Write(IBufferWriter<byte> output, string name, string value)
    {
        Check(name, value);
        Encoding.ASCII.GetBytes(name, output);
        output.Write(": "u8);
        Encoding.Latin1.GetBytes(value, output);
        output.Write("\r\n"u8);
    }

    /// <summary>Throws if a header could not be written.</summary>
    /// <inheritdoc cref="Write"/>
    public static void Check(string name, string value)
    {
        ArgumentNullException.ThrowIfNull(name);
        ArgumentNullException.ThrowIfNull(value);
        if (!HttpChars.IsToken(name))
            throw new ArgumentException("A header name must be a token.", nameof(name));

        // A character above U+00FF would lose its high byte, and U+010D would become a CR.
        if (value.AsSpan().ContainsAnyExcept(HttpChars.FieldValueChars))
            throw new ArgumentException("A header value must not have control characters.", nameof(value));
    }
}
