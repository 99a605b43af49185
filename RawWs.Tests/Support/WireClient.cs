using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Runtime.ExceptionServices;
using System.Text;
using RawWs.Protocol.WebSockets;

namespace RawWs.Tests.Support;

/// <summary>A frame as it was on the wire.</summary>
internal sealed record WireFrame(Opcode Opcode, byte[] Payload, bool Fin, bool IsCompressed = false)
{
    public string Text => Encoding.UTF8.GetString(Payload);

    public CloseCode CloseCode => Payload.Length < 2
        ? CloseCode.NoStatusReceived
        : (CloseCode)((Payload[0] << 8) | Payload[1]);
}

/// <summary>A client that sends any bytes, right or wrong, and reads what comes back. Every wait is bounded.</summary>
internal sealed class WireClient : IDisposable
{
    public static readonly TimeSpan Patience = TimeSpan.FromSeconds(20);

    // The key of RFC 6455 §5.7's examples: 37 FA 21 3D.
    private const uint MaskingKey = 0x3D21FA37;

    private readonly Socket _socket;
    private SslStream? _tls;
    private byte[] _buffer = new byte[4096];
    private int _start;
    private int _end;

    private WireClient(Socket socket) => _socket = socket;

    public Socket Socket => _socket;

    /// <summary>What was agreed on with a server at a <see cref="SecureEndPoint"/>.</summary>
    public SslStream Tls => _tls ?? throw new InvalidOperationException("It is not over TLS.");

