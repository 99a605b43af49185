using System.Buffers;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;
using RawWs.Protocol;
using RawWs.Protocol.Http;
using RawWs.Protocol.WebSockets;

namespace RawWs.Bench.Reliability;

/// <summary>
/// One client of Socket.IO over one WebSocket: it emits <c>message</c> with a text of its own, awaits
/// <c>message-back</c> with just that text, and emits the next.
/// </summary>
internal sealed class EventConnection : IDisposable
{
    /// <summary>The shortest text in bytes: the number that makes each different.</summary>
    public const int MinBytes = 16;

    private const int MaxHeadBytes = 4096;

    private readonly Socket _socket = new(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
    private readonly MessageReader _reader = new(Role.Client, new MessageLimits());
    private readonly byte[] _event;
    private readonly byte[] _answer;
    private readonly byte[] _frame;
    private readonly int _eventNumberAt;
    private readonly int _answerNumberAt;
    private long _number;

    private EventConnection(int index, int bytes)
    {
        var filler = new string('x', bytes - MinBytes);
        (_event, _eventNumberAt) = Packet("""42["message",""" + "\"", filler);
        (_answer, _answerNumberAt) = Packet("""42["message-back",""" + "\"", filler);
        _frame = new byte[FrameWriter.FrameSize(_event.Length, Role.Client)];
        _number = (long)index << 40;
    }

    /// <summary>Events whose answer has come.</summary>
    public long Count { get; private set; }

    /// <summary>Connects, and joins the namespace <c>/</c>.</summary>
    /// <param name="port">A server on this machine that greets with <c>auth</c>.</param>
    /// <param name="index">Different for each connection.</param>
    /// <param name="bytes">The length of the text, at least <see cref="MinBytes"/>.</param>
    public static async Task<EventConnection> OpenAsync(int port, int index, int bytes)
    {
        var connection = new EventConnection(index, bytes);
        try
        {
            await connection._socket.ConnectAsync(IPAddress.Loopback, port);
            await connection.UpgradeAsync(port);
            Expect(await connection.ReceiveAsync(), "0{"u8);
            await connection.SendAsync("40"u8.ToArray());
            Expect(await connection.ReceiveAsync(), "40{"u8);
            Expect(await connection.ReceiveAsync(), "42[\"auth\""u8);
            return connection;
        }
        catch
        {
            connection.Dispose();
            throw;
        }
    }

    /// <summary>Emits one event after the other, until the answer that comes after the token's cancellation.</summary>
    public async Task RunAsync(CancellationToken stop)
    {
        while (!stop.IsCancellationRequested)
        {
            _number++;
            _number.TryFormat(_event.AsSpan(_eventNumberAt), out _, "x16");
            _number.TryFormat(_answer.AsSpan(_answerNumberAt), out _, "x16");
            await SendAsync(_event);
            Expect(await ReceiveAsync(), _answer, isWhole: true);
            Count++;
        }
    }

    public void Dispose()
    {
        _socket.Dispose();
        _reader.Dispose();
    }

    private static (byte[] Packet, int NumberAt) Packet(string head, string filler) =>
        (Encoding.UTF8.GetBytes($"{head}{0:x16}{filler}\"]"), head.Length);

    private async Task UpgradeAsync(int port)
    {
        var nonce = RandomNumberGenerator.GetBytes(16);
        var request = new ArrayBufferWriter<byte>();
        WebSocketUpgrade.WriteRequest(
            request, $"127.0.0.1:{port}", "/socket.io/?EIO=4&transport=websocket", nonce, default);
        await _socket.SendAsync(request.WrittenMemory);

        var head = new byte[MaxHeadBytes];
        var length = 0;
        int end;
        while ((end = head.AsSpan(0, length).IndexOf("\r\n\r\n"u8)) < 0)
        {
            var count = await _socket.ReceiveAsync(head.AsMemory(length));
            if (count == 0)
                throw new IOException("The handshake was not answered.");
            length += count;
        }

        CheckAccept(Encoding.ASCII.GetString(head, 0, end + 2), Convert.ToBase64String(nonce));
        _reader.Append(head.AsSpan((end + 4)..length));
    }

    // RFC 6455 §4.1: what a client validates in the answer.
    private static void CheckAccept(string head, string key)
    {
        var accept = new byte[WebSocketUpgrade.AcceptKeyBytes];
        WebSocketUpgrade.WriteAcceptKey(key, accept);
        if (!head.StartsWith("HTTP/1.1 101 ", StringComparison.Ordinal)
            || !head.Contains(
                $"Sec-WebSocket-Accept: {Encoding.ASCII.GetString(accept)}\r\n", StringComparison.OrdinalIgnoreCase)
            || head.Contains("Sec-WebSocket-Extensions", StringComparison.OrdinalIgnoreCase))
            throw new InvalidDataException($"The handshake was not accepted as asked for:\n{head}");
    }

    private async ValueTask SendAsync(ReadOnlyMemory<byte> text)
    {
        var size = FrameWriter.WriteMasked(_frame, Opcode.Text, text.Span, (uint)Random.Shared.Next());
        var sent = await _socket.SendAsync(_frame.AsMemory(0, size));
        if (sent != size)
            throw new IOException("A frame was sent in part.");
    }

    /// <returns>The next message that is no ping of Engine.IO, valid until the next call.</returns>
    private async ValueTask<ReadOnlyMemory<byte>> ReceiveAsync()
    {
        while (true)
        {
            while (_reader.TryRead(out var message))
            {
                if (message.Opcode != Opcode.Text)
                    throw new InvalidDataException($"An unexpected message: {message.Opcode}.");
                if (!message.Payload.Span.SequenceEqual("2"u8))
                    return message.Payload;
                await SendAsync("3"u8.ToArray());
            }

            if (_reader.Error != ProtocolError.None)
                throw new InvalidDataException($"The server broke a rule: {_reader.Error}.");
            var count = await _socket.ReceiveAsync(_reader.GetMemory());
            if (count == 0)
                throw new IOException("The server closed the connection.");
            _reader.Advance(count);
        }
    }

    private static void Expect(ReadOnlyMemory<byte> actual, ReadOnlySpan<byte> expected, bool isWhole = false)
    {
        if (isWhole ? !actual.Span.SequenceEqual(expected) : !actual.Span.StartsWith(expected))
            throw new InvalidDataException(
                $"Expected {Encoding.UTF8.GetString(expected)}, got {Encoding.UTF8.GetString(actual.Span)}.");
    }
}
