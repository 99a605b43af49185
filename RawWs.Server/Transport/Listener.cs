using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using RawWs.Server.Diagnostics;
using RawWs.Server.Transport.Limits;
using RawWs.Server.Transport.Loops;
using RawWs.Server.Transport.Tls;

namespace RawWs.Server.Transport;

/// <summary>The accept loop: it outlives every fault of a single accept, and backs off while handles are exhausted.</summary>
internal sealed class Listener(ServerContext context, IPEndPoint endPoint) : IDisposable
{
    private static readonly TimeSpan FirstBackoff = TimeSpan.FromMilliseconds(10);
    private static readonly TimeSpan LongestBackoff = TimeSpan.FromMilliseconds(500);

    private readonly TcpListener _listener = new(endPoint);
    private readonly HandleReserve _handles = new(context.Options.ReservedHandles);
    private readonly CancellationTokenSource _stopping = new();
    private readonly LogThrottle _reports = new(context.TimeProvider, context.Options.LimitLogInterval);
    private EventLoops? _loops;
    private TlsEndpoint? _tls;
    private Task _accepting = Task.CompletedTask;

    /// <exception cref="SocketException">The address is in use, or not one of this machine.</exception>
    /// <exception cref="CryptographicException">A certificate cannot be used.</exception>
    public IPEndPoint Start()
    {
        _tls = TlsEndpoint.TryStart(context);
        if (endPoint.Address.Equals(IPAddress.IPv6Any))
            _listener.Server.DualMode = true;
        _loops = EventLoops.TryStart(context);
        try
        {
            _listener.Start(context.Options.Backlog);
        }
        catch
        {
            Dispose();
            throw;
        }

        // On a thread of its own: handlers that block those of the pool keep nobody out. Nor may handlers run in
        // what is ambient in the caller of Start.
        using (ExecutionContext.SuppressFlow())
            _accepting = Task.Factory.StartNew(
                Accept, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);
        return (IPEndPoint)_listener.LocalEndpoint;
    }

    /// <summary>Stops accepting; completes when no connection can come any more.</summary>
    public async Task StopAsync()
    {
        await _stopping.CancelAsync().ConfigureAwait(false);
        _listener.Stop();
        await _accepting.ConfigureAwait(false);
    }

    public void Dispose()
    {
        _listener.Dispose();
        _loops?.Dispose();
        _tls?.Dispose();
        _stopping.Dispose();
    }

    private void Accept()
    {
        var stopping = _stopping.Token;
        var backoff = FirstBackoff;
        while (!stopping.IsCancellationRequested)
        {
            try
            {
                if (context.Connections.Count >= context.Options.MaxConnections)
                    context.Limits.Reached(LimitKind.Connections);
                // At the limit new connections wait in the backlog: a short burst then loses nothing, and a long one is
                // turned away by the system at no cost.
                context.Connections.WaitForFewerThan(context.Options.MaxConnections, stopping);
                _handles.ThrowIfReached();
                var socket = _listener.AcceptSocket();
                _handles.OnAccepted(socket);
                Serve(socket);
                backoff = FirstBackoff;
            }
            catch (Exception) when (stopping.IsCancellationRequested)
            {
                return;
            }
            catch (SocketException e) when (e.SocketErrorCode is SocketError.ConnectionReset or SocketError.ConnectionAborted)
            {
                // The peer gave up while it waited in the backlog.
            }
            catch (Exception e)
            {
                // Handles or memory are exhausted: connections that end will free some.
                Report(e, backoff);
                stopping.WaitHandle.WaitOne(backoff);
                backoff = backoff < LongestBackoff / 2 ? backoff * 2 : LongestBackoff;
            }
        }
    }

    // Whoever lacks handles may fail to load what a log needs, too: nothing of that may end the accept loop.
    private void Report(Exception fault, TimeSpan backoff)
    {
        try
        {
            context.Metrics.Failed("accept");
            if (_reports.TryPass(out var suppressed))
                Log.AcceptFailed(context.Logger, fault.Message, backoff, suppressed);
        }
        catch (Exception)
        {
            // There is nobody left to tell.
        }
    }

    private void Serve(Socket socket)
    {
        ConnectionLimits? limits = null;
        try
        {
            if (!context.Admission.TryAdmit(socket, out limits))
                return;
            if (_loops is null)
                ServeOnPool(new SocketTransport(socket), limits);
            else
                ServeOnLoop(new LoopTransport(socket, _loops.Next()), limits);
        }
        catch (SocketException)
        {
            // Reset between its accept and now.
            limits?.Leave();
            socket.Dispose();
        }
    }

    // A slow handler never holds up the accept loop: it runs on a thread of the pool…
    private void ServeOnPool(ByteTransport transport, ConnectionLimits? limits)
    {
        context.Metrics.ConnectionAccepted();
        ThreadPool.UnsafeQueueUserWorkItem(Create(transport, limits), preferLocal: false);
    }

    // …or on the thread of its event loop, which brings the first bytes.
    private void ServeOnLoop(LoopTransport transport, ConnectionLimits? limits)
    {
        context.Metrics.ConnectionAccepted();
        Create(transport, limits).Start();
        try
        {
            transport.Start();
        }
        catch
        {
            transport.Close();
            throw;
        }
    }

    private HttpConnection Create(ByteTransport transport, ConnectionLimits? limits) =>
        new(context, _tls?.Secure(transport) ?? transport, limits);
}
