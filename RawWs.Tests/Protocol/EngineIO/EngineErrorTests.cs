using System.Buffers;
using System.Text;
using RawWs.Protocol.EngineIO;

namespace RawWs.Tests.Protocol.EngineIO;

public class EngineErrorTests
{
    [TestCase(EngineError.UnknownTransport, 400, """{"code":0,"message":"Transport unknown"}""")]
    [TestCase(EngineError.UnknownSession, 400, """{"code":1,"message":"Session ID unknown"}""")]
    [TestCase(EngineError.BadHandshakeMethod, 400, """{"code":2,"message":"Bad handshake method"}""")]
    [TestCase(EngineError.BadRequest, 400, """{"code":3,"message":"Bad request"}""")]
    [TestCase(EngineError.Forbidden, 403, """{"code":4,"message":"Forbidden"}""")]
    [TestCase(EngineError.UnsupportedProtocolVersion, 400, """{"code":5,"message":"Unsupported protocol version"}""")]
    public void Error_is_what_clients_know(EngineError error, int status, string json)
    {
        Assert.That(error.Status(), Is.EqualTo(status));
        Assert.That(Json(error, null), Is.EqualTo(json));
    }

    [Test]
    public void Message_of_the_application_is_escaped() =>
        Assert.That(Json(EngineError.Forbidden, "no \"entry\"\r\n"), Is.EqualTo("""{"code":4,"message":"no \"entry\"\r\n"}"""));

    private static string Json(EngineError error, string? message)
    {
        var output = new ArrayBufferWriter<byte>();
        error.WriteJson(output, message);
        return Encoding.UTF8.GetString(output.WrittenSpan);
    }
}
