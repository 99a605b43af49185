using System.Net;
using System.Net.Sockets;
using RawWs.Server.Diagnostics;
using RawWs.Server.Transport.Loops;

namespace RawWs.Server.Transport;

/// <summary>The accept loop: it outlives every fault of a single accept, and backs off while handles are exhausted.</summary>
internal sealed class Listener(ServerContext context, IPEndPoint endPoint) : IDisposable
{
    private static readonly TimeSpan FirstBackoff = TimeSpan.FromMilliseconds(10);
    private static readonly TimeSpan LongestBackoff = TimeSpan.FromMilliseconds(500);

    private readonly TcpListener _listener = new(endPoint);
    private readonly CancellationTokenSource _stopping = new();
    private EventLoops? _loops;
    private Task _accepting = Task.CompletedTask;

    /// <exception cref="SocketException">The address is in use, or not one of this machine.</exception>
    public IPEndPoint Start()
    {
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

        // The loop must not run inside the caller of Start, nor handlers in what is ambient there.
        using (ExecutionContext.SuppressFlow())
            _accepting = Task.Run(AcceptAsync);
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
        _stopping.Dispose();
    }

    private async Task AcceptAsync()
    {
        var stopping = _stopping.Token;
        var backoff = FirstBackoff;
        while (!stopping.IsCancellationRequested)
        {
            try
            {
                await context.Connections.WaitForFewerThanAsync(context.Options.MaxConnections, stopping)
                    .ConfigureAwait(false);
                Serve(await _listener.AcceptSocketAsync(stopping).ConfigureAwait(false));
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
                await Task.Delay(backoff, context.TimeProvider, stopping)
                    .ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
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
            Log.AcceptFailed(context.Logger, fault.Message, backoff);
        }
        catch (Exception)
        {
            // There is nobody left to tell.
        }
    }

    private void Serve(Socket socket)
    {
        try
        {
            if (_loops is null)
                ServeOnPool(new SocketTransport(socket));
            else
                ServeOnLoop(new LoopTransport(socket, _loops.Next()));
        }
        catch (SocketException)
        {
            // Reset between its accept and now.
            socket.Dispose();
        }
    }

    // A slow handler never holds up the accept loop: it runs on a thread of the pool…
    private void ServeOnPool(ByteTransport transport)
    {
        context.Metrics.ConnectionAccepted();
        ThreadPool.UnsafeQueueUserWorkItem(new HttpConnection(context, transport), preferLocal: false);
    }

    // …or on the thread of its event loop, which brings the first bytes.
    private void ServeOnLoop(LoopTransport transport)
    {
        context.Metrics.ConnectionAccepted();
        new HttpConnection(context, transport).Start();
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
}
