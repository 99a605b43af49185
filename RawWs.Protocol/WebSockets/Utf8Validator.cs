using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;
using System.Text.Unicode;

namespace RawWs.Protocol.WebSockets;

/// <summary>Whether whole text is UTF-8 (RFC 3629 §4): <see cref="Utf8.IsValid"/>, faster where text is not
/// ASCII.</summary>
/// <remarks>The method is that of Keiser and Lemire, "Validating UTF-8 in less than one instruction per byte"
/// (2021).</remarks>
//
// A byte is judged by itself and the three before it. What is wrong with two neighbours can be told from three of
// their four nibbles: each of three tables of 16 bytes says which faults a nibble allows, one bit for each, and a
// fault is what all three allow. Looking up a whole vector in such a table is one instruction. What is left is
// whether a third and a fourth byte are where a lead byte announces them, and nowhere else.
//
// As a verdict needs no state but those three bytes, blocks may overlap: the last one ends where the text ends.
internal static class Utf8Validator
{
    private const int LookBehind = 3;
    private const int Worth512 = 512;
    private const int StartSize = sizeof(ulong);

    // Faults of two neighbours. No lead byte has both of those that share a bit.
    private const byte TooShort = 0x01; // a lead byte, then no continuation
    private const byte TooLong = 0x02; // ASCII, then a continuation
    private const byte Overlong2 = 0x04; // C0 or C1, then a continuation
    private const byte Overlong3 = 0x08; // E0, then 80..9F
    private const byte Surrogate = 0x10; // ED, then A0..BF
    private const byte TooLarge = 0x20; // F4 or higher, then 90..BF
    private const byte Overlong4 = 0x40; // F0, then 80..8F
    private const byte NotALead = 0x40; // F5 or higher, then 80..8F

    // Two continuations, which is right for a third or fourth byte, and only for these.
    private const byte Continued = 0x80;

    // What a lead byte's lower nibble never rules out, and what it does not if it is above 4.
    private const byte AnyLow = TooShort | TooLong | Continued;
    private const byte AboveF4 = AnyLow | TooLarge | NotALead;

    private static ReadOnlySpan<byte> ByLeadHigh =>
    [
        TooLong, TooLong, TooLong, TooLong, TooLong, TooLong, TooLong, TooLong,
        Continued, Continued, Continued, Continued,
        TooShort | Overlong2,
        TooShort,
        TooShort | Overlong3 | Surrogate,
        TooShort | TooLarge | Overlong4 | NotALead,
    ];

    private static ReadOnlySpan<byte> ByLeadLow =>
    [
        AnyLow | Overlong2 | Overlong3 | Overlong4,
        AnyLow | Overlong2,
        AnyLow,
        AnyLow,
        AnyLow | TooLarge,
        AboveF4, AboveF4, AboveF4, AboveF4, AboveF4, AboveF4, AboveF4, AboveF4,
        AboveF4 | Surrogate,
        AboveF4, AboveF4,
    ];

    private static ReadOnlySpan<byte> ByNextHigh =>
    [
        TooShort, TooShort, TooShort, TooShort, TooShort, TooShort, TooShort, TooShort,
        TooLong | Continued | Overlong2 | Overlong3 | Overlong4 | NotALead,
        TooLong | Continued | Overlong2 | Overlong3 | TooLarge,
        TooLong | Continued | Overlong2 | Surrogate | TooLarge,
        TooLong | Continued | Overlong2 | Surrogate | TooLarge,
        TooShort, TooShort, TooShort, TooShort,
    ];

    // A block that holds two of the words in which Mask has just written the text waits until both are in the cache,
    // which only a long text is worth.
    public static bool IsValid(ReadOnlySpan<byte> text) =>
        text.Length >= Worth512 && CanCheck<ByteBlock512>(text.Length) ? IsValid<ByteBlock512>(text)
        : CanCheck<ByteBlock256>(text.Length) ? IsValid<ByteBlock256>(text)
        : CanCheck<ByteBlock128>(text.Length) ? IsValid<ByteBlock128>(text)
        : Utf8.IsValid(text);

    /// <summary>Whether there are blocks of this width, and a text of this length has a last one.</summary>
    internal static bool CanCheck<TBlock>(int length)
        where TBlock : struct, IByteBlock<TBlock> =>
        TBlock.IsSupported && (nuint)length >= TBlock.Width + LookBehind;

    // Both loops are compiled without a profile: with one the compiler inlines less, or keeps vectors in memory.
    [MethodImpl(MethodImplOptions.AggressiveOptimization)]
    internal static bool IsValid<TBlock>(ReadOnlySpan<byte> text)
        where TBlock : struct, IByteBlock<TBlock>
    {
        ref byte start = ref MemoryMarshal.GetReference(text);
        nuint length = (nuint)text.Length;
        nuint last = length - TBlock.Width;
        nuint i = AlignedStart<TBlock>(ref start, length);
        for (; i + (4 * TBlock.Width) <= length; i += 4 * TBlock.Width)
        {
            TBlock first = TBlock.Load(ref start, i) | TBlock.Load(ref start, i + TBlock.Width);
            TBlock second =
                TBlock.Load(ref start, i + (2 * TBlock.Width)) | TBlock.Load(ref start, i + (3 * TBlock.Width));
            if (!(first | second).IsAscii)
            {
                break;
            }
        }

        for (; i < last && TBlock.Load(ref start, i).IsAscii; i += TBlock.Width)
        {
        }

        return (i >= last && TBlock.Load(ref start, last).IsAscii) || IsValidFrom<TBlock>(ref start, i, length);
    }

