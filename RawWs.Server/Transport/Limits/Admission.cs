using System.Net;
using System.Net.Sockets;
using RawWs.Server.Diagnostics;

namespace RawWs.Server.Transport.Limits;

/// <summary>Decides at accept, before a connection costs anything, whether it is taken in.</summary>
internal sealed class Admission(ServerContext context)
{
    private static readonly byte[] s_unavailable =
        "HTTP/1.1 503 Service Unavailable\r\nRetry-After: 1\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"u8.ToArray();

    private static readonly byte[] s_tooMany =
        "HTTP/1.1 429 Too Many Requests\r\nRetry-After: 1\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"u8.ToArray();

    private readonly bool _hasLimits =
        context.Addresses is not null || context.Options.RateLimits.AnyPerConnection;

    public PendingHandshakes Handshakes { get; } = new();

    /// <summary>Takes a connection in, or refuses it: then it is told and closed. Called by the accept loop alone.</summary>
    /// <param name="socket">The connection.</param>
    /// <param name="limits">Its limits; null if it has none.</param>
    public bool TryAdmit(Socket socket, out ConnectionLimits? limits)
    {
        limits = null;
        if (Check(socket.RemoteEndPoint, ref limits) is not { } refusal)
            return true;
        context.Limits.Reached(refusal, (socket.RemoteEndPoint as IPEndPoint)?.Address);
        Refuse(socket, AnswerTo(refusal));
        return false;
    }

    /// <summary>What a peer is told that is kept out.</summary>
    public static int StatusOf(LimitKind refusal) => refusal == LimitKind.AddressConnections ? 429 : 503;

    private static byte[] AnswerTo(LimitKind refusal) => StatusOf(refusal) == 429 ? s_tooMany : s_unavailable;

    private LimitKind? Check(EndPoint? peer, ref ConnectionLimits? limits)
    {
        var address = (peer as IPEndPoint)?.Address;
        if (_hasLimits)
        {
            limits = new ConnectionLimits(context);
            // Whom a trusted proxy speaks for is known with the first request.
            if (address is not null && !context.IsTrustedProxy(address) && limits.TryEnter(address) is { } refusal)
                return refusal;
        }

        if (context.Options.MaxHandshakes is not (> 0 and var most) || Handshakes.Count < most)
            return null;
        // Whoever opens connections and says nothing must keep nobody out.
        if (!Handshakes.TryMakeRoom(context.Now))
        {
            limits?.Leave();
            return LimitKind.Handshakes;
        }

        context.Limits.Reached(LimitKind.Handshakes, address);
        return null;
    }

    // The send buffer of a new connection is empty, so the answer never waits. What the peer has sent already is taken
    // in, or the close would be a reset that destroys the answer; what it sends later meets one. To wait for that would
    // cost what the refusal is to save.
    private void Refuse(Socket socket, byte[] answer)
    {
        try
        {
            socket.Blocking = false;
            Span<byte> unread = stackalloc byte[2048];
            socket.Receive(unread, SocketFlags.None, out _);
            // Before its handshake a TLS client understands nothing but the end.
            if (context.Options.Tls is null)
                socket.Send(answer, SocketFlags.None, out _);
            socket.Shutdown(SocketShutdown.Send);
        }
        catch (SocketException)
        {
            // The peer has gone already.
        }
        finally
        {
            socket.Dispose();
        }
    }
}
