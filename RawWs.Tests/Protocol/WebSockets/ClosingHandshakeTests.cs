using RawWs.Protocol.WebSockets;

namespace RawWs.Tests.Protocol.WebSockets;

public sealed class ClosingHandshakeTests
{
    [Test]
    public void Without_a_close_frame_the_outcome_is_abnormal()
    {
        var closing = default(ClosingHandshake);
        Assert.That(closing.Outcome, Is.EqualTo((CloseCode.AbnormalClosure, "")));
        Assert.That(closing.IsCloseSent || closing.IsCloseReceived || closing.IsComplete, Is.False);
    }

    [Test]
    public void A_peers_close_is_answered_with_its_code()
    {
        var closing = default(ClosingHandshake);
        Assert.That(
            closing.TryReceiveClose(new ClosePayload((CloseCode)3000, "done"), out CloseCode reply), Is.True);
        Assert.That(reply, Is.EqualTo((CloseCode)3000));
        Assert.That(closing.IsComplete, Is.True);
        Assert.That(closing.Outcome, Is.EqualTo(((CloseCode)3000, "done")));
        Assert.That(closing.TrySendClose(CloseCode.NormalClosure, ""), Is.False);
    }

    [Test]
    public void An_empty_close_is_answered_with_an_empty_close()
    {
        var closing = default(ClosingHandshake);
        var empty = new ClosePayload(CloseCode.NoStatusReceived);
        Assert.That(closing.TryReceiveClose(empty, out CloseCode reply), Is.True);
        Assert.That(reply, Is.EqualTo(CloseCode.NoStatusReceived));
        Assert.That(closing.Outcome, Is.EqualTo((CloseCode.NoStatusReceived, "")));
    }

    [Test]
    public void Our_close_is_sent_once_and_the_peers_completes_the_handshake()
    {
        var closing = default(ClosingHandshake);
        Assert.That(closing.TrySendClose(CloseCode.GoingAway, "stopping"), Is.True);
        Assert.That(closing.TrySendClose(CloseCode.InternalError, ""), Is.False);
        Assert.That((closing.IsCloseSent, closing.IsComplete), Is.EqualTo((true, false)));
        Assert.That(closing.TryReceiveClose(new ClosePayload(CloseCode.NormalClosure), out _), Is.False);
        Assert.That(closing.IsComplete, Is.True);
        Assert.That(closing.Outcome, Is.EqualTo((CloseCode.GoingAway, "stopping")));
    }

    [Test]
    public void A_code_that_must_not_be_on_the_wire_changes_nothing()
    {
        var closing = default(ClosingHandshake);
        Assert.That(() => closing.TrySendClose(CloseCode.AbnormalClosure, ""), Throws.ArgumentException);
        Assert.That(
            () => closing.TrySendClose(CloseCode.NoStatusReceived, "reason"), Throws.ArgumentException);
        Assert.That(closing.IsCloseSent, Is.False);
    }
}