    // Where aligned blocks begin, if all before them is ASCII: those of Mask are aligned too.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static unsafe nuint AlignedStart<TBlock>(ref byte start, nuint length)
        where TBlock : struct, IByteBlock<TBlock> =>
        length >= Mask.WorthAligning && TBlock.Load(ref start, 0).IsAscii
            ? TBlock.Width - ((nuint)Unsafe.AsPointer(ref start) & (TBlock.Width - 1))
            : 0;

    // Before i all is ASCII. It is a method of its own so that ASCII pays for no tables.
    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    private static bool IsValidFrom<TBlock>(ref byte start, nuint i, nuint length)
        where TBlock : struct, IByteBlock<TBlock>
    {
        nuint last = length - TBlock.Width;
        var tables = new Tables<TBlock>();
        TBlock faults = default;
        if (i < StartSize)
        {
            faults = FaultsAtStart(ref start, tables);
            i = StartSize;
        }

        for (; i + (2 * TBlock.Width) <= length; i += 2 * TBlock.Width)
        {
            if (!IsAscii2<TBlock>(ref start, i))
            {
                faults |= Faults(ref start, i, tables) | Faults(ref start, i + TBlock.Width, tables);
            }
        }

        if (i < last)
        {
            faults |= Faults(ref start, i, tables);
        }

        faults |= Faults(ref start, last, tables);
        return faults.IsZero && IsEndComplete(ref start, length);
    }

    // Two blocks have nothing to check if they are ASCII, and the byte before them, so that nothing is unfinished.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static bool IsAscii2<TBlock>(ref byte text, nuint i)
        where TBlock : struct, IByteBlock<TBlock> =>
        (TBlock.Load(ref text, i - 1) | TBlock.Load(ref text, i) | TBlock.Load(ref text, i + TBlock.Width)).IsAscii;

    // Shifting in zeros from where the text begins is as if ASCII came before it.
    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static TBlock FaultsAtStart<TBlock>(ref byte text, in Tables<TBlock> tables)
        where TBlock : struct, IByteBlock<TBlock>
    {
        ulong start = Unsafe.ReadUnaligned<ulong>(ref text);
        return Faults(
            TBlock.Start(Vector128.CreateScalar(start).AsByte()),
            TBlock.Start(Vector128.CreateScalar(start << 8).AsByte()),
            TBlock.Start(Vector128.CreateScalar(start << 16).AsByte()),
            TBlock.Start(Vector128.CreateScalar(start << 24).AsByte()),
            tables);
    }

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static TBlock Faults<TBlock>(ref byte text, nuint i, in Tables<TBlock> tables)
        where TBlock : struct, IByteBlock<TBlock> =>
        Faults(
            TBlock.Load(ref text, i),
            TBlock.Load(ref text, i - 1),
            TBlock.Load(ref text, i - 2),
            TBlock.Load(ref text, i - 3),
            tables);

    [MethodImpl(MethodImplOptions.AggressiveInlining)]
    private static TBlock Faults<TBlock>(
        TBlock next, TBlock lead, TBlock second, TBlock third, in Tables<TBlock> tables)
        where TBlock : struct, IByteBlock<TBlock>
    {
        TBlock faults =
            TBlock.LookUp(tables.ByLeadHigh, lead.HighNibbles)
            & TBlock.LookUp(tables.ByLeadLow, lead & tables.Nibble)
            & TBlock.LookUp(tables.ByNextHigh, next.HighNibbles);

        // The top bit of a difference is set where E0 or more came two bytes ago, or F0 or more three.
        TBlock announced = TBlock.Excess(second, tables.Below3) | TBlock.Excess(third, tables.Below4);
        return (announced & tables.Continued) ^ faults;
    }

    // No block shows that the text ends inside a character.
    private static bool IsEndComplete(ref byte text, nuint length) =>
        Unsafe.Add(ref text, length - 1) < 0xC0
        && Unsafe.Add(ref text, length - 2) < 0xE0
        && Unsafe.Add(ref text, length - 3) < 0xF0;

    private readonly struct Tables<TBlock>
        where TBlock : struct, IByteBlock<TBlock>
    {
        public readonly TBlock ByLeadHigh = TBlock.Repeat(Vector128.Create(Utf8Validator.ByLeadHigh));
        public readonly TBlock ByLeadLow = TBlock.Repeat(Vector128.Create(Utf8Validator.ByLeadLow));
        public readonly TBlock ByNextHigh = TBlock.Repeat(Vector128.Create(Utf8Validator.ByNextHigh));
        public readonly TBlock Nibble = TBlock.Repeat(Vector128.Create((byte)0x0F));
        public readonly TBlock Below3 = TBlock.Repeat(Vector128.Create((byte)(0xE0 - Utf8Validator.Continued)));
        public readonly TBlock Below4 = TBlock.Repeat(Vector128.Create((byte)(0xF0 - Utf8Validator.Continued)));
        public readonly TBlock Continued = TBlock.Repeat(Vector128.Create(Utf8Validator.Continued));

        [MethodImpl(MethodImplOptions.AggressiveInlining)]
        public Tables()
        {
        }
    }
}
