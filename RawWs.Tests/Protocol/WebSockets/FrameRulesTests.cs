using RawWs.Protocol;
using RawWs.Protocol.WebSockets;
using static RawWs.Tests.Protocol.WebSockets.ReaderCases;

namespace RawWs.Tests.Protocol.WebSockets;

public sealed class FrameRulesTests
{
    [TestCase("818000000000")]
    [TestCase("018000000000")]
    [TestCase("828000000000")]
    [TestCase("82fe007e00000000")]
    [TestCase("88fd00000000")]
    [TestCase("89fd00000000")]
    [TestCase("8a8000000000")]
    public void A_frame_that_keeps_every_rule_passes(string hex) =>
        Assert.That(Check(hex), Is.EqualTo(ProtocolError.None));

    [Test]
    public void Reserved_bits_are_refused_on_every_frame(
        [Values(0x10, 0x20, 0x40, 0x70)] int bits, [Values] Opcode opcode)
    {
        var header = new FrameHeader(opcode, 0, true, (byte)bits, 1);
        bool isOpen = opcode == Opcode.Continuation;
        Assert.That(FrameRules.Check(header, Role.Server, isOpen), Is.EqualTo(ProtocolError.ReservedBits));
    }

    [Test]
    public void An_allowed_reserved_bit_is_allowed_on_the_first_frame_of_a_message_only(
        [Values] Opcode opcode)
    {
        var header = new FrameHeader(opcode, 0, true, 0x40, 1);
        ProtocolError expected =
            opcode is Opcode.Text or Opcode.Binary ? ProtocolError.None : ProtocolError.ReservedBits;
        bool isOpen = opcode == Opcode.Continuation;
        Assert.That(FrameRules.Check(header, Role.Server, isOpen, 0x40), Is.EqualTo(expected));
        Assert.That(
            FrameRules.Check(header, Role.Server, isOpen, 0x20), Is.EqualTo(ProtocolError.ReservedBits));
    }

    [Test]
    public void Reserved_opcodes_are_refused(
        [Values(3, 4, 5, 6, 7, 11, 12, 13, 14, 15)] int opcode, [Values] bool isOpen) =>
        Assert.That(
            FrameRules.Check(new FrameHeader((Opcode)opcode, 0, true, 0, 1), Role.Server, isOpen),
            Is.EqualTo(ProtocolError.ReservedOpcode));

    [Test]
    public void Server_rejects_an_unmasked_frame() =>
        Assert.That(Check("8100"), Is.EqualTo(ProtocolError.UnmaskedFrame));

    [Test]
    public void Client_rejects_a_masked_frame() =>
        Assert.That(Check("818000000000", Role.Client), Is.EqualTo(ProtocolError.MaskedFrame));

    [Test]
    public void A_control_frame_must_not_be_fragmented([Values("08", "09", "0a")] string first) =>
        Assert.That(Check(first + "8000000000"), Is.EqualTo(ProtocolError.FragmentedControlFrame));

    [Test]
    public void A_control_frame_has_at_most_125_bytes([Values("88", "89", "8a")] string first)
    {
        Assert.That(Check(first + "fe007e00000000"), Is.EqualTo(ProtocolError.ControlFrameTooLong));
        Assert.That(
            Check(first + "ff000000000001000000000000"), Is.EqualTo(ProtocolError.ControlFrameTooLong));
    }

    [TestCase("82fe007d00000000")]
    [TestCase("82ff000000000000ffff00000000")]
    [TestCase("82ff000000000000000000000000")]
    public void A_length_must_be_minimal(string hex) =>
        Assert.That(Check(hex), Is.EqualTo(ProtocolError.LengthNotMinimal));

    [TestCase("82ff800000000000000000000000")]
    [TestCase("82ffffffffffffffffff00000000")]
    public void The_top_bit_of_a_length_must_be_clear(string hex) =>
        Assert.That(Check(hex), Is.EqualTo(ProtocolError.LengthOutOfRange));

    [Test]
    public void A_continuation_needs_an_open_message([Values("00", "80")] string first)
    {
        Assert.That(Check(first + "8000000000"), Is.EqualTo(ProtocolError.UnexpectedContinuation));
        Assert.That(Check(first + "8000000000", isOpen: true), Is.EqualTo(ProtocolError.None));
    }

    [Test]
    public void A_new_message_must_not_begin_inside_a_fragmented_one(
        [Values("01", "81", "02", "82")] string first) =>
        Assert.That(Check(first + "8000000000", isOpen: true), Is.EqualTo(ProtocolError.UnfinishedMessage));

    [Test]
    public void A_control_frame_may_come_inside_a_fragmented_message(
        [Values("88", "89", "8a")] string first) =>
        Assert.That(Check(first + "8000000000", isOpen: true), Is.EqualTo(ProtocolError.None));

    private static ProtocolError Check(string hex, Role role = Role.Server, bool isOpen = false)
    {
        Assert.That(FrameHeader.TryRead(Hex(hex), out FrameHeader header), Is.True);
        return FrameRules.Check(header, role, isOpen);
    }
}
