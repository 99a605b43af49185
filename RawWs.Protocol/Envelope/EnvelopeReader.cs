using System.Text.Json;
using RawWs.Protocol.Json;

namespace RawWs.Protocol.Envelope;

/// <summary>Decodes envelopes from UTF-8.</summary>
public static class EnvelopeReader
{
    /// <summary>Decodes one message.</summary>
    /// <remarks>
    /// Allocates nothing but the decoded form of a text with escapes, and the reader's own stack below a depth of
    /// 64. Which names a client may use, and when, is for <see cref="EnvelopeRules"/> to say.
    /// </remarks>
    /// <param name="message">A whole message: valid UTF-8, which the WebSocket layer has made sure of.</param>
    /// <param name="limits">The limits to hold it to.</param>
    /// <param name="packet">The envelope, or the default when there is an error.</param>
    /// <returns>The first rule that the message breaks, or <see cref="EnvelopeError.None"/>.</returns>
    public static EnvelopeError TryRead(
        ReadOnlyMemory<byte> message, EnvelopeLimits limits, out EnvelopePacket packet)
    {
        ArgumentNullException.ThrowIfNull(limits);
        var parser = new Parser(message, limits);
        EnvelopeError error;
        try
        {
            error = parser.Read();
        }
        catch (JsonException)
        {
            // The framework's tokenizer reports bad syntax in no other way.
            error = EnvelopeError.NotJson;
        }

        packet = error == EnvelopeError.None ? parser.ToPacket() : default;
        return error;
    }

    [Flags]
    private enum Keys : byte
    {
        None = 0,
        Event = 1,
        Data = 2,
        Args = 4,
        Id = 8,
        Ack = 16,
        Error = 32,
        Code = 64,
        Message = 128,
    }

