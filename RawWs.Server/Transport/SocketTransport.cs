using System.Net;
using System.Net.Sockets;

namespace RawWs.Server.Transport;

/// <summary>A plain TCP socket as transport: no stream in between, no allocation per operation.</summary>
internal sealed class SocketTransport : ByteTransport
{
    private readonly Socket _socket;

    public SocketTransport(Socket socket)
    {
        _socket = socket;
        // Messages are coalesced in the outbox; the system must not wait for more of them.
        _socket.NoDelay = true;
        RemoteEndPoint = socket.RemoteEndPoint;
    }

    public override EndPoint? RemoteEndPoint { get; }

    public override bool IsSecure => false;

    public override bool IsReadable => _socket.Poll(0, SelectMode.SelectRead);

    public override ValueTask<int> ReceiveAsync(Memory<byte> buffer, CancellationToken cancellationToken) =>
        _socket.ReceiveAsync(buffer, SocketFlags.None, cancellationToken);

    public override ValueTask SendAsync(ReadOnlyMemory<byte> buffer)
    {
        var send = _socket.SendAsync(buffer, SocketFlags.None);
        if (!send.IsCompletedSuccessfully)
            return AwaitAsync(send);
        send.GetAwaiter().GetResult();
        return ValueTask.CompletedTask;
    }

    public override void ShutdownSend() => Shutdown(_socket, SocketShutdown.Send);

    public override void ShutdownReceive() => Shutdown(_socket, SocketShutdown.Receive);

    public override void Close() => _socket.Dispose();

    /// <summary>Ends one direction, unless the connection has ended already.</summary>
    public static void Shutdown(Socket socket, SocketShutdown direction)
    {
        try
        {
            socket.Shutdown(direction);
        }
        catch (SocketException)
        {
            // The peer has already reset the connection: there is nothing left to shut down.
        }
        catch (ObjectDisposedException)
        {
            // A timeout has closed the socket in the meantime.
        }
    }

    private static async ValueTask AwaitAsync(ValueTask<int> send) => await send.ConfigureAwait(false);
}
