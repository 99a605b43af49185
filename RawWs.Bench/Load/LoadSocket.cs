using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;
using RawWs.Protocol.Http;
using RawWs.Protocol.WebSockets;

namespace RawWs.Bench.Load;

/// <summary>
/// One connection of the load, on a socket that never blocks once it is open. It belongs to one thread, and takes
/// apart what comes by itself, since messages may be cut into frames, and frames into reads, in any way.
/// </summary>
internal sealed class LoadSocket : IDisposable
{
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(10);

    private readonly LoadDialect _dialect;
    private readonly byte[] _header = new byte[FrameHeader.MaxSize];
    private int _headerBytes;
    private bool _isControl;
    private Opcode _opcode;
    private long _payloadLeft;
    private int _answerBytes;

    // What the socket did not take.
    private byte[] _unsent = [];
    private int _unsentAt;

    private LoadSocket(LoadDialect dialect, Socket socket) => (_dialect, Socket) = (dialect, socket);

    public Socket Socket { get; }

    /// <summary>The number of the answer that comes next.</summary>
    public long Expected { get; set; }

    /// <summary>The socket is full; what is sent now waits with the rest.</summary>
    public bool IsFull => _unsent.Length > 0;

    /// <summary>Connects and says what comes before the first message.</summary>
    /// <param name="port">Of a server on this machine.</param>
    /// <param name="index">Of the connection; some thousand share a source address, as ports are scarce.</param>
    /// <param name="dialect">What is spoken.</param>
    /// <exception cref="LoadException">The server does not speak it.</exception>
    public static LoadSocket Open(int port, int index, LoadDialect dialect)
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        socket.ReceiveTimeout = socket.SendTimeout = (int)s_patience.TotalMilliseconds;
        var connection = new LoadSocket(dialect, socket);
        try
        {
            if (OperatingSystem.IsLinux())
                socket.Bind(new IPEndPoint(new IPAddress([127, 0, 0, (byte)(2 + (index / 4000 % 250))]), 0));
            socket.Connect(IPAddress.Loopback, port);
            if (dialect.Path is not null)
                connection.Upgrade(port);
            socket.Blocking = false;
            return connection;
        }
        catch
        {
            connection.Dispose();
            throw;
        }
    }

    /// <summary>Sends whole frames.</summary>
    public void Send(ReadOnlySpan<byte> frames)
    {
        if (IsFull)
        {
            _unsent = [.. _unsent.AsSpan(_unsentAt), .. frames];
            _unsentAt = 0;
            return;
        }

        var sent = TrySend(frames);
        if (sent < frames.Length)
            (_unsent, _unsentAt) = (frames[sent..].ToArray(), 0);
    }

    /// <summary>Sends what waits, as far as the socket takes it.</summary>
    public void Flush()
    {
        if (!IsFull)
            return;
        _unsentAt += TrySend(_unsent.AsSpan(_unsentAt));
        if (_unsentAt == _unsent.Length)
            (_unsent, _unsentAt) = ([], 0);
    }

    /// <summary>Receives what there is.</summary>
    /// <returns>How many bytes; 0 if there are none.</returns>
    /// <exception cref="LoadException">The server has ended the connection.</exception>
    public int Receive(Span<byte> buffer)
    {
        var count = Socket.Receive(buffer, SocketFlags.None, out var error);
        if (error == SocketError.WouldBlock)
            return 0;
        return count > 0 ? count : throw new LoadException($"A connection has ended: {error}.");
    }

    /// <summary>Takes received bytes apart.</summary>
    /// <param name="bytes">As they came.</param>
    /// <returns>How many answers have become whole. Each was compared byte by byte.</returns>
    /// <exception cref="LoadException">Something is not what was sent.</exception>
    public int Take(ReadOnlySpan<byte> bytes)
    {
        if (_dialect.Path is null)
            return TakePayload(bytes);
        var answers = 0;
        while (!bytes.IsEmpty)
        {
            if (_payloadLeft == 0 && !TryTakeHeader(ref bytes))
                continue;
            var part = bytes[..(int)Math.Min(bytes.Length, _payloadLeft)];
            bytes = bytes[part.Length..];
            _payloadLeft -= part.Length;
            if (_isControl)
                TakeControl(part);
            else
                answers += TakePayload(part);
        }

        return answers;
    }

    public void Dispose() => Socket.Dispose();

    private int TrySend(ReadOnlySpan<byte> bytes)
    {
        var sent = Socket.Send(bytes, SocketFlags.None, out var error);
        if (error is SocketError.Success or SocketError.WouldBlock)
            return sent;
        throw new LoadException($"A connection cannot be sent to: {error}.");
    }

    private bool TryTakeHeader(ref ReadOnlySpan<byte> bytes)
    {
        _header[_headerBytes++] = bytes[0];
        bytes = bytes[1..];
        if (!FrameHeader.TryRead(_header.AsSpan(0, _headerBytes), out var header))
            return false;
        _headerBytes = 0;
        _payloadLeft = header.PayloadLength;
        _isControl = header.IsControl;
        _opcode = header.Opcode;
        if (_opcode == Opcode.Close)
            throw new LoadException("The server has closed a connection.");
        if (_isControl && _payloadLeft == 0)
            TakeControl([]);
        return _payloadLeft > 0;
    }

    // A ping of the transport is short and comes in one piece; its payload is not what is measured.
    private void TakeControl(ReadOnlySpan<byte> payload)
    {
        if (_opcode == Opcode.Ping && _payloadLeft == 0)
            Send(Frame(Opcode.Pong, payload));
    }

    private int TakePayload(ReadOnlySpan<byte> bytes)
    {
        var answers = 0;
        while (!bytes.IsEmpty)
        {
            if (_answerBytes == 0 && IsAside(ref bytes))
                continue;
            var part = bytes[..Math.Min(bytes.Length, _dialect.Answer.Length - _answerBytes)];
            if (!_dialect.IsAnswer(part, _answerBytes, Expected))
            {
                var start = Encoding.UTF8.GetString(part[..Math.Min(part.Length, 200)]);
                throw new LoadException($"An answer is not what was sent: {start}");
            }

            bytes = bytes[part.Length..];
            _answerBytes += part.Length;
            if (_answerBytes < _dialect.Answer.Length)
                return answers;
            _answerBytes = 0;
            Expected++;
            answers++;
        }

        return answers;
    }

    private bool IsAside(ref ReadOnlySpan<byte> bytes)
    {
        if (!_dialect.Skipped.AsSpan().IsEmpty && bytes.StartsWith(_dialect.Skipped))
        {
            bytes = bytes[_dialect.Skipped.Length..];
            return true;
        }

        // A ping of Engine.IO.
        if (!bytes.SequenceEqual("2"u8) || _payloadLeft > 0)
            return false;
        Send(Frame(Opcode.Text, "3"u8));
        bytes = [];
        return true;
    }

    private void Upgrade(int port)
    {
        var key = Convert.ToBase64String(RandomNumberGenerator.GetBytes(16));
        Socket.Send(Encoding.ASCII.GetBytes(
            $"GET {_dialect.Path} HTTP/1.1\r\nHost: 127.0.0.1:{port}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
            $"Sec-WebSocket-Key: {key}\r\nSec-WebSocket-Version: 13\r\n\r\n"));
        var head = ReadHead();
        Span<byte> accept = stackalloc byte[WebSocketUpgrade.AcceptKeyBytes];
        WebSocketUpgrade.WriteAcceptKey(key, accept);
        if (!head.StartsWith("HTTP/1.1 101", StringComparison.Ordinal)
            || !head.Contains(Encoding.ASCII.GetString(accept), StringComparison.Ordinal))
            throw new LoadException($"No WebSocket at {_dialect.Path}: {head}");
        foreach (var (expected, answer) in _dialect.Greeting)
        {
            if (expected is not null
                && ReadMessage() is var message && !message.StartsWith(expected, StringComparison.Ordinal))
                throw new LoadException($"Expected {expected} and got {message}");
            if (answer is not null)
                Socket.Send(Frame(Opcode.Text, Encoding.UTF8.GetBytes(answer)));
        }
    }

    // Byte by byte, so that nothing behind it is taken.
    private string ReadHead()
    {
        var head = new StringBuilder();
        Span<byte> one = stackalloc byte[1];
        while (!(head.Length > 3 && head[^1] == '\n' && head[^3] == '\n'))
        {
            if (head.Length > 16_384 || Socket.Receive(one) == 0)
                throw new LoadException("The server has no answer to a handshake.");
            head.Append((char)one[0]);
        }

        return head.ToString();
    }

    private string ReadMessage()
    {
        FrameHeader header;
        for (var count = 0; !FrameHeader.TryRead(_header.AsSpan(0, count), out header); count++)
            ReadAll(_header.AsSpan(count, 1));
        var payload = new byte[header.PayloadLength];
        ReadAll(payload);
        return Encoding.UTF8.GetString(payload);
    }

    private void ReadAll(Span<byte> bytes)
    {
        while (!bytes.IsEmpty)
        {
            var count = Socket.Receive(bytes);
            bytes = count > 0 ? bytes[count..] : throw new LoadException("The server has ended a connection.");
        }
    }

    private static byte[] Frame(Opcode opcode, ReadOnlySpan<byte> payload)
    {
        var frame = new byte[FrameWriter.FrameSize(payload.Length, Role.Client)];
        FrameWriter.WriteMasked(frame, opcode, payload, 0x1D2E_3F40);
        return frame;
    }
}