    public static async Task<WireClient> ConnectAsync(IPEndPoint server, Action<Socket>? configure = null)
    {
        var socket = new Socket(server.AddressFamily, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        configure?.Invoke(socket);
        await socket.ConnectAsync(server);
        var client = new WireClient(socket);
        if (server is SecureEndPoint secure)
            await client.SecureAsync(secure.Options);
        return client;
    }

    /// <summary>Connects and completes an opening handshake.</summary>
    public static async Task<WireClient> OpenAsync(
        IPEndPoint server, string path, string headers = "", Action<Socket>? configure = null)
    {
        var client = await ConnectAsync(server, configure);
        await client.SendTextAsync(Handshake(path, headers));
        var head = await client.ReadHeadAsync();
        Assert.That(head, Does.StartWith("HTTP/1.1 101 "));
        return client;
    }

    public static string Handshake(string path, string headers = "") =>
        $"GET {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n" +
        $"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n{headers}\r\n";

    public static byte[] Frame(Opcode opcode, ReadOnlySpan<byte> payload, bool fin = true)
    {
        var frame = new byte[FrameWriter.FrameSize(payload.Length, Role.Client)];
        FrameWriter.WriteMasked(frame, opcode, payload, MaskingKey, fin);
        return frame;
    }

    public static byte[] Frame(Opcode opcode, string payload, bool fin = true) =>
        Frame(opcode, Encoding.UTF8.GetBytes(payload), fin);

    public static byte[] CloseFrame(ushort code, string reason = "") =>
        Frame(Opcode.Close, [(byte)(code >> 8), (byte)code, .. Encoding.UTF8.GetBytes(reason)]);

    public Task SendTextAsync(string text) => SendAsync(Encoding.Latin1.GetBytes(text));

    public Task SendHexAsync(string hex) => SendAsync(Convert.FromHexString(hex.Replace(" ", "", StringComparison.Ordinal)));

    public Task SendFrameAsync(Opcode opcode, string payload, bool fin = true) => SendAsync(Frame(opcode, payload, fin));

    public async Task SendAsync(ReadOnlyMemory<byte> bytes)
    {
        using var patience = new CancellationTokenSource(Patience);
        if (_tls is not null)
            await UnwrapAsync(_tls.WriteAsync(bytes, patience.Token).AsTask());
        else
            while (bytes.Length > 0)
                bytes = bytes[await _socket.SendAsync(bytes, SocketFlags.None, patience.Token)..];
    }

    /// <summary>Ends the sending direction.</summary>
    public async Task ShutdownSendAsync()
    {
        if (_tls is not null)
            await UnwrapAsync(_tls.ShutdownAsync());
        _socket.Shutdown(SocketShutdown.Send);
    }

    /// <summary>Sends in writes of so many bytes; the system does not join them.</summary>
    public async Task SendChoppedAsync(ReadOnlyMemory<byte> bytes, int size)
    {
        for (; bytes.Length > 0; bytes = bytes[Math.Min(size, bytes.Length)..])
            await SendAsync(bytes[..Math.Min(size, bytes.Length)]);
    }

    /// <summary>Sends what it can: a server that has given up on the connection may have reset it.</summary>
    public async Task TrySendAsync(ReadOnlyMemory<byte> bytes)
    {
        try
        {
            await SendAsync(bytes);
        }
        catch (SocketException)
        {
            // The answer that came before the reset is still to be read.
        }
    }

    /// <summary>Reads the head of an HTTP answer, with the empty line.</summary>
    public async Task<string> ReadHeadAsync() =>
        await TryReadHeadAsync()
        ?? throw new AssertionException("the connection ended inside a response head: " + Unread());

    /// <returns>Null if the connection ends before the head does.</returns>
    public async Task<string?> TryReadHeadAsync()
    {
        int end;
        while ((end = _buffer.AsSpan(_start.._end).IndexOf("\r\n\r\n"u8)) < 0)
            if (!await FillAsync())
                return null;
        return Encoding.Latin1.GetString(Take(end + 4));
    }

    /// <summary>Reads a whole HTTP answer with a Content-Length, or without a body.</summary>
    public async Task<(string Head, byte[] Body)> ReadResponseAsync(bool hasBody = true)
    {
        var head = await ReadHeadAsync();
        var length = hasBody ? ContentLength(head) : 0;
        while (_end - _start < length)
            Assert.That(await FillAsync(), Is.True, "the connection ended inside a response body");
        return (head, Take(length));
    }

    public async Task<WireFrame> ReadFrameAsync() =>
        await TryReadFrameAsync() ?? throw new AssertionException("the connection ended where a frame was expected");

    /// <returns>Null at the end of the connection.</returns>
    public async Task<WireFrame?> TryReadFrameAsync()
    {
        FrameHeader header;
        while (!FrameHeader.TryRead(_buffer.AsSpan(_start.._end), out header))
            if (!await FillAsync())
                return null;
        Assert.That(header.IsMasked, Is.False, "RFC 6455 §5.1: a server must not mask");
        Take(header.Size);
        while (_end - _start < header.PayloadLength)
            if (!await FillAsync())
                return null;
        return new WireFrame(
            header.Opcode, Take((int)header.PayloadLength), header.Fin, header.ReservedBits == FrameHeader.Rsv1);
    }

    /// <summary>Reads a close frame with the code, then the end of the connection.</summary>
    public async Task<WireFrame> ExpectCloseAsync(CloseCode code)
    {
        var frame = await ReadFrameAsync();
        Assert.That(frame.Opcode, Is.EqualTo(Opcode.Close), $"got {frame.Opcode} '{frame.Text}'");
        Assert.That(frame.CloseCode, Is.EqualTo(code));
        await ExpectEndAsync();
        return frame;
    }

    /// <summary>Reads a close frame with the code, answers it, and reads the end of the connection.</summary>
    public async Task AnswerCloseAsync(CloseCode code)
    {
        var frame = await ReadFrameAsync();
        Assert.That(frame.Opcode, Is.EqualTo(Opcode.Close), $"got {frame.Opcode} '{frame.Text}'");
        Assert.That(frame.CloseCode, Is.EqualTo(code));
        await SendAsync(CloseFrame((ushort)code));
        await ExpectEndAsync();
    }

    public async Task ExpectEndAsync()
    {
        var ended = !await FillAsync();
        Assert.That(ended, Is.True, "bytes where the end was expected: " + Unread());
    }

    /// <summary>Reads what still comes, and the end behind it.</summary>
    public async Task<byte[]> ReadToEndAsync()
    {
        while (await FillAsync())
            continue;
        return Take(_end - _start);
    }

    /// <summary>Reads until the end or a reset.</summary>
    public async Task ReadUntilOverAsync()
    {
        try
        {
            await ReadToEndAsync();
        }
        catch (SocketException)
        {
            // Reset, which is as much of an end.
        }
    }

    /// <summary>Ends the connection with a reset.</summary>
    public void Reset()
    {
        _socket.LingerState = new LingerOption(true, 0);
        _socket.Dispose();
    }

    public void Dispose()
    {
        _tls?.Dispose();
        _socket.Dispose();
    }

    private static int ContentLength(string head)
    {
        const string Name = "\r\ncontent-length:";
        var at = head.IndexOf(Name, StringComparison.OrdinalIgnoreCase);
        if (at < 0)
            return 0;
        var rest = head[(at + Name.Length)..];
        return int.Parse(rest[..rest.IndexOf('\r', StringComparison.Ordinal)], System.Globalization.CultureInfo.InvariantCulture);
    }

    private string Unread() => Convert.ToHexString(_buffer.AsSpan(_start, Math.Min(_end - _start, 200)));

    private byte[] Take(int count)
    {
        var taken = _buffer.AsSpan(_start, count).ToArray();
        _start += count;
        return taken;
    }

    private async Task<bool> FillAsync()
    {
        if (_start == _end)
            _start = _end = 0;
        if (_end == _buffer.Length)
        {
            var larger = new byte[Math.Max(_buffer.Length, 2 * (_end - _start))];
            _buffer.AsSpan(_start.._end).CopyTo(larger);
            (_buffer, _start, _end) = (larger, 0, _end - _start);
        }

        using var patience = new CancellationTokenSource(Patience);
        try
        {
            var count = await ReceiveAsync(_buffer.AsMemory(_end), patience.Token);
            _end += count;
            return count > 0;
        }
        catch (OperationCanceledException)
        {
            throw new AssertionException("the server sent nothing in time; unread: " + Unread());
        }
    }

    private async Task SecureAsync(SslClientAuthenticationOptions options)
    {
        var tls = new SslStream(new NetworkStream(_socket));
        try
        {
            using var patience = new CancellationTokenSource(Patience);
            await tls.AuthenticateAsClientAsync(options, patience.Token);
            _tls = tls;
        }
        catch
        {
            await tls.DisposeAsync();
            _socket.Dispose();
            throw;
        }
    }

    private async Task<int> ReceiveAsync(Memory<byte> buffer, CancellationToken patience)
    {
        if (_tls is null)
            return await _socket.ReceiveAsync(buffer, SocketFlags.None, patience);
        var receive = _tls.ReadAsync(buffer, patience).AsTask();
        await UnwrapAsync(receive);
        return await receive;
    }

    // A reset is told as it is without TLS.
    private static async Task UnwrapAsync(Task operation)
    {
        try
        {
            await operation;
        }
        catch (IOException e) when (e.GetBaseException() is SocketException reset)
        {
            ExceptionDispatchInfo.Throw(reset);
        }
    }
}
