using RawWs.Protocol.WebSockets;
using static RawWs.Tests.Protocol.WebSockets.ReaderCases;

namespace RawWs.Tests.Protocol.WebSockets;

public sealed class FrameWriterTests
{
    // RFC 6455 §5.7.
    [TestCase(Opcode.Text, "48656c6c6f", true, "8105 48656c6c6f")]
    [TestCase(Opcode.Text, "48656c", false, "0103 48656c")]
    [TestCase(Opcode.Continuation, "6c6f", true, "8002 6c6f")]
    [TestCase(Opcode.Ping, "48656c6c6f", true, "8905 48656c6c6f")]
    public void Rfc_examples_are_written(Opcode opcode, string payload, bool fin, string frame) =>
        Assert.That(
            Written(span => FrameWriter.Write(span, opcode, Hex(payload), fin)), Is.EqualTo(Hex(frame)));

    [Test]
    public void Rfc_example_of_a_masked_frame_is_written()
    {
        byte[] payload = "Hello"u8.ToArray();
        byte[] frame = Written(span => FrameWriter.WriteMasked(span, Opcode.Text, payload, 0x3D21FA37));
        Assert.That(frame, Is.EqualTo(Hex("8185 37fa213d 7f9f4d5158")));
        Assert.That(payload, Is.EqualTo("Hello"u8.ToArray()));
    }

    [Test]
    public void Size_is_what_is_written([Values(0, 125, 126, 65535, 65536, 100_000)] int length)
    {
        byte[] payload = new byte[length];
        byte[] destination = new byte[length + 20];
        Assert.That(
            FrameWriter.Write(destination, Opcode.Binary, payload),
            Is.EqualTo(FrameWriter.FrameSize(length, Role.Server)));
        Assert.That(
            FrameWriter.WriteMasked(destination, Opcode.Binary, payload, 1),
            Is.EqualTo(FrameWriter.FrameSize(length, Role.Client)));
    }

    [TestCase(256L, "827e0100")]
    [TestCase(65536L, "827f0000000000010000")]
    [TestCase(1L << 40, "827f0000010000000000")]
    public void A_header_is_written_without_its_payload(long length, string hex) =>
        Assert.That(
            Written(span => FrameWriter.WriteHeader(span, Opcode.Binary, length)), Is.EqualTo(Hex(hex)));

    [Test]
    public void Close_frames_are_written()
    {
        Assert.That(
            Written(span => FrameWriter.WriteClose(span, CloseCode.NormalClosure, "bye")),
            Is.EqualTo(Hex("8805 03e8 627965")));
        Assert.That(
            Written(span => FrameWriter.WriteClose(span, CloseCode.NoStatusReceived)),
            Is.EqualTo(Hex("8800")));
        Assert.That(
            Written(span => FrameWriter.WriteClose(span, CloseCode.NormalClosure, "", 0)),
            Is.EqualTo(Hex("8882 00000000 03e8")));
        Assert.That(
            Written(span => FrameWriter.WriteClose(span, (CloseCode)4999, new string('x', 500), 1)),
            Has.Length.EqualTo(FrameWriter.MaxCloseFrameSize));
    }

    [Test]
    public void What_a_role_writes_the_other_role_reads([Values] Role writer)
    {
        byte[] destination = new byte[100];
        int size = writer == Role.Server
            ? FrameWriter.Write(destination, Opcode.Text, "Hello"u8)
            : FrameWriter.WriteMasked(destination, Opcode.Text, "Hello"u8, 0xCAFE1234);
        Role reader = writer == Role.Server ? Role.Client : Role.Server;
        Assert.That(Read(destination[..size], reader), Is.EqualTo("Text:48656C6C6F"));
    }

    [Test]
    public void Misuse_throws()
    {
        byte[] destination = new byte[300];
        Assert.That(
            () => FrameWriter.Write(destination, Opcode.Ping, new byte[126]), Throws.ArgumentException);
        Assert.That(
            () => FrameWriter.Write(destination, Opcode.Pong, [], fin: false), Throws.ArgumentException);
        Assert.That(
            () => FrameWriter.WriteMasked(destination, Opcode.Close, new byte[126], 1),
            Throws.ArgumentException);
        Assert.That(() => FrameWriter.Write(new byte[6], Opcode.Text, "Hello"u8), Throws.ArgumentException);
        Assert.That(
            () => FrameWriter.WriteMasked(new byte[10], Opcode.Text, "Hello"u8, 1), Throws.ArgumentException);
        Assert.That(() => FrameWriter.WriteClose(destination, (CloseCode)1006), Throws.ArgumentException);
        Assert.That(
            () => FrameWriter.WriteClose(destination, CloseCode.NoStatusReceived, "x"),
            Throws.ArgumentException);
        Assert.That(
            () => FrameWriter.FrameSize(-1, Role.Server), Throws.InstanceOf<ArgumentOutOfRangeException>());
        Assert.That(
            () => FrameWriter.FrameSize(int.MaxValue, Role.Server), Throws.InstanceOf<OverflowException>());
    }

    private static byte[] Written(Func<byte[], int> write)
    {
        byte[] destination = new byte[200];
        int size = write(destination);
        return destination[..size];
    }
}
