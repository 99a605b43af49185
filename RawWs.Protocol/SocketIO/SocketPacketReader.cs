using System.Buffers.Text;
using System.Text.Json;
using RawWs.Protocol.Json;

namespace RawWs.Protocol.SocketIO;

/// <summary>Decodes packets from UTF-8: <c>type[attachments-][namespace,][ack id][JSON]</c>.</summary>
public static class SocketPacketReader
{
    private static readonly byte[] s_root = "/"u8.ToArray();

    /// <summary>Decodes one packet; its attachments follow in messages of their own.</summary>
    /// <remarks>Allocates nothing but the decoded form of a name with escapes.</remarks>
    /// <param name="text">The packet without the type of Engine.IO: valid UTF-8.</param>
    /// <param name="limits">The limits to hold it to.</param>
    /// <param name="packet">The packet, or the default when there is an error.</param>
    /// <returns>The first rule that the packet breaks, or <see cref="SocketPacketError.None"/>.</returns>
    public static SocketPacketError TryRead(
        ReadOnlyMemory<byte> text, SocketPacketLimits limits, out SocketPacket packet)
    {
        ArgumentNullException.ThrowIfNull(limits);
        var parser = new Parser(text, limits);
        SocketPacketError error;
        try
        {
            error = parser.Read();
        }
        catch (JsonException)
        {
            // The framework's tokenizer reports bad syntax in no other way.
            error = SocketPacketError.InvalidJson;
        }

        packet = error == SocketPacketError.None ? parser.Packet : default;
        return error;
    }

