using System.Buffers;
using System.Buffers.Text;
using System.Text;
using RawWs.Protocol.Json;

namespace RawWs.Protocol.SocketIO;

/// <summary>Encodes packets into UTF-8, without the type of Engine.IO and without white space.</summary>
/// <remarks>
/// Values are JSON values with commas between them, as many as is said; they are copied as they are. The namespace
/// <c>/</c> is never written.
/// </remarks>
public static class SocketPacketWriter
{
    /// <summary>Writes that the client has joined.</summary>
    /// <param name="output">Where it goes.</param>
    /// <param name="namespaceName">The namespace.</param>
    /// <param name="sid">The public id of the client there.</param>
    /// <param name="pid">The private id by which it may recover its state; null if it cannot.</param>
    public static void WriteConnect(
        IBufferWriter<byte> output, string namespaceName, string sid, string? pid = null)
    {
        Begin(output, SocketPacketType.Connect, namespaceName);
        output.Write("{\"sid\":"u8);
        JsonText.WriteString(output, sid);
        if (pid is not null)
        {
            output.Write(",\"pid\":"u8);
            JsonText.WriteString(output, pid);
        }

        output.Write("}"u8);
    }

    /// <summary>Writes that the client may not join.</summary>
    /// <param name="output">Where it goes.</param>
    /// <param name="namespaceName">The namespace.</param>
    /// <param name="message">Why.</param>
    /// <param name="dataJson">More, as JSON, or empty.</param>
    public static void WriteConnectError(
        IBufferWriter<byte> output, string namespaceName, string message, ReadOnlySpan<byte> dataJson = default)
    {
        Begin(output, SocketPacketType.ConnectError, namespaceName);
        output.Write("{\"message\":"u8);
        JsonText.WriteString(output, message);
        if (!dataJson.IsEmpty)
        {
            output.Write(",\"data\":"u8);
            output.Write(dataJson);
        }

        output.Write("}"u8);
    }

    /// <summary>Writes that the server has taken the client out.</summary>
    public static void WriteDisconnect(IBufferWriter<byte> output, string namespaceName) =>
        Begin(output, SocketPacketType.Disconnect, namespaceName);

    /// <summary>Writes an event.</summary>
    /// <param name="output">Where it goes.</param>
    /// <param name="namespaceName">The namespace.</param>
    /// <param name="name">The name of the event.</param>
    /// <param name="values">The arguments.</param>
    /// <param name="ackId">The id under which an answer is wanted, or null.</param>
    /// <param name="attachmentCount">The binary messages that follow.</param>
    /// <param name="offset">One more, last argument: where the client is in what it may recover; or null.</param>
    public static void WriteEvent(
        IBufferWriter<byte> output,
        string namespaceName,
        string name,
        ReadOnlySpan<byte> values,
        long? ackId = null,
        int attachmentCount = 0,
        string? offset = null)
    {
        var type = attachmentCount == 0 ? SocketPacketType.Event : SocketPacketType.BinaryEvent;
        Begin(output, type, namespaceName, ackId, attachmentCount);
        output.Write("["u8);
        JsonText.WriteString(output, name);
        if (!values.IsEmpty)
        {
            output.Write(","u8);
            output.Write(values);
        }

        if (offset is not null)
        {
            output.Write(","u8);
            JsonText.WriteString(output, offset);
        }

        output.Write("]"u8);
    }

    /// <summary>Writes the answer to an event.</summary>
    /// <param name="output">Where it goes.</param>
    /// <param name="namespaceName">The namespace.</param>
    /// <param name="ackId">The id under which it was wanted.</param>
    /// <param name="values">The values of the answer.</param>
    /// <param name="attachmentCount">The binary messages that follow.</param>
    public static void WriteAck(
        IBufferWriter<byte> output,
        string namespaceName,
        long ackId,
        ReadOnlySpan<byte> values,
        int attachmentCount = 0)
    {
        var type = attachmentCount == 0 ? SocketPacketType.Ack : SocketPacketType.BinaryAck;
        Begin(output, type, namespaceName, ackId, attachmentCount);
        output.Write("["u8);
        output.Write(values);
        output.Write("]"u8);
    }

    private static void Begin(
        IBufferWriter<byte> output,
        SocketPacketType type,
        string namespaceName,
        long? ackId = null,
        int attachmentCount = 0)
    {
        ArgumentNullException.ThrowIfNull(output);
        ArgumentException.ThrowIfNullOrEmpty(namespaceName);
        output.Write([(byte)('0' + (int)type)]);
        if (attachmentCount > 0)
        {
            WriteNumber(output, attachmentCount);
            output.Write("-"u8);
        }

        if (namespaceName != "/")
        {
            // A comma would end it too early.
            if (namespaceName.Contains(',', StringComparison.Ordinal))
                throw new ArgumentException("A namespace cannot have a comma.", nameof(namespaceName));
            Encoding.UTF8.GetBytes(namespaceName, output);
            output.Write(","u8);
        }

        if (ackId is { } id)
        {
            ArgumentOutOfRangeException.ThrowIfNegative(id);
            ArgumentOutOfRangeException.ThrowIfGreaterThan(id, SocketPacket.MaxAckId);
            WriteNumber(output, id);
        }
    }

    private static void WriteNumber(IBufferWriter<byte> output, long number)
    {
        Utf8Formatter.TryFormat(number, output.GetSpan(20), out var digits);
        output.Advance(digits);
    }
}
