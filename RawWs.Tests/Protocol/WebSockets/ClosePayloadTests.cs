using System.Text;
using RawWs.Protocol;
using RawWs.Protocol.WebSockets;
using static RawWs.Tests.Protocol.WebSockets.ReaderCases;

namespace RawWs.Tests.Protocol.WebSockets;

public sealed class ClosePayloadTests
{
    [Test]
    public void An_empty_payload_has_no_status()
    {
        Assert.That(ClosePayload.TryRead([], out ClosePayload close), Is.EqualTo(ProtocolError.None));
        Assert.That(close.Code, Is.EqualTo(CloseCode.NoStatusReceived));
        Assert.That(close.Reason, Is.Empty);
    }

    [Test]
    public void Code_and_reason_are_read()
    {
        Assert.That(
            ClosePayload.TryRead(Hex("03e8 c3bc62"), out ClosePayload close), Is.EqualTo(ProtocolError.None));
        Assert.That(close.Code, Is.EqualTo(CloseCode.NormalClosure));
        Assert.That(close.Reason, Is.EqualTo("üb"));
    }

    [TestCase("03", ProtocolError.ClosePayloadTooShort)]
    [TestCase("0000", ProtocolError.InvalidCloseCode)]
    [TestCase("03ed", ProtocolError.InvalidCloseCode)]
    [TestCase("03e8 ff", ProtocolError.InvalidUtf8)]
    [TestCase("03e8 c3", ProtocolError.InvalidUtf8)]
    [TestCase("03e8 eda080", ProtocolError.InvalidUtf8)]
    public void A_bad_payload_is_refused(string hex, ProtocolError expected) =>
        Assert.That(ClosePayload.TryRead(Hex(hex), out _), Is.EqualTo(expected));

    [Test]
    public void Exactly_the_codes_of_the_registry_and_of_applications_may_be_on_the_wire()
    {
        IEnumerable<int> all = Enumerable.Range(0, 65536);
        Assert.That(
            all.Where(code => ClosePayload.IsValidOnWire((ushort)code)),
            Is.EqualTo(all.Where(
                code => code is (> 999 and < 1004) or (> 1006 and < 1015) or (> 2999 and < 5000))));
    }

    [Test]
    public void What_is_written_is_read_back()
    {
        byte[] wire = new byte[ClosePayload.MaxSize];
        int length = ClosePayload.Write(wire, CloseCode.GoingAway, "bye 🙂");
        Assert.That(wire.AsSpan(0, length).ToArray(), Is.EqualTo(Hex("03e9 627965 20 f09f9982")));
        ClosePayload.TryRead(wire.AsSpan(0, length), out ClosePayload close);
        Assert.That((close.Code, close.Reason), Is.EqualTo((CloseCode.GoingAway, "bye 🙂")));
    }

    [Test]
    public void A_long_reason_is_cut_between_characters(
        [Range(117, 126)] int ascii, [Values("é", "語", "🙂")] string last)
    {
        string reason = new string('a', ascii) + last + "tail";
        byte[] wire = new byte[200];
        int length = ClosePayload.Write(wire, CloseCode.NormalClosure, reason);
        string expected = reason;
        while (Encoding.UTF8.GetByteCount(expected) > ClosePayload.MaxReasonBytes)
        {
            expected = expected[..^(char.IsLowSurrogate(expected[^1]) ? 2 : 1)];
        }

        ProtocolError error = ClosePayload.TryRead(wire.AsSpan(0, length), out ClosePayload close);
        Assert.That(error, Is.EqualTo(ProtocolError.None));
        Assert.That(close.Reason, Is.EqualTo(expected));
    }

    [Test]
    public void A_lone_surrogate_becomes_a_replacement_character()
    {
        byte[] wire = new byte[ClosePayload.MaxSize];
        int length = ClosePayload.Write(wire, CloseCode.NormalClosure, "a\ud800b");
        ClosePayload.TryRead(wire.AsSpan(0, length), out ClosePayload close);
        Assert.That(close.Reason, Is.EqualTo("a\ufffdb"));
    }

    [Test]
    public void A_code_that_must_not_be_on_the_wire_cannot_be_written(
        [Values(0, 999, 1004, 1005, 1006, 1015, 2999, 5000)] int code) =>
        Assert.That(() => ClosePayload.Write(new byte[125], (CloseCode)code, ""), Throws.ArgumentException);

    [Test]
    public void A_destination_too_short_throws([Values(0, 1, 2, 5)] int length) =>
        Assert.That(
            () => ClosePayload.Write(new byte[length], CloseCode.NormalClosure, "long"),
            Throws.ArgumentException);

    [Test]
    public void A_destination_that_just_suffices_is_enough() =>
        Assert.That(ClosePayload.Write(new byte[6], CloseCode.NormalClosure, "long"), Is.EqualTo(6));
}
