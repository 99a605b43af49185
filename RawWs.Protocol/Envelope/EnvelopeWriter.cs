using System.Buffers;
using System.Buffers.Text;
using RawWs.Protocol.Json;

namespace RawWs.Protocol.Envelope;

/// <summary>Encodes envelopes into UTF-8, each in one piece and without allocation of its own.</summary>
/// <remarks>
/// <para>
/// Values are JSON values in UTF-8, separated by commas: none (no <c>data</c>), one (<c>data</c>) or several
/// (<c>args</c>). They are copied as they are, so they must be valid JSON and as many as is said.
/// </para>
/// <para>
/// Of a <see cref="string"/>, a lone surrogate is written as U+FFFD. A text in bytes must be valid UTF-8.
/// </para>
/// </remarks>
public static class EnvelopeWriter
{
    /// <summary>Room for the keys and punctuation of any envelope, and for a number.</summary>
    private const int Frame = 128;

    /// <summary>Writes <c>{"event":name}</c> with its values and, if it wants an acknowledgement, its <c>id</c>.</summary>
    /// <exception cref="ArgumentOutOfRangeException">
    /// A negative <paramref name="count"/>, or an <paramref name="id"/> not from 0 to <see cref="EnvelopePacket.MaxId"/>.
    /// </exception>
    public static void WriteEvent(
        IBufferWriter<byte> output, ReadOnlySpan<byte> name, ReadOnlySpan<byte> values, int count, long? id = null)
    {
        var envelope = new Cursor(output, checked(JsonString.MaxEscapedLength(name) + values.Length));
        envelope.Write("{\"event\":"u8);
        envelope.WriteString(name);
        envelope.EndEvent(values, count, id);
    }

    /// <inheritdoc cref="WriteEvent(IBufferWriter{byte}, ReadOnlySpan{byte}, ReadOnlySpan{byte}, int, long?)"/>
    public static void WriteEvent(
        IBufferWriter<byte> output, string name, ReadOnlySpan<byte> values, int count, long? id = null)
    {
        ArgumentNullException.ThrowIfNull(name);
        var envelope = new Cursor(output, checked((name.Length * JsonString.MaxExpansion) + values.Length));
        envelope.Write("{\"event\":"u8);
        envelope.WriteString(name);
        envelope.EndEvent(values, count, id);
    }

    /// <summary>Writes <c>{"ack":id}</c> with its values.</summary>
    /// <exception cref="ArgumentOutOfRangeException">
    /// A negative <paramref name="count"/>, or an <paramref name="id"/> not from 0 to <see cref="EnvelopePacket.MaxId"/>.
    /// </exception>
    public static void WriteAck(IBufferWriter<byte> output, long id, ReadOnlySpan<byte> values, int count)
    {
        var envelope = new Cursor(output, values.Length);
        envelope.Write("{\"ack\":"u8);
        envelope.WriteId(id);
        envelope.WriteValues(values, count);
        envelope.End("}"u8);
    }

    /// <summary>Writes <c>{"ack":id,"error":{"code":…,"message":…}}</c>: the event failed or was refused.</summary>
    /// <exception cref="ArgumentOutOfRangeException">
    /// An <paramref name="id"/> not from 0 to <see cref="EnvelopePacket.MaxId"/>.
    /// </exception>
    public static void WriteAckError(IBufferWriter<byte> output, long id, string code, string message)
    {
        ArgumentNullException.ThrowIfNull(code);
        ArgumentNullException.ThrowIfNull(message);
        var envelope = new Cursor(output, MaxLength(code, message));
        envelope.Write("{\"ack\":"u8);
        envelope.WriteId(id);
        envelope.Write(","u8);
        envelope.WriteError(code, message);
        envelope.End("}"u8);
    }

    /// <summary>Writes the server's first message: the client is connected, and this is its id.</summary>
    public static void WriteConnect(IBufferWriter<byte> output, string id)
    {
        ArgumentNullException.ThrowIfNull(id);
        var envelope = new Cursor(output, MaxLength(id));
        envelope.Write("{\"event\":\"connect\",\"data\":{\"id\":"u8);
        envelope.WriteString(id);
        envelope.End("}}"u8);
    }

