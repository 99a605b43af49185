using System.Numerics;
using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Runtime.Intrinsics;

namespace RawWs.Protocol.WebSockets;

/// <summary>The masking of a payload (RFC 6455 §5.3), which is its own inverse.</summary>
public static class Mask
{
    // From this length on words are aligned: one that a cache line does not hold whole is slower.
    internal const int WorthAligning = 256;

    /// <summary>Masks or unmasks a part of a payload in place: byte i is XORed with key byte (offset + i) mod
    /// 4.</summary>
    /// <param name="data">The part.</param>
    /// <param name="key">The four bytes of the masking key, read as a little-endian number.</param>
    /// <param name="offset">Where in the payload the part begins; only its value modulo 4 matters.</param>
    public static void Apply(Span<byte> data, uint key, int offset)
    {
        key = BitOperations.RotateRight(key, 8 * (offset & 3));
        ref byte start = ref MemoryMarshal.GetReference(data);
        nuint length = (nuint)data.Length;
        if (length < sizeof(uint))
        {
            ApplyBytes(data, key);
        }
        else if (length < sizeof(ulong))
        {
            ApplyTwice<uint>(ref start, length, InMemory(key), InMemory(TailKey(key, length)));
        }
        else if (length < (nuint)Vector128<byte>.Count)
        {
            ApplyTwice<ulong>(
                ref start, length, Doubled(InMemory(key)), Doubled(InMemory(TailKey(key, length))));
        }
        else if (Vector256.IsHardwareAccelerated && length >= (nuint)Vector256<byte>.Count)
        {
            Apply256(ref start, length, key);
        }
        else
        {
            Apply128(ref start, length, key);
        }
    }

    // Both widths work alike: the last full word is computed before anything is written, and stored at the
    // very end over what the loop has written there, so no length needs a scalar tail. Words of 512 bits are no
    // faster, since two of 256 are written in the cycles of one.

    // A long payload's first word, which may lie across two aligned ones, is stored as soon as what follows it has been
    // read. A word cannot be read again until what was written across it is in the cache, so whoever reads the payload
    // next would wait for a first word that is written at the end.
    private static void Apply256(ref byte start, nuint length, uint key)
    {
        nuint width = (nuint)Vector256<byte>.Count;
        Vector256<byte> keys = Vector256.Create(InMemory(key)).AsByte();
        nuint last = length - width;
        Vector256<byte> tail =
            Vector256.LoadUnsafe(ref start, last) ^ Vector256.Create(InMemory(TailKey(key, length))).AsByte();
        nuint i = 0;
        if (length >= WorthAligning)
        {
            nuint aligned = AlignedStart(ref start, width);
            Vector256<byte> head = Vector256.LoadUnsafe(ref start) ^ keys;
            keys = Vector256.Create(InMemory(TailKey(key, aligned))).AsByte();
            Vector256<byte> first = Vector256.LoadUnsafe(ref start, aligned) ^ keys;
            head.StoreUnsafe(ref start);
            first.StoreUnsafe(ref start, aligned);
            i = aligned + width;
        }

        for (; i + (4 * width) <= length; i += 4 * width)
        {
            Vector256<byte> v0 = Vector256.LoadUnsafe(ref start, i) ^ keys;
            Vector256<byte> v1 = Vector256.LoadUnsafe(ref start, i + width) ^ keys;
            Vector256<byte> v2 = Vector256.LoadUnsafe(ref start, i + (2 * width)) ^ keys;
            Vector256<byte> v3 = Vector256.LoadUnsafe(ref start, i + (3 * width)) ^ keys;
            v0.StoreUnsafe(ref start, i);
            v1.StoreUnsafe(ref start, i + width);
            v2.StoreUnsafe(ref start, i + (2 * width));
            v3.StoreUnsafe(ref start, i + (3 * width));
        }

        for (; i < last; i += width)
        {
            (Vector256.LoadUnsafe(ref start, i) ^ keys).StoreUnsafe(ref start, i);
        }

        tail.StoreUnsafe(ref start, last);
    }

    private static void Apply128(ref byte start, nuint length, uint key)
    {
        nuint width = (nuint)Vector128<byte>.Count;
        Vector128<byte> keys = Vector128.Create(InMemory(key)).AsByte();
        nuint last = length - width;
        Vector128<byte> tail =
            Vector128.LoadUnsafe(ref start, last) ^ Vector128.Create(InMemory(TailKey(key, length))).AsByte();
        nuint i = 0;
        for (; i + (4 * width) <= length; i += 4 * width)
        {
            Vector128<byte> v0 = Vector128.LoadUnsafe(ref start, i) ^ keys;
            Vector128<byte> v1 = Vector128.LoadUnsafe(ref start, i + width) ^ keys;
            Vector128<byte> v2 = Vector128.LoadUnsafe(ref start, i + (2 * width)) ^ keys;
            Vector128<byte> v3 = Vector128.LoadUnsafe(ref start, i + (3 * width)) ^ keys;
            v0.StoreUnsafe(ref start, i);
            v1.StoreUnsafe(ref start, i + width);
            v2.StoreUnsafe(ref start, i + (2 * width));
            v3.StoreUnsafe(ref start, i + (3 * width));
        }

        for (; i < last; i += width)
        {
            (Vector128.LoadUnsafe(ref start, i) ^ keys).StoreUnsafe(ref start, i);
        }

        tail.StoreUnsafe(ref start, last);
    }

    // Where the first word that a cache line holds whole begins, after the one at the start. If the collector moves
    // the data meanwhile, the loop is slower and no less right.
    private static unsafe nuint AlignedStart(ref byte start, nuint width) =>
        width - ((nuint)Unsafe.AsPointer(ref start) & (width - 1));

    // A word at the start and one at the end, which may overlap; both are read before either is written.
    private static void ApplyTwice<T>(ref byte start, nuint length, T headKey, T tailKey)
        where T : unmanaged, IBitwiseOperators<T, T, T>
    {
        ref byte end = ref Unsafe.Add(ref start, length - (nuint)Unsafe.SizeOf<T>());
        T head = Unsafe.ReadUnaligned<T>(ref start) ^ headKey;
        T tail = Unsafe.ReadUnaligned<T>(ref end) ^ tailKey;
        Unsafe.WriteUnaligned(ref start, head);
        Unsafe.WriteUnaligned(ref end, tail);
    }

    private static void ApplyBytes(Span<byte> data, uint key)
    {
        foreach (ref byte b in data)
        {
            b ^= (byte)key;
            key >>= 8;
        }
    }

    // A last word whose width is a multiple of 4 begins at an offset of length mod 4.
    private static uint TailKey(uint key, nuint length) =>
        BitOperations.RotateRight(key, 8 * (int)(length & 3));

    private static uint InMemory(uint key) =>
        BitConverter.IsLittleEndian ? key : System.Buffers.Binary.BinaryPrimitives.ReverseEndianness(key);

    private static ulong Doubled(uint key) => ((ulong)key << 32) | key;
}
