using System.Buffers;
using System.Buffers.Text;
using RawWs.Protocol.Json;

namespace RawWs.Protocol.EngineIO;

/// <summary>The first packet of a session.</summary>
public static class OpenPacket
{
    /// <summary>Writes the packet, its type digit first.</summary>
    /// <param name="output">Where it goes.</param>
    /// <param name="sid">The id of the session.</param>
    /// <param name="offersWebSocket">The client may move to a WebSocket.</param>
    /// <param name="pingInterval">In milliseconds.</param>
    /// <param name="pingTimeout">In milliseconds.</param>
    /// <param name="maxPayload">Bytes that the client may send at a time.</param>
    public static void Write(
        IBufferWriter<byte> output,
        string sid,
        bool offersWebSocket,
        long pingInterval,
        long pingTimeout,
        long maxPayload)
    {
        ArgumentNullException.ThrowIfNull(output);
        output.Write("0{\"sid\":"u8);
        JsonText.WriteString(output, sid);
        output.Write(",\"upgrades\":"u8);
        output.Write(offersWebSocket ? "[\"websocket\"]"u8 : "[]"u8);
        WriteNumber(output, ",\"pingInterval\":"u8, pingInterval);
        WriteNumber(output, ",\"pingTimeout\":"u8, pingTimeout);
        WriteNumber(output, ",\"maxPayload\":"u8, maxPayload);
        output.Write("}"u8);
    }

    private static void WriteNumber(IBufferWriter<byte> output, ReadOnlySpan<byte> key, long value)
    {
        output.Write(key);
        Utf8Formatter.TryFormat(value, output.GetSpan(20), out var digits);
        output.Advance(digits);
    }
}
