using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Text;
using RawWs.Protocol;
using RawWs.Protocol.Http;
using RawWs.Protocol.WebSockets;

namespace RawWs.Bench.Reliability;

/// <summary>A WebSocket client that costs little: it holds no buffer while it waits, and answers pings by itself.</summary>
/// <remarks>One caller sends and one receives at a time.</remarks>
internal sealed class LoadConnection : IDisposable
{
    // A range of ports each: a process can have more connections than one address has ports.
    private const int Sources = 200;

    private readonly Socket _socket = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
    private readonly MessageReader _reader = new(Role.Client, new MessageLimits());
    private readonly SemaphoreSlim _sending = new(1);

    /// <summary>Pings of the server that were answered.</summary>
    public int PingsAnswered { get; private set; }

    /// <summary>The code of the server's close frame, 0 before it.</summary>
    public int CloseCode { get; private set; }

    /// <summary>Connects to a server on this machine and becomes a WebSocket.</summary>
    /// <param name="port">The server's.</param>
    /// <param name="path">The WebSocket's.</param>
    /// <param name="index">Which of many it is.</param>
    /// <param name="receiveBuffer">Bytes that the system takes in for a client that does not read; 0 for its default.</param>
    public static async Task<LoadConnection> OpenAsync(int port, string path, int index, int receiveBuffer = 0)
    {
        var connection = new LoadConnection();
        try
        {
            if (receiveBuffer > 0)
                connection._socket.ReceiveBufferSize = receiveBuffer;
            connection._socket.Bind(new IPEndPoint(new IPAddress([127, 0, 0, (byte)(2 + (index % Sources))]), 0));
            await connection._socket.ConnectAsync(IPAddress.Loopback, port);
            await connection.UpgradeAsync(port, path);
            return connection;
        }
        catch
        {
            connection.Dispose();
            throw;
        }
    }

    public async ValueTask SendAsync(Opcode opcode, ReadOnlyMemory<byte> payload)
    {
        var frame = new byte[FrameWriter.FrameSize(payload.Length, Role.Client)];
        FrameWriter.WriteMasked(frame, opcode, payload.Span, (uint)Random.Shared.Next());
        await _sending.WaitAsync();
        try
        {
            for (var rest = frame.AsMemory(); rest.Length > 0;)
                rest = rest[await _socket.SendAsync(rest)..];
        }
        finally
        {
            _sending.Release();
        }
    }

    /// <returns>
    /// The next message or pong, valid until the next call; null once the server has closed. Its close frame is answered.
    /// </returns>
    public async ValueTask<ReceivedMessage?> ReceiveAsync()
    {
        while (true)
        {
            while (_reader.TryRead(out var message))
            {
                switch (message.Opcode)
                {
                    case Opcode.Ping:
                        await SendAsync(Opcode.Pong, message.Payload);
                        PingsAnswered++;
                        break;
                    case Opcode.Close:
                        CloseCode = message.Payload.Length < 2 ? 1005 : (message.Payload.Span[0] << 8) | message.Payload.Span[1];
                        await SendAsync(Opcode.Close, message.Payload);
                        break;
                    default:
                        return message;
                }
            }

            if (_reader.Error != ProtocolError.None)
                throw new InvalidDataException($"The server broke a rule: {_reader.Error}.");
            await _socket.ReceiveAsync(Memory<byte>.Empty);
            var count = await _socket.ReceiveAsync(_reader.GetMemory());
            if (count == 0)
                return null;
            _reader.Advance(count);
        }
    }

    /// <summary>Closes in good order, and waits for the end.</summary>
    public async Task CloseAsync()
    {
        await SendAsync(Opcode.Close, new byte[] { 0x03, 0xE8 });
        while (await ReceiveAsync() is not null)
            continue;
    }

    /// <summary>Ends the connection with a reset.</summary>
    public void Reset() => _socket.Close(0);

    public void Dispose()
    {
        _socket.Dispose();
        _reader.Dispose();
        _sending.Dispose();
    }

    private async Task UpgradeAsync(int port, string path)
    {
        var request = new System.Buffers.ArrayBufferWriter<byte>();
        WebSocketUpgrade.WriteRequest(request, $"127.0.0.1:{port}", path, RandomNumberGenerator.GetBytes(16), default);
        await _socket.SendAsync(request.WrittenMemory);
        var head = new byte[1024];
        var length = 0;
        int end;
        while ((end = head.AsSpan(0, length).IndexOf("\r\n\r\n"u8)) < 0)
        {
            var count = await _socket.ReceiveAsync(head.AsMemory(length));
            if (count == 0)
                throw new IOException("The handshake was not answered.");
            length += count;
        }

        if (!head.AsSpan().StartsWith("HTTP/1.1 101 "u8))
            throw new IOException(Encoding.ASCII.GetString(head, 0, end));
        _reader.Append(head.AsSpan((end + 4)..length));
    }
}
