using System.Buffers;
using System.Buffers.Text;

namespace RawWs.Protocol.EngineIO;

/// <summary>Base64 with its padding and nothing else in it (RFC 4648 §4).</summary>
internal static class StrictBase64
{
    /// <summary>Decodes a text where it is.</summary>
    /// <returns>False if it holds white space or anything else that is no base64.</returns>
    public static bool TryDecodeInPlace(Span<byte> text, out int length)
    {
        length = 0;
        // The framework's decoder skips white space.
        return text.Length % 4 == 0
            && !text.ContainsAny(" \t\r\n"u8)
            && Base64.DecodeFromUtf8InPlace(text, out length) == OperationStatus.Done;
    }
}