    private ref struct Parser(ReadOnlyMemory<byte> text, SocketPacketLimits limits)
    {
        private ReadOnlyMemory<byte> _rest = text;
        private SocketPacketType _type;
        private int _attachments;
        private ReadOnlyMemory<byte> _namespace = s_root;
        private long? _ackId;
        private ReadOnlyMemory<byte> _name;
        private ReadOnlyMemory<byte> _values;
        private int _count;

        public readonly SocketPacket Packet => new()
        {
            Type = _type,
            Namespace = _namespace,
            AckId = _ackId,
            AttachmentCount = _attachments,
            Name = _name,
            Values = _values,
            Count = _count,
        };

        private readonly bool IsBinary => _type is SocketPacketType.BinaryEvent or SocketPacketType.BinaryAck;

        private readonly bool IsEvent => _type is SocketPacketType.Event or SocketPacketType.BinaryEvent;

        public SocketPacketError Read()
        {
            if (_rest.IsEmpty || _rest.Span[0] is < (byte)'0' or > (byte)'6')
                return SocketPacketError.UnknownType;
            _type = (SocketPacketType)(_rest.Span[0] - '0');
            _rest = _rest[1..];
            if (IsBinary && ReadAttachmentCount() is var error and not SocketPacketError.None)
                return error;
            ReadNamespace();
            if (!TryReadAckId() || (_type == SocketPacketType.BinaryAck && _ackId is null))
                return SocketPacketError.InvalidAckId;
            return _rest.IsEmpty ? CheckEmpty() : ReadPayload();
        }

        private SocketPacketError ReadAttachmentCount()
        {
            var dash = _rest.Span.IndexOf((byte)'-');
            if (dash < 0
                || !Utf8Parser.TryParse(_rest.Span[..dash], out uint count, out var used)
                || used != dash
                || count == 0)
                return SocketPacketError.InvalidAttachmentCount;
            if (count > limits.MaxAttachments)
                return SocketPacketError.TooManyAttachments;
            _attachments = (int)count;
            _rest = _rest[(dash + 1)..];
            return SocketPacketError.None;
        }

        // It ends at the comma, or with the packet.
        private void ReadNamespace()
        {
            if (!_rest.Span.StartsWith("/"u8))
                return;
            var comma = _rest.Span.IndexOf((byte)',');
            _namespace = comma < 0 ? _rest : _rest[..comma];
            _rest = comma < 0 ? default : _rest[(comma + 1)..];
        }

        private bool TryReadAckId()
        {
            var digits = _rest.Span.IndexOfAnyExceptInRange((byte)'0', (byte)'9');
            digits = digits < 0 ? _rest.Length : digits;
            if (digits == 0)
                return true;
            if (!Utf8Parser.TryParse(_rest.Span[..digits], out long id, out _) || id > SocketPacket.MaxAckId)
                return false;
            _ackId = id;
            _rest = _rest[digits..];
            return true;
        }

        // An event or an answer that says nothing is let pass: clients are known to send it.
        private readonly SocketPacketError CheckEmpty() =>
            IsBinary || _type == SocketPacketType.ConnectError
                ? SocketPacketError.InvalidPayload
                : SocketPacketError.None;

        private SocketPacketError ReadPayload()
        {
            var json = new Utf8JsonReader(
                _rest.Span, new JsonReaderOptions { MaxDepth = limits.MaxDepth });
            json.Read();
            return _type switch
            {
                SocketPacketType.Connect => ReadObject(ref json),
                SocketPacketType.Disconnect => SocketPacketError.InvalidPayload,
                SocketPacketType.ConnectError => ReadRefusal(ref json),
                _ => ReadArray(ref json),
            };
        }

        private SocketPacketError ReadObject(ref Utf8JsonReader json)
        {
            if (json.TokenType != JsonTokenType.StartObject)
                return SocketPacketError.InvalidPayload;
            ReadToEnd(ref json);
            (_values, _count) = (_rest, 1);
            return SocketPacketError.None;
        }

        private SocketPacketError ReadRefusal(ref Utf8JsonReader json)
        {
            if (json.TokenType is not (JsonTokenType.StartObject or JsonTokenType.String))
                return SocketPacketError.InvalidPayload;
            ReadToEnd(ref json);
            (_values, _count) = (_rest, 1);
            return SocketPacketError.None;
        }

        private SocketPacketError ReadArray(ref Utf8JsonReader json)
        {
            if (json.TokenType != JsonTokenType.StartArray)
                return SocketPacketError.InvalidPayload;
            if (IsEvent)
            {
                json.Read();
                if (ReadName(ref json) is var error and not SocketPacketError.None)
                    return error;
            }

            var start = 0;
            var end = 0;
            while (json.Read() && json.TokenType != JsonTokenType.EndArray)
            {
                if (_count++ == 0)
                    start = (int)json.TokenStartIndex;
                json.Skip();
                end = (int)json.BytesConsumed;
            }

            // Nothing may follow the array: this throws if something does.
            json.Read();
            _values = _rest[start..end];
            return IsBinary && !Placeholders.AreValid(_values.Span, _attachments)
                ? SocketPacketError.InvalidPlaceholder
                : SocketPacketError.None;
        }

        private SocketPacketError ReadName(ref Utf8JsonReader json)
        {
            var raw = json.ValueSpan;
            switch (json.TokenType)
            {
                case JsonTokenType.Number:
                    _name = _rest.Slice((int)json.TokenStartIndex, raw.Length);
                    break;
                case JsonTokenType.String when !json.ValueIsEscaped:
                    _name = _rest.Slice((int)json.TokenStartIndex + 1, raw.Length);
                    break;
                case JsonTokenType.String when raw.Length <= limits.MaxNameBytes * (long)JsonString.MaxExpansion:
                    var decoded = new byte[raw.Length];
                    if (!JsonString.TryUnescape(raw, decoded, out var length))
                        return SocketPacketError.InvalidName;
                    _name = decoded.AsMemory(0, length);
                    break;
                case JsonTokenType.String:
                    return SocketPacketError.InvalidName;
                default:
                    return SocketPacketError.InvalidPayload;
            }

            return _name.Length > limits.MaxNameBytes || ReservedNames.Contains(_name.Span)
                ? SocketPacketError.InvalidName
                : SocketPacketError.None;
        }

        private static void ReadToEnd(ref Utf8JsonReader json)
        {
            while (json.Read())
                json.Skip();
        }
    }
}
