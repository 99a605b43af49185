using System.Text;
using RawWs.Bench.Peers;
using RawWs.Protocol.WebSockets;

namespace RawWs.Bench.Load;

/// <summary>
/// What goes over the wire: how a connection begins, and the messages there and back, which are the same but for a number
/// of 16 digits that makes each its own.
/// </summary>
internal sealed class LoadDialect
{
    /// <summary>The digits of a message's number.</summary>
    public const int NumberBytes = 16;

    // Whatever the key, a server must unmask by it.
    private const uint MaskingKey = 0x5A17_C3E9;

    private readonly byte[] _frame;
    private readonly int _numberInFrame;
    private readonly byte[] _key = new byte[4];

    private LoadDialect(
        string? path, (string? Expected, string? Answer)[] greeting, Opcode opcode, byte[] there, byte[] back, string skipped)
    {
        (Path, Greeting, Answer) = (path, greeting, back);
        Skipped = Encoding.ASCII.GetBytes(skipped);
        NumberInAnswer = back.AsSpan().IndexOf(Zeros);
        if (path is null)
        {
            _frame = there;
            _numberInFrame = there.AsSpan().IndexOf(Zeros);
            return;
        }

        _frame = new byte[FrameWriter.FrameSize(there.Length, Role.Client)];
        FrameWriter.WriteMasked(_frame, opcode, there, MaskingKey);
        _numberInFrame = _frame.Length - there.Length + there.AsSpan().IndexOf(Zeros);
        // The key as the number's bytes meet it.
        for (var i = 0; i < 4; i++)
            _key[i] = (byte)(_frame[_numberInFrame + i] ^ (byte)'0');
    }

    private static ReadOnlySpan<byte> Zeros => "0000000000000000"u8;

    /// <summary>Where the WebSocket is; null if there is none, and bytes go as they are.</summary>
    public string? Path { get; }

    /// <summary>What the server says first, as the beginnings of messages, and what it gets for an answer.</summary>
    public (string? Expected, string? Answer)[] Greeting { get; }

    /// <summary>The content of what comes back, with zeros for its number.</summary>
    public byte[] Answer { get; }

    /// <summary>Where the number is in <see cref="Answer"/>.</summary>
    public int NumberInAnswer { get; }

    /// <summary>What may come between answers and says nothing.</summary>
    public byte[] Skipped { get; }

    public int FrameBytes => _frame.Length;

    /// <param name="load">Whose messages they are.</param>
    /// <param name="isBlocking">Where a handler blocks its thread before it answers; plain WebSockets only.</param>
    /// <exception cref="ArgumentException">There is no such dialect.</exception>
    public static LoadDialect Create(LoadCase load, bool isBlocking = false)
    {
        var content = new string('0', NumberBytes) + new string('x', load.Bytes - NumberBytes);
        var isFanOut = load.Scenario == LoadScenario.FanOut;
        var (there, back) = isFanOut ? ("publish", "news") : ("message", "message-back");
        var path = isFanOut ? "/fan" : isBlocking ? ServeVerb.BlockingPath : "/echo";
        var opcode = load.IsBinary ? Opcode.Binary : Opcode.Text;
        return load.Dialect switch
        {
            "tcp" => new(null, [], opcode, Bytes(content), Bytes(content), ""),
            "ws" => new(path, [], opcode, Bytes(content), Bytes(content), ""),
            "envelope" => new(
                "/ws",
                [
                    (null, """{"event":"connect"}"""),
                    ("""{"event":"connect",""", null),
                    ("""{"event":"auth",""", null),
                ],
                Opcode.Text, Envelope(there), Envelope(back), ""),
            "socketio" => new(
                "/socket.io/?EIO=4&transport=websocket", [("0{", "40"), ("40{", null), ("42[\"auth\"", null)],
                Opcode.Text,
                Bytes($"42[\"{there}\",\"{content}\"]"), Bytes($"42[\"{back}\",\"{content}\"]"), ""),
            "signalr" => new(
                "/hub", [(null, "{\"protocol\":\"json\",\"version\":1}\u001e"), ("{}\u001e", null)], Opcode.Text,
                Invocation(there), Invocation(back), "{\"type\":6}\u001e"),
            _ => throw new ArgumentException($"There is no dialect '{load.Dialect}'."),
        };

        byte[] Envelope(string name) => Bytes($$"""{"event":"{{name}}","data":"{{content}}"}""");

        byte[] Invocation(string name) =>
            Bytes($$"""{"type":1,"target":"{{name}}","arguments":["{{content}}"]}""" + '\u001e');

        static byte[] Bytes(string text) => Encoding.ASCII.GetBytes(text);
    }

    /// <summary>Writes the message with a number, as it is sent.</summary>
    public void WriteFrame(Span<byte> destination, long number)
    {
        _frame.CopyTo(destination);
        var digits = destination.Slice(_numberInFrame, NumberBytes);
        number.TryFormat(digits, out _, "x16");
        if (Path is null)
            return;
        for (var i = 0; i < NumberBytes; i++)
            digits[i] ^= _key[i & 3];
    }

    /// <summary>Whether bytes are the part of the answer with this number that begins at an offset.</summary>
    public bool IsAnswer(ReadOnlySpan<byte> part, int offset, long number)
    {
        var before = Math.Clamp(NumberInAnswer - offset, 0, part.Length);
        var behind = Math.Clamp(NumberInAnswer + NumberBytes - offset, 0, part.Length);
        if (!part[..before].SequenceEqual(Answer.AsSpan(offset, before))
            || !part[behind..].SequenceEqual(Answer.AsSpan(offset + behind, part.Length - behind)))
            return false;
        Span<byte> digits = stackalloc byte[NumberBytes];
        number.TryFormat(digits, out _, "x16");
        return before == behind
            || part[before..behind].SequenceEqual(digits.Slice(offset + before - NumberInAnswer, behind - before));
    }
}
