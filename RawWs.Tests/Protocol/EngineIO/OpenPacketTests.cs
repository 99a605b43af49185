using System.Buffers;
using System.Text;
using RawWs.Protocol.EngineIO;

namespace RawWs.Tests.Protocol.EngineIO;

public class OpenPacketTests
{
    [TestCase(true, "[\"websocket\"]")]
    [TestCase(false, "[]")]
    public void Open_packet_has_exactly_the_five_keys_that_clients_read(bool offersWebSocket, string upgrades)
    {
        var output = new ArrayBufferWriter<byte>();
        OpenPacket.Write(output, "lv_VI97HAXpY6yYWAAAB", offersWebSocket, 25_000, 20_000, 1_000_000);
        Assert.That(Encoding.UTF8.GetString(output.WrittenSpan), Is.EqualTo(
            $$"""0{"sid":"lv_VI97HAXpY6yYWAAAB","upgrades":{{upgrades}},"pingInterval":25000,"pingTimeout":20000,"maxPayload":1000000}"""));
    }

    [Test]
    public void Numbers_of_any_size_fit()
    {
        var output = new ArrayBufferWriter<byte>();
        OpenPacket.Write(output, "\"", false, long.MaxValue, 0, long.MinValue);
        Assert.That(Encoding.UTF8.GetString(output.WrittenSpan), Does.StartWith("0{\"sid\":\"\\\"\"")
            .And.Contains("\"pingInterval\":9223372036854775807,\"pingTimeout\":0,\"maxPayload\":-9223372036854775808}"));
    }
}
