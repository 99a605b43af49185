using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.Arm;
using System.Runtime.Intrinsics.X86;

namespace RawWs.Protocol.WebSockets;

/// <summary>A vector of bytes of any width, with what <see cref="Utf8Validator"/> does to it.</summary>
/// <remarks>A method that is generic over it is compiled once for each width, as if written for it.</remarks>
internal interface IByteBlock<TBlock>
    where TBlock : struct, IByteBlock<TBlock>
{
    static abstract bool IsSupported { get; }

    static abstract nuint Width { get; }

    bool IsAscii { get; }

    bool IsZero { get; }

    /// <summary>The upper four bits of each byte.</summary>
    TBlock HighNibbles { get; }

    /// <summary>Sixteen bytes, then zeros.</summary>
    static abstract TBlock Start(Vector128<byte> bytes);

    /// <summary>Sixteen bytes, again and again.</summary>
    static abstract TBlock Repeat(Vector128<byte> bytes);

    static abstract TBlock Load(ref byte start, nuint offset);

    /// <summary>For each byte below 16 what a repeated table has in its place.</summary>
    static abstract TBlock LookUp(TBlock table, TBlock nibbles);

    /// <summary>The differences; zero where they would be negative.</summary>
    static abstract TBlock Excess(TBlock left, TBlock right);

    static abstract TBlock operator |(TBlock left, TBlock right);

    static abstract TBlock operator &(TBlock left, TBlock right);

    static abstract TBlock operator ^(TBlock left, TBlock right);
}

internal readonly struct ByteBlock128(Vector128<byte> bytes) : IByteBlock<ByteBlock128>
{
    private readonly Vector128<byte> _bytes = bytes;

    public static bool IsSupported => BitConverter.IsLittleEndian && (Ssse3.IsSupported || AdvSimd.Arm64.IsSupported);

    public static nuint Width => 16;

    public bool IsAscii => (_bytes & Vector128.Create((byte)0x80)) == Vector128<byte>.Zero;

    public bool IsZero => _bytes == Vector128<byte>.Zero;

    public ByteBlock128 HighNibbles => new(_bytes >>> 4);

    public static ByteBlock128 Start(Vector128<byte> bytes) => new(bytes);

    public static ByteBlock128 Repeat(Vector128<byte> bytes) => new(bytes);

    public static ByteBlock128 Load(ref byte start, nuint offset) => new(Vector128.LoadUnsafe(ref start, offset));

    public static ByteBlock128 LookUp(ByteBlock128 table, ByteBlock128 nibbles) =>
        new(Vector128.ShuffleNative(table._bytes, nibbles._bytes));

    public static ByteBlock128 Excess(ByteBlock128 left, ByteBlock128 right) =>
        new(Vector128.SubtractSaturate(left._bytes, right._bytes));

    public static ByteBlock128 operator |(ByteBlock128 left, ByteBlock128 right) => new(left._bytes | right._bytes);

    public static ByteBlock128 operator &(ByteBlock128 left, ByteBlock128 right) => new(left._bytes & right._bytes);

    public static ByteBlock128 operator ^(ByteBlock128 left, ByteBlock128 right) => new(left._bytes ^ right._bytes);
}

internal readonly struct ByteBlock256(Vector256<byte> bytes) : IByteBlock<ByteBlock256>
{
    private readonly Vector256<byte> _bytes = bytes;

    public static bool IsSupported => Avx2.IsSupported;

    public static nuint Width => 32;

    public bool IsAscii => (_bytes & Vector256.Create((byte)0x80)) == Vector256<byte>.Zero;

    public bool IsZero => _bytes == Vector256<byte>.Zero;

    public ByteBlock256 HighNibbles => new(_bytes >>> 4);

    public static ByteBlock256 Start(Vector128<byte> bytes) => new(bytes.ToVector256());

    public static ByteBlock256 Repeat(Vector128<byte> bytes) => new(Vector256.Create(bytes, bytes));

    public static ByteBlock256 Load(ref byte start, nuint offset) => new(Vector256.LoadUnsafe(ref start, offset));

    public static ByteBlock256 LookUp(ByteBlock256 table, ByteBlock256 nibbles) =>
        new(Avx2.Shuffle(table._bytes, nibbles._bytes));

    public static ByteBlock256 Excess(ByteBlock256 left, ByteBlock256 right) =>
        new(Vector256.SubtractSaturate(left._bytes, right._bytes));

    public static ByteBlock256 operator |(ByteBlock256 left, ByteBlock256 right) => new(left._bytes | right._bytes);

    public static ByteBlock256 operator &(ByteBlock256 left, ByteBlock256 right) => new(left._bytes & right._bytes);

    public static ByteBlock256 operator ^(ByteBlock256 left, ByteBlock256 right) => new(left._bytes ^ right._bytes);
}

internal readonly struct ByteBlock512(Vector512<byte> bytes) : IByteBlock<ByteBlock512>
{
    private readonly Vector512<byte> _bytes = bytes;

    // A processor that slows down for vectors of 512 bits has the instructions, but does not count as accelerated.
    public static bool IsSupported => Vector512.IsHardwareAccelerated && Avx512BW.IsSupported;

    public static nuint Width => 64;

    public bool IsAscii => (_bytes & Vector512.Create((byte)0x80)) == Vector512<byte>.Zero;

    public bool IsZero => _bytes == Vector512<byte>.Zero;

    public ByteBlock512 HighNibbles => new(_bytes >>> 4);

    public static ByteBlock512 Start(Vector128<byte> bytes) => new(bytes.ToVector256().ToVector512());

    public static ByteBlock512 Repeat(Vector128<byte> bytes) =>
        new(Vector512.Create(Vector256.Create(bytes, bytes), Vector256.Create(bytes, bytes)));

    public static ByteBlock512 Load(ref byte start, nuint offset) => new(Vector512.LoadUnsafe(ref start, offset));

    public static ByteBlock512 LookUp(ByteBlock512 table, ByteBlock512 nibbles) =>
        new(Avx512BW.Shuffle(table._bytes, nibbles._bytes));

    public static ByteBlock512 Excess(ByteBlock512 left, ByteBlock512 right) =>
        new(Vector512.SubtractSaturate(left._bytes, right._bytes));

    public static ByteBlock512 operator |(ByteBlock512 left, ByteBlock512 right) => new(left._bytes | right._bytes);

    public static ByteBlock512 operator &(ByteBlock512 left, ByteBlock512 right) => new(left._bytes & right._bytes);

    public static ByteBlock512 operator ^(ByteBlock512 left, ByteBlock512 right) => new(left._bytes ^ right._bytes);
}