    private ref struct Parser
    {
        private readonly ReadOnlyMemory<byte> _message;
        private readonly EnvelopeLimits _limits;
        private Utf8JsonReader _json;
        private Keys _seen;
        private ReadOnlyMemory<byte> _name;
        private ReadOnlyMemory<byte> _values;
        private int _count;
        private long _id;
        private ReadOnlyMemory<byte> _code;
        private ReadOnlyMemory<byte> _text;

        public Parser(ReadOnlyMemory<byte> message, EnvelopeLimits limits)
        {
            _message = message;
            _limits = limits;

            // One more than the limit, so that exceeding it is told from bad syntax.
            _json = new Utf8JsonReader(message.Span, new JsonReaderOptions { MaxDepth = limits.MaxDepth + 1 });
        }

        public readonly EnvelopePacket ToPacket() => new()
        {
            Kind = !Has(Keys.Ack) ? EnvelopeKind.Event : Has(Keys.Error) ? EnvelopeKind.AckError : EnvelopeKind.Ack,
            Name = _name,
            Id = Has(Keys.Id | Keys.Ack) ? _id : null,
            Values = _values,
            Count = _count,
            ErrorCode = _code,
            ErrorMessage = _text,
        };

        public EnvelopeError Read()
        {
            _json.Read();
            if (_json.TokenType != JsonTokenType.StartObject)
                return EnvelopeError.NotAnObject;

            while (_json.Read() && _json.TokenType == JsonTokenType.PropertyName)
            {
                EnvelopeError error = ReadProperty();
                if (error != EnvelopeError.None)
                    return error;
            }

            // Nothing may follow the object: this throws if something does.
            _json.Read();
            return CheckKeys();
        }

        private readonly EnvelopeError CheckKeys()
        {
            if (!Has(Keys.Event | Keys.Ack))
                return EnvelopeError.NoEvent;

            bool conflict = (Has(Keys.Event) && Has(Keys.Ack | Keys.Error))
                || (Has(Keys.Ack) && Has(Keys.Id))
                || (Has(Keys.Data) && Has(Keys.Args | Keys.Error))
                || (Has(Keys.Args) && Has(Keys.Error));
            return conflict ? EnvelopeError.ConflictingKeys : EnvelopeError.None;
        }

        private EnvelopeError ReadProperty()
        {
            Keys key = ReadKey(isError: false);
            if (Has(key))
                return EnvelopeError.DuplicateKey;

            _seen |= key;
            _json.Read();
            return key switch
            {
                Keys.Event => ReadName(),
                Keys.Data => ReadData(),
                Keys.Args => ReadArgs(),
                Keys.Id => ReadId(EnvelopeError.InvalidId),
                Keys.Ack => ReadId(EnvelopeError.InvalidAck),
                Keys.Error => ReadError(),
                _ => Skip(),
            };
        }

        private EnvelopeError ReadName()
        {
            if (_json.TokenType != JsonTokenType.String || _json.ValueSpan.IsEmpty)
                return EnvelopeError.InvalidName;

            // An escape spends at most six bytes on one of the text, so nothing long is ever decoded.
            if (_json.ValueSpan.Length > _limits.MaxNameBytes * (long)JsonString.MaxExpansion)
                return EnvelopeError.NameTooLong;
            if (!TryReadText(out _name))
                return EnvelopeError.InvalidName;
            return _name.Length > _limits.MaxNameBytes ? EnvelopeError.NameTooLong : EnvelopeError.None;
        }

        private EnvelopeError ReadData()
        {
            int start = (int)_json.TokenStartIndex;
            EnvelopeError error = Skip();
            _values = _message[start..(int)_json.BytesConsumed];
            _count = 1;
            return error;
        }

        private EnvelopeError ReadArgs()
        {
            if (_json.TokenType != JsonTokenType.StartArray)
                return EnvelopeError.InvalidArgs;
            if (IsTooDeep())
                return EnvelopeError.TooDeep;

            int start = 0;
            int end = 0;
            while (_json.Read() && _json.TokenType != JsonTokenType.EndArray)
            {
                if (_count++ == 0)
                    start = (int)_json.TokenStartIndex;

                EnvelopeError error = Skip();
                if (error != EnvelopeError.None)
                    return error;
                end = (int)_json.BytesConsumed;
            }

            _values = _message[start..end];
            return EnvelopeError.None;
        }

        private EnvelopeError ReadId(EnvelopeError error)
        {
            // Only digits: 1.0, 1e3 and -0 are integers in value but not in form.
            bool isId = _json.TokenType == JsonTokenType.Number
                && _json.ValueSpan[0] != (byte)'-'
                && _json.TryGetInt64(out _id)
                && _id <= EnvelopePacket.MaxId;
            return isId ? EnvelopeError.None : error;
        }

        private EnvelopeError ReadError()
        {
            if (_json.TokenType != JsonTokenType.StartObject)
                return EnvelopeError.InvalidError;
            if (IsTooDeep())
                return EnvelopeError.TooDeep;

            while (_json.Read() && _json.TokenType == JsonTokenType.PropertyName)
            {
                Keys key = ReadKey(isError: true);
                if (Has(key))
                    return EnvelopeError.DuplicateKey;

                _seen |= key;
                _json.Read();
                EnvelopeError error = key switch
                {
                    Keys.Code => ReadErrorText(out _code),
                    Keys.Message => ReadErrorText(out _text),
                    _ => Skip(),
                };
                if (error != EnvelopeError.None)
                    return error;
            }

            return Has(Keys.Code) && Has(Keys.Message) ? EnvelopeError.None : EnvelopeError.InvalidError;
        }

        private EnvelopeError ReadErrorText(out ReadOnlyMemory<byte> text)
        {
            text = default;
            bool isText = _json.TokenType == JsonTokenType.String && TryReadText(out text);
            return isText ? EnvelopeError.None : EnvelopeError.InvalidError;
        }

        private readonly Keys ReadKey(bool isError)
        {
            ReadOnlySpan<byte> key = _json.ValueSpan;
            if (_json.ValueIsEscaped)
            {
                // A key spelled with escapes is the same key. One too long to be any of ours needs no decoding.
                Span<byte> decoded = stackalloc byte["message".Length * JsonString.MaxExpansion];
                if (key.Length > decoded.Length || !JsonString.TryUnescape(key, decoded, out int length))
                    return Keys.None;
                return ToKey(decoded[..length], isError);
            }

            return ToKey(key, isError);
        }

        private static Keys ToKey(ReadOnlySpan<byte> key, bool isError) => isError
            ? key.SequenceEqual("code"u8) ? Keys.Code
                : key.SequenceEqual("message"u8) ? Keys.Message
                : Keys.None
            : key.SequenceEqual("event"u8) ? Keys.Event
                : key.SequenceEqual("data"u8) ? Keys.Data
                : key.SequenceEqual("id"u8) ? Keys.Id
                : key.SequenceEqual("ack"u8) ? Keys.Ack
                : key.SequenceEqual("args"u8) ? Keys.Args
                : key.SequenceEqual("error"u8) ? Keys.Error
                : Keys.None;

        /// <summary>Reads the current string: false if an escape in it is a lone surrogate.</summary>
        private readonly bool TryReadText(out ReadOnlyMemory<byte> text)
        {
            ReadOnlySpan<byte> raw = _json.ValueSpan;
            if (!_json.ValueIsEscaped)
            {
                text = _message.Slice((int)_json.TokenStartIndex + 1, raw.Length);
                return true;
            }

            var decoded = new byte[raw.Length];
            bool isText = JsonString.TryUnescape(raw, decoded, out int length);
            text = decoded.AsMemory(0, length);
            return isText;
        }

        /// <summary>Reads to the end of the current value.</summary>
        private EnvelopeError Skip()
        {
            if (_json.TokenType is not (JsonTokenType.StartObject or JsonTokenType.StartArray))
                return EnvelopeError.None;

            int depth = _json.CurrentDepth;
            do
            {
                if (IsTooDeep())
                    return EnvelopeError.TooDeep;
                _json.Read();
            }
            while (_json.CurrentDepth > depth);
            return EnvelopeError.None;
        }

        private readonly bool IsTooDeep() =>
            _json.TokenType is JsonTokenType.StartObject or JsonTokenType.StartArray
            && _json.CurrentDepth >= _limits.MaxDepth;

        private readonly bool Has(Keys keys) => (_seen & keys) != 0;
    }
}
