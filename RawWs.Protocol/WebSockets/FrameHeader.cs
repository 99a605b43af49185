using System.Buffers.Binary;
using System.Runtime.CompilerServices;

namespace RawWs.Protocol.WebSockets;

/// <summary>The header of one frame (RFC 6455 §5.2), exactly as it is on the wire: rules are
/// <see cref="FrameRules"/>.</summary>
//
//    0                   1                   2                   3
//    0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1 2 3 4 5 6 7 8 9 0 1
//   +-+-+-+-+-------+-+-------------+-------------------------------+
//   |F|R|R|R| opcode|M| Payload len |    Extended payload length    |
//   |I|S|S|S|  (4)  |A|     (7)     |             (16/64)           |
//   |N|V|V|V|       |S|             |   (if payload len==126/127)   |
//   | |1|2|3|       |K|             |                               |
//   +-+-+-+-+-------+-+-------------+ - - - - - - - - - - - - - - - +
//   |     Extended payload length continued, if payload len == 127  |
//   + - - - - - - - - - - - - - - - +-------------------------------+
//   |                               |Masking-key, if MASK set to 1  |
//   +-------------------------------+-------------------------------+
//   | Masking-key (continued)       |          Payload Data         |
//   +-------------------------------- - - - - - - - - - - - - - - - +
//   :                     Payload Data continued ...                :
//   +---------------------------------------------------------------+
public readonly record struct FrameHeader
{
    /// <summary>The size of the longest header in bytes: 64-bit length and masking key.</summary>
    public const int MaxSize = 14;

    /// <summary>The longest payload of a control frame in bytes (RFC 6455 §5.5).</summary>
    public const int MaxControlPayload = 125;

    /// <summary>RSV1 in its place in the first byte: of the first frame of a compressed message (RFC 7692
    /// §6).</summary>
    public const byte Rsv1 = 0x40;

    private const int FinBit = 0x80;
    private const int MaskBit = 0x80;
    private const int ReservedBitsMask = 0x70;
    private const int OpcodeMask = 0x0F;
    private const int ControlBit = 0x08;
    private const int LengthMask = 0x7F;
    private const int Length16 = 126;
    private const int Length64 = 127;

    private readonly byte _first;
    private readonly byte _second;

    /// <summary>A header with the shortest form of its length.</summary>
    /// <param name="opcode">The kind of the frame.</param>
    /// <param name="payloadLength">The payload's size in bytes.</param>
    /// <param name="fin">Whether this is the last frame of its message.</param>
    /// <param name="reservedBits">RSV1–3 in their place in the first byte: 0x40, 0x20, 0x10.</param>
    /// <param name="maskingKey">The key as in <see cref="MaskingKey"/>, or null for an unmasked
    /// frame.</param>
    /// <exception cref="ArgumentOutOfRangeException">The length is negative, or a bit is outside its
    /// field.</exception>
    public FrameHeader(
        Opcode opcode, long payloadLength, bool fin = true, byte reservedBits = 0, uint? maskingKey = null)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(payloadLength);
        ArgumentOutOfRangeException.ThrowIfGreaterThan((int)opcode, OpcodeMask, nameof(opcode));
        ArgumentOutOfRangeException.ThrowIfNotEqual(
            reservedBits & ~ReservedBitsMask, 0, nameof(reservedBits));
        int length7 = payloadLength < Length16 ? (int)payloadLength
            : payloadLength <= ushort.MaxValue ? Length16 : Length64;
        _first = (byte)((fin ? FinBit : 0) | reservedBits | (int)opcode);
        _second = (byte)((maskingKey.HasValue ? MaskBit : 0) | length7);
        PayloadLength = payloadLength;
        MaskingKey = maskingKey.GetValueOrDefault();
    }

    private FrameHeader(byte first, byte second, long payloadLength, uint maskingKey)
    {
        _first = first;
        _second = second;
        PayloadLength = payloadLength;
        MaskingKey = maskingKey;
    }

    /// <summary>Whether this is the last frame of its message.</summary>
    public bool Fin => (_first & FinBit) != 0;

    /// <summary>RSV1–3 in their place in the first byte: 0x40, 0x20, 0x10.</summary>
    public byte ReservedBits => (byte)(_first & ReservedBitsMask);

    /// <summary>The kind of the frame; as read, also a reserved one.</summary>
    public Opcode Opcode => (Opcode)(_first & OpcodeMask);

    /// <summary>Whether the opcode is a control frame's, 8–15.</summary>
    public bool IsControl => (_first & ControlBit) != 0;

    /// <summary>Whether the payload is masked with <see cref="MaskingKey"/>.</summary>
    public bool IsMasked => (_second & MaskBit) != 0;

    /// <summary>The four bytes of the masking key, read as a little-endian number; 0 if unmasked.</summary>
    public uint MaskingKey { get; }

    /// <summary>The payload's size in bytes; negative if the top bit of a 64-bit length is set.</summary>
    public long PayloadLength { get; }

    /// <summary>Whether the length takes no more bytes than it needs.</summary>
    public bool IsLengthMinimal => (_second & LengthMask) switch
    {
        Length16 => PayloadLength >= Length16,
        Length64 => (ulong)PayloadLength > ushort.MaxValue,
        _ => true,
    };

    /// <summary>This header's own size in bytes, 2 to 14.</summary>
    public int Size => SizeFor(_second);

    /// <summary>Reads the header at the start of <paramref name="source"/>.</summary>
    /// <returns>False if the header is not complete yet.</returns>
    public static bool TryRead(ReadOnlySpan<byte> source, out FrameHeader header)
    {
        Unsafe.SkipInit(out header);
        if (source.Length < 2)
        {
            return false;
        }

        byte second = source[1];
        int size = SizeFor(second);
        if (source.Length < size)
        {
            return false;
        }

        int length7 = second & LengthMask;
        long length = length7 switch
        {
            Length16 => BinaryPrimitives.ReadUInt16BigEndian(source[2..]),
            Length64 => BinaryPrimitives.ReadInt64BigEndian(source[2..]),
            _ => length7,
        };
        bool isMasked = (second & MaskBit) != 0;
        uint key = isMasked ? BinaryPrimitives.ReadUInt32LittleEndian(source[(size - 4)..]) : 0;
        header = new FrameHeader(source[0], second, length, key);
        return true;
    }

    /// <summary>Writes the header to the start of <paramref name="destination"/>.</summary>
    /// <returns><see cref="Size"/>.</returns>
    /// <exception cref="ArgumentException">The destination is too short.</exception>
    public int Write(Span<byte> destination)
    {
        int size = Size;
        if (destination.Length < size)
        {
            throw new ArgumentException("The frame does not fit.", nameof(destination));
        }

        destination[0] = _first;
        destination[1] = _second;
        int length7 = _second & LengthMask;
        if (length7 == Length16)
        {
            BinaryPrimitives.WriteUInt16BigEndian(destination[2..], (ushort)PayloadLength);
        }
        else if (length7 == Length64)
        {
            BinaryPrimitives.WriteInt64BigEndian(destination[2..], PayloadLength);
        }

        if (IsMasked)
        {
            BinaryPrimitives.WriteUInt32LittleEndian(destination[(size - 4)..], MaskingKey);
        }

        return size;
    }

    private static int SizeFor(byte second)
    {
        int length7 = second & LengthMask;
        int size = length7 < Length16 ? 2 : length7 == Length16 ? 4 : 10;
        return size + ((second & MaskBit) >> 5);
    }
}
