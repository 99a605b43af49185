using System.Net;
using System.Net.Sockets;

namespace RawWs.Tests.Support;

/// <summary>Which bytes of a connection a fault is about.</summary>
internal enum Direction
{
    ToServer,
    ToClient,
}

/// <summary>What happens to a connection at a byte.</summary>
internal enum FaultKind
{
    /// <summary>What follows comes later by a time.</summary>
    Delay,

    /// <summary>Nothing follows until <see cref="FaultProxy.Resume"/>.</summary>
    Stall,

    /// <summary>What follows comes byte by byte.</summary>
    Split,

    /// <summary>The receiver reads the end; the other direction goes on.</summary>
    HalfClose,

    /// <summary>Both sides read the end.</summary>
    Cut,

    /// <summary>Both sides get a reset.</summary>
    Reset,
}

/// <summary>One fault, behind so many bytes of its direction; the time is that of a delay.</summary>
internal sealed record Fault(FaultKind Kind, Direction Direction, long Offset, TimeSpan Time = default);

/// <summary>A TCP proxy between clients and a server, with faults at chosen bytes.</summary>
internal sealed class FaultProxy : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _ended = new();
    private readonly TaskCompletionSource _resumed = new(TaskCreationOptions.RunContinuationsAsynchronously);
    private readonly IPEndPoint _server;
    private readonly Func<int, IEnumerable<Fault>> _plan;
    private readonly List<Task> _connections = [];
    private readonly Task _accepting;

    // The plan says the faults of each connection, by its number in the order of their coming.
    public FaultProxy(IPEndPoint server, Func<int, IEnumerable<Fault>> plan)
    {
        (_server, _plan) = (server, plan);
        _listener.Start();
        _accepting = AcceptAsync();
    }

    public FaultProxy(IPEndPoint server, params Fault[] faults) : this(server, _ => faults)
    {
    }

    public IPEndPoint EndPoint => (IPEndPoint)_listener.LocalEndpoint;

    /// <summary>Lets what stalls go on.</summary>
    public void Resume() => _resumed.TrySetResult();

    /// <summary>Ends every connection, with a reset, and waits until nothing is left of them.</summary>
    public async ValueTask DisposeAsync()
    {
        await _ended.CancelAsync();
        _listener.Dispose();
        await _accepting;
        await Task.WhenAll(_connections);
        _ended.Dispose();
    }

    private async Task AcceptAsync()
    {
        try
        {
            for (var number = 0; ; number++)
            {
                var client = await _listener.AcceptSocketAsync(_ended.Token);
                _connections.Add(ServeAsync(client, [.. _plan(number)]));
            }
        }
        catch (Exception) when (_ended.IsCancellationRequested)
        {
            // Disposed of.
        }
    }

    private async Task ServeAsync(Socket client, Fault[] faults)
    {
        using var server = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        using (client)
        {
            client.NoDelay = true;
            try
            {
                await server.ConnectAsync(_server, _ended.Token);
                await Task.WhenAll(
                    PumpAsync(client, server, Of(Direction.ToServer)), PumpAsync(server, client, Of(Direction.ToClient)));
            }
            catch (Exception e) when (e is SocketException or OperationCanceledException or ObjectDisposedException)
            {
                // One side has ended with a reset, or is to: the other learns it the same way.
                Reset(client, server);
            }
        }

        Queue<Fault> Of(Direction direction) =>
            new(faults.Where(fault => fault.Direction == direction).OrderBy(fault => fault.Offset));
    }

    private async Task PumpAsync(Socket from, Socket to, Queue<Fault> faults)
    {
        var buffer = new byte[64 * 1024];
        var (passed, isSplit) = (0L, false);
        try
        {
            while (true)
            {
                for (; faults.TryPeek(out var fault) && fault.Offset == passed; faults.Dequeue())
                {
                    isSplit |= fault.Kind == FaultKind.Split;
                    if (!await PassAsync(fault, from, to))
                        return;
                }

                var most = faults.TryPeek(out var next) ? (int)Math.Min(buffer.Length, next.Offset - passed) : buffer.Length;
                var count = await from.ReceiveAsync(buffer.AsMemory(0, most), _ended.Token);
                if (count == 0)
                    break;
                for (var (sent, step) = (0, isSplit ? 1 : count); sent < count; sent += step)
                    await SendAsync(to, buffer.AsMemory(sent, step));
                passed += count;
            }

            to.Shutdown(SocketShutdown.Send);
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            Reset(from, to);
        }
    }

    /// <returns>False if nothing more passes.</returns>
    private async Task<bool> PassAsync(Fault fault, Socket from, Socket to)
    {
        switch (fault.Kind)
        {
            case FaultKind.Delay:
                await Task.Delay(fault.Time, _ended.Token);
                return true;
            case FaultKind.Stall:
                await _resumed.Task.WaitAsync(_ended.Token);
                return true;
            case FaultKind.HalfClose:
                to.Shutdown(SocketShutdown.Send);
                return false;
            case FaultKind.Cut:
                // Both directions end; what is on its way is taken in, so that no reset overtakes the end.
                to.Shutdown(SocketShutdown.Send);
                from.Shutdown(SocketShutdown.Send);
                return false;
            case FaultKind.Reset:
                Reset(from, to);
                return false;
            default:
                return true;
        }
    }

    private async Task SendAsync(Socket to, ReadOnlyMemory<byte> bytes)
    {
        while (bytes.Length > 0)
            bytes = bytes[await to.SendAsync(bytes, SocketFlags.None, _ended.Token)..];
    }

    private static void Reset(params Socket[] sockets)
    {
        foreach (var socket in sockets)
            socket.Close(0);
    }
}
