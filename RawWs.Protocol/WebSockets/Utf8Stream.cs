using System.Diagnostics.CodeAnalysis;

namespace RawWs.Protocol.WebSockets;

/// <summary>A validator of UTF-8 that comes in parts; a part may end inside a character.</summary>
/// <remarks>It fails at the first byte with which the text can no longer become valid (RFC 3629 §4). Once it
/// has failed, its state has no meaning. The default value is the state before any byte.</remarks>
[SuppressMessage(
    "Naming", "CA1711", Justification = "A stream of characters in parts; UTF-8 has no other word for it.")]
public struct Utf8Stream
{
    // The unfinished character: how many bytes it lacks, and the range in which the next one must be.
    private byte _missing;
    private byte _lowest;
    private byte _highest;

    /// <summary>Whether no character is unfinished.</summary>
    public readonly bool IsComplete => _missing == 0;

    /// <summary>Takes the next part of the text.</summary>
    /// <returns>False if no continuation could make the text valid.</returns>
    public bool TryAppend(ReadOnlySpan<byte> part)
    {
        int start = 0;
        for (; _missing != 0 && start < part.Length; start++)
        {
            if (!TryContinue(part[start]))
            {
                return false;
            }
        }

        ReadOnlySpan<byte> rest = part[start..];
        int unfinished = UnfinishedLength(rest);
        if (!Utf8Validator.IsValid(rest[..^unfinished]))
        {
            return false;
        }

        return unfinished == 0 || TryAppendUnfinished(rest[^unfinished..]);
    }

    private bool TryAppendUnfinished(ReadOnlySpan<byte> unfinished)
    {
        Begin(unfinished[0]);
        foreach (byte b in unfinished[1..])
        {
            if (!TryContinue(b))
            {
                return false;
            }
        }

        return true;
    }

    private bool TryContinue(byte b)
    {
        if (b < _lowest || b > _highest)
        {
            return false;
        }

        _missing--;
        (_lowest, _highest) = (0x80, 0xBF);
        return true;
    }

    // RFC 3629 §4: the second byte excludes overlong forms (E0, F0), surrogates (ED) and what is above
    // U+10FFFF (F4).
    private void Begin(byte lead)
    {
        _missing = (byte)(SequenceLength(lead) - 1);
        (_lowest, _highest) = lead switch
        {
            0xE0 => ((byte)0xA0, (byte)0xBF),
            0xED => ((byte)0x80, (byte)0x9F),
            0xF0 => ((byte)0x90, (byte)0xBF),
            0xF4 => ((byte)0x80, (byte)0x8F),
            _ => ((byte)0x80, (byte)0xBF),
        };
    }

    // How many bytes at the end begin a character that goes on in the next part. An impossible lead byte
    // counts as finished: it is left to the validator of whole text.
    private static int UnfinishedLength(ReadOnlySpan<byte> text)
    {
        for (int length = 1; length <= 3 && length <= text.Length; length++)
        {
            byte b = text[^length];
            if (b is >= 0x80 and < 0xC0)
            {
                continue;
            }

            return SequenceLength(b) > length ? length : 0;
        }

        return 0;
    }

    private static int SequenceLength(byte lead) => lead switch
    {
        >= 0xC2 and <= 0xDF => 2,
        >= 0xE0 and <= 0xEF => 3,
        >= 0xF0 and <= 0xF4 => 4,
        _ => 1,
    };
}
