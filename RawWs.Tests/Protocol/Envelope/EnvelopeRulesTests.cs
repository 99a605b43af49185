using System.Text;
using RawWs.Protocol.Envelope;

namespace RawWs.Tests.Protocol.Envelope;

public class EnvelopeRulesTests
{
    [TestCase("""{"event":"chat"}""", EnvelopeAction.Event)]
    [TestCase("""{"event":"connecting"}""", EnvelopeAction.Event)]
    [TestCase("""{"event":"Connect"}""", EnvelopeAction.Event)]
    [TestCase("""{"event":"error"}""", EnvelopeAction.Event)]
    [TestCase("""{"event":"disconnect"}""", EnvelopeAction.Disconnect)]
    [TestCase("""{"event":"disconnect","data":{"reason":"bye"},"id":1}""", EnvelopeAction.Disconnect)]
    [TestCase("""{"ack":1}""", EnvelopeAction.Ack)]
    [TestCase("""{"ack":1,"error":{"code":"","message":""}}""", EnvelopeAction.Ack)]
    public void What_a_client_wants_is_the_same_before_and_after_it_is_connected(string json, EnvelopeAction action)
    {
        Assert.Multiple(() =>
        {
            Assert.That(Check(json, connected: true), Is.EqualTo((EnvelopeError.None, action)));
            Assert.That(Check(json, connected: false), Is.EqualTo((EnvelopeError.None, action)));
        });
    }

    [TestCase("""{"event":"connect"}""")]
    [TestCase("""{"event":"c\u006fnnect"}""")]
    [TestCase("""{"event":"connect","data":{}}""")]
    [TestCase("""{"event":"connect","data": {"token":"secret"} }""")]
    [TestCase("""{"event":"connect","args":[ {"token":"secret"} ]}""")]
    public void A_client_connects_once_with_an_object_as_auth_or_none(string json)
    {
        Assert.Multiple(() =>
        {
            Assert.That(Check(json, connected: false), Is.EqualTo((EnvelopeError.None, EnvelopeAction.Connect)));
            Assert.That(Check(json, connected: true).Error, Is.EqualTo(EnvelopeError.AlreadyConnected));
        });
    }

    [TestCase("""{"event":"connect","data":null}""")]
    [TestCase("""{"event":"connect","data":"secret"}""")]
    [TestCase("""{"event":"connect","data":[{}]}""")]
    [TestCase("""{"event":"connect","args":[{},{}]}""")]
    public void Auth_that_is_not_one_object_is_refused(string json) =>
        Assert.That(Check(json, connected: false).Error, Is.EqualTo(EnvelopeError.InvalidAuth));

    [TestCase("connect_error")]
    [TestCase("disconnecting")]
    [TestCase("newListener")]
    [TestCase("removeListener")]
    [TestCase("new\\u004cistener")]
    public void The_other_reserved_names_are_never_a_clients(string name)
    {
        string json = $$"""{"event":"{{name}}"}""";

        Assert.Multiple(() =>
        {
            Assert.That(Check(json, connected: true).Error, Is.EqualTo(EnvelopeError.ReservedEvent));
            Assert.That(Check(json, connected: false).Error, Is.EqualTo(EnvelopeError.ReservedEvent));
        });
    }

    [Test]
    public void Exactly_six_names_are_reserved()
    {
        string[] reserved =
            ["connect", "connect_error", "disconnect", "disconnecting", "newListener", "removeListener"];
        string[] free = ["", "e", "message", "connecting", "disconnected", "newlistener", "reconnect", "error"];

        Assert.Multiple(() =>
        {
            Assert.That(reserved.Where(IsReserved), Is.EqualTo(reserved));
            Assert.That(free.Where(IsReserved), Is.Empty);
        });

        static bool IsReserved(string name) => EnvelopeRules.IsReserved(Encoding.UTF8.GetBytes(name));
    }

    private static (EnvelopeError Error, EnvelopeAction Action) Check(string json, bool connected)
    {
        EnvelopeError malformed = EnvelopeReader.TryRead(
            Encoding.UTF8.GetBytes(json), EnvelopeLimits.Default, out EnvelopePacket packet);
        Assert.That(malformed, Is.EqualTo(EnvelopeError.None));
        return (EnvelopeRules.Check(packet, connected, out EnvelopeAction action), action);
    }
}
