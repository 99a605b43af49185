using System.Diagnostics;
using System.Net.Sockets;
using RawWs.Protocol.WebSockets;

namespace RawWs.Bench.Load;

/// <summary>Connections that come and go: TCP, upgrade, close frames both ways, the end by the server.</summary>
internal static class ConnectLoad
{
    private static int s_index;

    /// <exception cref="LoadException">The server does something wrong.</exception>
    public static LoadResult Run(LoadCase load, string server, int processId, int port)
    {
        var dialect = LoadDialect.Create(load);
        var close = new byte[FrameWriter.FrameSize(sizeof(ushort), Role.Client)];
        FrameWriter.WriteMasked(close, Opcode.Close, [0x03, 0xE8], maskingKey: 0x0102_0304);
        using var stop = new CancellationTokenSource();
        long count = 0;
        Exception? failure = null;
        var threads = Enumerable.Range(0, load.Connections).Select(_ => new Thread(Cycle)).ToList();
        threads.ForEach(thread => thread.Start());
        Thread.Sleep(TimeSpan.FromSeconds(load.WarmUpSeconds));
        var (before, countBefore) = (ServerUsage.Of(processId), Interlocked.Read(ref count));
        var start = Stopwatch.GetTimestamp();
        Thread.Sleep(TimeSpan.FromSeconds(load.Seconds));
        var (after, countAfter) = (ServerUsage.Of(processId), Interlocked.Read(ref count));
        var seconds = Stopwatch.GetElapsedTime(start).TotalSeconds;
        stop.Cancel();
        threads.ForEach(thread => thread.Join());
        if (failure is not null)
            throw new LoadException(failure.Message);
        return new LoadResult(load, server)
        {
            Count = countAfter - countBefore,
            Seconds = seconds,
            CpuMicroseconds = (after.CpuTime - before.CpuTime).TotalMicroseconds / (countAfter - countBefore),
            ResidentBytes = after.ResidentBytes,
        };

        void Cycle()
        {
            try
            {
                while (!stop.IsCancellationRequested && failure is null)
                {
                    ComeAndGo(port, dialect, close);
                    Interlocked.Increment(ref count);
                }
            }
            catch (Exception e) when (e is LoadException or SocketException)
            {
                failure = e;
            }
        }
    }

    private static void ComeAndGo(int port, LoadDialect dialect, byte[] close)
    {
        using var connection = LoadSocket.Open(port, Interlocked.Increment(ref s_index), dialect);
        connection.Socket.Blocking = true;
        connection.Socket.Send(close);
        Span<byte> answer = stackalloc byte[64];
        var read = 0;
        while (connection.Socket.Receive(answer[read..]) is > 0 and var more)
            read += more;
        if (!FrameHeader.TryRead(answer[..read], out var header) || header.Opcode != Opcode.Close)
            throw new LoadException("A connection ended without a close frame.");
    }
}
