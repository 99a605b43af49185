using RawWs.Protocol.WebSockets;

namespace RawWs.Tests.Support;

/// <summary>One thing that a client must not send, and the close code that it gets for it.</summary>
internal sealed record HostileFrame(string Name, byte[] Bytes, CloseCode Code)
{
    public override string ToString() => Name;
}

/// <summary>Every kind of bad frame, in its variants, as bytes that follow the opening handshake.</summary>
internal static class HostileFrames
{
    /// <summary>The limits of a server that some of them are over.</summary>
    public const int MaxMessageBytes = 64 * 1024;

    public const int MaxFragments = 16;

    private static readonly byte[] _begun = WireClient.Frame(Opcode.Text, "begun", fin: false);

    public static IReadOnlyList<HostileFrame> All { get; } =
    [
        Protocol("RSV1", FrameBytes.WithFirstByte(0xC1, "x"u8)),
        Protocol("RSV2", FrameBytes.WithFirstByte(0xA2, "x"u8)),
        Protocol("RSV3", FrameBytes.WithFirstByte(0x91, "x"u8)),
        Protocol("all RSV", FrameBytes.WithFirstByte(0xF2, "x"u8)),
        Protocol("RSV1 on a ping", FrameBytes.WithFirstByte(0xC9, "x"u8)),
        Protocol("RSV1 on a close", FrameBytes.WithFirstByte(0xC8, [0x03, 0xE8])),
        Protocol("RSV1 on a continuation", [.. _begun, .. FrameBytes.WithFirstByte(0xC0, "x"u8)]),
        .. Enumerable.Range(3, 5).Concat(Enumerable.Range(11, 5)).Select(opcode =>
            Protocol($"opcode {opcode}", FrameBytes.WithFirstByte(0x80 | opcode, "x"u8))),
        Protocol("unmasked text", [0x81, 0x05, .. "Hello"u8]),
        Protocol("unmasked ping", [0x89, 0x00]),
        Protocol("unmasked close", [0x88, 0x02, 0x03, 0xE8]),
        Protocol("ping in fragments", FrameBytes.WithFirstByte(0x09, "x"u8)),
        Protocol("pong in fragments", FrameBytes.WithFirstByte(0x0A, "x"u8)),
        Protocol("close in fragments", FrameBytes.WithFirstByte(0x08, [0x03, 0xE8])),
        Protocol("ping of 126 bytes", FrameBytes.WithLength(0x89, 126, 2, new byte[126])),
        Protocol("close of 126 bytes", FrameBytes.WithLength(0x88, 126, 2, new byte[126])),
        Protocol("pong of 65536 bytes", FrameBytes.WithLength(0x8A, 65_536, 8)),
        Protocol("continuation of nothing", WireClient.Frame(Opcode.Continuation, "x")),
        Protocol("continuation of nothing, to be continued", WireClient.Frame(Opcode.Continuation, "x", fin: false)),
        Protocol(
            "continuation of a whole message",
            [.. _begun, .. WireClient.Frame(Opcode.Continuation, "x"), .. WireClient.Frame(Opcode.Continuation, "x")]),
        Protocol("text within a message", [.. _begun, .. WireClient.Frame(Opcode.Text, "x")]),
        Protocol("binary within a message", [.. _begun, .. WireClient.Frame(Opcode.Binary, "x", fin: false)]),
        Protocol("125 in 16 bits", FrameBytes.WithLength(0x82, 125, 2, new byte[125])),
        Protocol("65535 in 64 bits", FrameBytes.WithLength(0x82, 65_535, 8)),
        Protocol("top bit of a length", FrameBytes.WithLength(0x82, 1UL << 63, 8)),
        Utf8("overlong form", WireClient.Frame(Opcode.Text, [0xC0, 0x80])),
        Utf8("surrogate", WireClient.Frame(Opcode.Text, [0xED, 0xA0, 0x80])),
        Utf8("above U+10FFFF", WireClient.Frame(Opcode.Text, [0xF4, 0x90, 0x80, 0x80])),
        Utf8("truncated character", WireClient.Frame(Opcode.Text, [0xE2, 0x82])),
        Utf8("bad byte in a continuation", [.. _begun, .. WireClient.Frame(Opcode.Continuation, [0xFF])]),
        Utf8("bad byte of a frame that is not whole", FrameBytes.WithLength(0x81, 1000, 2, [0xFF])),
        Protocol("close of 1 byte", WireClient.Frame(Opcode.Close, [0x03])),
        Protocol("close with 999", WireClient.CloseFrame(999)),
        Protocol("close with 1005", WireClient.CloseFrame(1005)),
        Protocol("close with 5000", WireClient.CloseFrame(5000)),
        Utf8("bad byte in a reason", WireClient.Frame(Opcode.Close, [0x03, 0xE8, 0xFF])),
        new("message over the limit, by its header", FrameBytes.WithLength(0x82, long.MaxValue, 8), CloseCode.MessageTooBig),
        new(
            "message over the limit, in fragments",
            [
                .. WireClient.Frame(Opcode.Binary, new byte[MaxMessageBytes], fin: false),
                .. FrameBytes.WithLength(0x00, 1, 1),
            ],
            CloseCode.MessageTooBig),
        new(
            "too many fragments",
            [.. _begun, .. Enumerable.Repeat(WireClient.Frame(Opcode.Continuation, "", fin: false), MaxFragments).SelectMany(f => f)],
            CloseCode.PolicyViolation),
    ];

    private static HostileFrame Protocol(string name, byte[] bytes) => new(name, bytes, CloseCode.ProtocolError);

    private static HostileFrame Utf8(string name, byte[] bytes) => new(name, bytes, CloseCode.InvalidPayloadData);
}