    /// <summary>Writes the refusal of a client.</summary>
    /// <param name="output">Where to.</param>
    /// <param name="message">Why, for people.</param>
    /// <param name="dataJson">Why, for programs: one JSON value, or empty for none.</param>
    public static void WriteConnectError(IBufferWriter<byte> output, string message, ReadOnlySpan<byte> dataJson)
    {
        ArgumentNullException.ThrowIfNull(message);
        var envelope = new Cursor(output, checked(MaxLength(message) + dataJson.Length));
        envelope.Write("{\"event\":\"connect_error\",\"data\":{\"message\":"u8);
        envelope.WriteString(message);
        if (!dataJson.IsEmpty)
        {
            envelope.Write(",\"data\":"u8);
            envelope.Write(dataJson);
        }

        envelope.End("}}"u8);
    }

    /// <summary>Writes the server's last message to a client that it disconnects from the namespace.</summary>
    public static void WriteDisconnect(IBufferWriter<byte> output, string reason)
    {
        ArgumentNullException.ThrowIfNull(reason);
        var envelope = new Cursor(output, MaxLength(reason));
        envelope.Write("{\"event\":\"disconnect\",\"data\":{\"reason\":"u8);
        envelope.WriteString(reason);
        envelope.End("}}"u8);
    }

    /// <summary>Writes the answer to a malformed envelope.</summary>
    /// <exception cref="ArgumentOutOfRangeException"><see cref="EnvelopeError.None"/> has no answer.</exception>
    public static void WriteError(IBufferWriter<byte> output, EnvelopeError error)
    {
        string code = error.Code();
        string message = error.Message();
        var envelope = new Cursor(output, MaxLength(code, message));
        envelope.Write("{"u8);
        envelope.WriteError(code, message);
        envelope.End("}"u8);
    }

    private static int MaxLength(string text, string? other = null) =>
        checked((text.Length + (other?.Length ?? 0)) * JsonString.MaxExpansion);

    private ref struct Cursor
    {
        private readonly IBufferWriter<byte> _output;
        private readonly Span<byte> _span;
        private int _written;

        public Cursor(IBufferWriter<byte> output, int maxContent)
        {
            ArgumentNullException.ThrowIfNull(output);
            _output = output;
            _span = output.GetSpan(checked(maxContent + Frame));
        }

        public void Write(ReadOnlySpan<byte> json)
        {
            json.CopyTo(_span[_written..]);
            _written += json.Length;
        }

        public void WriteString(ReadOnlySpan<byte> text)
        {
            _span[_written++] = (byte)'"';
            _written += JsonString.Escape(text, _span[_written..]);
            _span[_written++] = (byte)'"';
        }

        public void WriteString(string text)
        {
            _span[_written++] = (byte)'"';
            _written += JsonString.Escape(text, _span[_written..]);
            _span[_written++] = (byte)'"';
        }

        public void WriteId(long id)
        {
            ArgumentOutOfRangeException.ThrowIfNegative(id);
            ArgumentOutOfRangeException.ThrowIfGreaterThan(id, EnvelopePacket.MaxId);
            Utf8Formatter.TryFormat(id, _span[_written..], out int length);
            _written += length;
        }

        public void WriteValues(ReadOnlySpan<byte> values, int count)
        {
            ArgumentOutOfRangeException.ThrowIfNegative(count);
            if (count == 0)
                return;

            Write(count == 1 ? ",\"data\":"u8 : ",\"args\":["u8);
            Write(values);
            if (count > 1)
                Write("]"u8);
        }

        public void WriteError(string code, string message)
        {
            Write("\"error\":{\"code\":"u8);
            WriteString(code);
            Write(",\"message\":"u8);
            WriteString(message);
            Write("}"u8);
        }

        public void EndEvent(ReadOnlySpan<byte> values, int count, long? id)
        {
            WriteValues(values, count);
            if (id is long number)
            {
                Write(",\"id\":"u8);
                WriteId(number);
            }

            End("}"u8);
        }

        public void End(ReadOnlySpan<byte> json)
        {
            Write(json);
            _output.Advance(_written);
        }
    }
}
