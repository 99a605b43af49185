using System.Text;
using RawWs.Protocol;
using RawWs.Protocol.WebSockets;

namespace RawWs.Tests.Protocol;

public class ProtocolErrorTests
{
    private static IEnumerable<ProtocolError> Errors() =>
        Enum.GetValues<ProtocolError>().Where(error => error != ProtocolError.None);

    [Test]
    public void Every_error_has_a_close_code_and_a_reason_that_fit_a_close_frame(
        [ValueSource(nameof(Errors))] ProtocolError error)
    {
        Assert.That(ClosePayload.IsValidOnWire((ushort)error.CloseCode()), Is.True);
        Assert.That(error.CloseReason(), Is.Not.Empty);
        Assert.That(Encoding.UTF8.GetByteCount(error.CloseReason()), Is.LessThanOrEqualTo(ClosePayload.MaxReasonBytes));
    }

    [TestCase(ProtocolError.UnmaskedFrame, CloseCode.ProtocolError)]
    [TestCase(ProtocolError.InvalidUtf8, CloseCode.InvalidPayloadData)]
    [TestCase(ProtocolError.MessageTooBig, CloseCode.MessageTooBig)]
    [TestCase(ProtocolError.TooManyFragments, CloseCode.PolicyViolation)]
    public void Error_is_answered_with_the_code_of_its_kind(ProtocolError error, CloseCode code) =>
        Assert.That(error.CloseCode(), Is.EqualTo(code));

    [Test]
    public void No_error_has_no_close_code() =>
        Assert.That(() => ProtocolError.None.CloseCode(), Throws.TypeOf<ArgumentOutOfRangeException>());
}
