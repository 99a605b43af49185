using RawWs.Protocol.Envelope;

namespace RawWs.Tests.Protocol.Envelope;

public class EnvelopeErrorTests
{
    private static readonly EnvelopeError[] Errors =
        [.. Enum.GetValues<EnvelopeError>().Where(error => error != EnvelopeError.None)];

    [TestCaseSource(nameof(Errors))]
    public void Every_error_has_a_code_for_programs_and_a_message_for_people(EnvelopeError error)
    {
        Assert.Multiple(() =>
        {
            Assert.That(error.Code(), Does.Match("^[a-z]+(_[a-z]+)*$"));
            Assert.That(error.Message(), Does.Match("^[\\x20-\\x7e]{8,80}$"));
        });
    }

    [Test]
    public void No_two_errors_share_a_code() =>
        Assert.That(Errors.Select(error => error.Code()), Is.Unique);

    [Test]
    public void No_error_has_no_code() => Assert.Multiple(() =>
    {
        Assert.That(() => EnvelopeError.None.Code(), Throws.TypeOf<ArgumentOutOfRangeException>());
        Assert.That(() => EnvelopeError.None.Message(), Throws.TypeOf<ArgumentOutOfRangeException>());
    });
}
