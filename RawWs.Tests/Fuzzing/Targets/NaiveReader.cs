using System.Text;
using RawWs.Protocol;
using RawWs.Protocol.WebSockets;

namespace RawWs.Tests.Fuzzing.Targets;

/// <summary>Reads a whole stream of frames as RFC 6455 §5 describes it, with no state but a position and the
/// message that is open: the judge of the one that is fast.</summary>
internal sealed class NaiveReader(byte[] wire, Role role, MessageLimits limits, bool inflates, bool keepsWindow)
{
    private readonly StringBuilder _outcome = new();
    private int _position;
    private List<byte>? _open;
    private int _opcode;
    private int _fragments;
    private bool _isCompressed;
    private byte[] _window = [];

    /// <summary>Each message as <c>Opcode:hex</c>, then <c>!Error</c> if there is one.</summary>
    public string Read()
    {
        ProtocolError error;
        while ((error = ReadFrame(out bool isEnd)) == ProtocolError.None && !isEnd)
        {
        }

        return (error == ProtocolError.None ? _outcome : _outcome.Append('!').Append(error)).ToString().TrimEnd();
    }

    private ProtocolError ReadFrame(out bool isEnd)
    {
        isEnd = true;
        if (!Has(2))
            return ProtocolError.None;
        bool fin = (wire[_position] & 0x80) != 0;
        int reserved = wire[_position] & 0x70;
        int opcode = wire[_position] & 0x0F;
        bool isMasked = (wire[_position + 1] & 0x80) != 0;
        int length7 = wire[_position + 1] & 0x7F;
        int lengthBytes = length7 == 127 ? 8 : length7 == 126 ? 2 : 0;
        int headerBytes = 2 + lengthBytes + (isMasked ? 4 : 0);
        if (!Has(headerBytes))
            return ProtocolError.None;
        ulong length = lengthBytes == 0 ? (ulong)length7 : 0;
        for (int i = 0; i < lengthBytes; i++)
            length = (length << 8) | wire[_position + 2 + i];
        byte[] key = isMasked ? wire[(_position + headerBytes - 4)..(_position + headerBytes)] : new byte[4];

        ProtocolError error = CheckHeader(fin, reserved, opcode, isMasked, length7, length);
        if (error != ProtocolError.None)
            return error;
        _position += headerBytes;
        bool isWhole = (ulong)(wire.Length - _position) >= length;
        byte[] payload = wire[_position..(isWhole ? _position + (int)length : wire.Length)];
        for (int i = 0; i < payload.Length; i++)
            payload[i] ^= key[i % 4];
        _position += payload.Length;
        isEnd = !isWhole || opcode == 8;
        return opcode >= 8
            ? ReadControl(opcode, payload, isWhole)
            : ReadData(opcode, reserved != 0, payload, isWhole, fin);
    }

    private ProtocolError CheckHeader(bool fin, int reserved, int opcode, bool isMasked, int length7, ulong length)
    {
        if (reserved != 0 && !(inflates && reserved == 0x40 && opcode is 1 or 2))
            return ProtocolError.ReservedBits;
        if (opcode is (> 2 and < 8) or > 10)
            return ProtocolError.ReservedOpcode;
        if (role == Role.Server && !isMasked)
            return ProtocolError.UnmaskedFrame;
        if (role == Role.Client && isMasked)
            return ProtocolError.MaskedFrame;
        if (length > long.MaxValue)
            return ProtocolError.LengthOutOfRange;
        if ((length7 == 126 && length < 126) || (length7 == 127 && length < 65_536))
            return ProtocolError.LengthNotMinimal;
        if (opcode >= 8)
        {
            return !fin ? ProtocolError.FragmentedControlFrame
                : length > 125 ? ProtocolError.ControlFrameTooLong
                : ProtocolError.None;
        }

        if (opcode == 0 && _open is null)
            return ProtocolError.UnexpectedContinuation;
        if (opcode != 0 && _open is not null)
            return ProtocolError.UnfinishedMessage;
        long max = limits.MaxMessageBytes;
        if (_open is null ? reserved != 0 : _isCompressed)
            max += (max / 8) + 1024;
        if (length > (ulong)(max - (_open?.Count ?? 0)))
            return ProtocolError.MessageTooBig;
        return _open is not null && _fragments == limits.MaxFragments
            ? ProtocolError.TooManyFragments
            : ProtocolError.None;
    }

    private ProtocolError ReadControl(int opcode, byte[] payload, bool isWhole)
    {
        if (opcode == 8)
        {
            if (isWhole && payload.Length == 1)
                return ProtocolError.ClosePayloadTooShort;
            if (payload.Length >= 2)
            {
                int code = (payload[0] << 8) | payload[1];
                if (code is < 1000 or (> 1003 and < 1007) or (> 1014 and < 3000) or > 4999)
                    return ProtocolError.InvalidCloseCode;
                if (!IsText(payload[2..], isWhole))
                    return ProtocolError.InvalidUtf8;
            }
        }

        if (isWhole)
            Deliver(opcode, payload);
        return ProtocolError.None;
    }

    private ProtocolError ReadData(int opcode, bool isCompressed, byte[] payload, bool isWhole, bool fin)
    {
        if (_open is null)
            (_open, _opcode, _isCompressed, _fragments) = ([], opcode, isCompressed, 0);
        _open.AddRange(payload);
        _fragments++;
        bool isFinished = isWhole && fin;
        byte[] message = [.. _open];
        var end = NaiveInflater.End.Clean;
        if (_isCompressed)
        {
            byte[] window = keepsWindow ? _window : [];
            end = NaiveInflater.Inflate(message, isFinished, ref window, limits.MaxMessageBytes, out message);
            _window = isFinished ? window : _window;
        }

        // What came out before an error is text that came before it.
        if (_opcode == 1 && !IsText(message, isFinished && end == NaiveInflater.End.Clean))
            return ProtocolError.InvalidUtf8;
        if (end == NaiveInflater.End.TooLong)
            return ProtocolError.MessageTooBig;
        if (end == NaiveInflater.End.Corrupt || (end == NaiveInflater.End.Inside && isFinished))
            return ProtocolError.InvalidDeflate;
        if (isFinished)
        {
            Deliver(_opcode, message);
            _open = null;
        }

        return ProtocolError.None;
    }

    private void Deliver(int opcode, byte[] payload) =>
        _outcome.Append((Opcode)opcode).Append(':').Append(Convert.ToHexString(payload)).Append(' ');

    // RFC 3629 §4, character by character.
    private static bool IsText(byte[] bytes, bool isWhole)
    {
        for (int i = 0; i < bytes.Length;)
        {
            int first = bytes[i];
            int length = first < 0x80 ? 1 : first is >= 0xC2 and < 0xE0 ? 2 : first is >= 0xE0 and < 0xF0 ? 3
                : first is >= 0xF0 and < 0xF5 ? 4 : 0;
            if (length == 0)
                return false;
            for (int n = 1; n < length; n++)
            {
                if (i + n == bytes.Length)
                    return !isWhole;
                int next = bytes[i + n];
                bool isSecond = n == 1;
                if (next is < 0x80 or > 0xBF
                    || (isSecond && ((first == 0xE0 && next < 0xA0) || (first == 0xED && next > 0x9F)
                        || (first == 0xF0 && next < 0x90) || (first == 0xF4 && next > 0x8F))))
                    return false;
            }

            i += length;
        }

        return true;
    }

    private bool Has(int count) => wire.Length - _position >= count;
}
