using System.Diagnostics;
using RawWs.Server.Transport.Loops;

namespace RawWs.Bench.Load;

/// <summary>
/// The clients of one load: all connections on one thread, which looks for whatever comes and answers at once. It costs a
/// call of the system for a read and one for a write, and little beside.
/// </summary>
/// <remarks>
/// The thread never sleeps. One that does must be woken, on loopback by whoever sends to it: the slower a server, or the
/// faster its clients, the more of that it would pay, and clients on other machines cost it nothing of the kind.
/// </remarks>
internal sealed class LoadGenerator : IDisposable
{
    private const int BufferBytes = 256 * 1024;
    private const int MaxBatchBytes = 1024 * 1024;

    // Between two looks, about a microsecond and more: to look takes a lock that the server's sends take too.
    private const int Spins = 100;

    // Messages of an open loop that no answer has come to yet, for each connection.
    private const int MaxBehind = 16 * 1024;

    // Without a sign of life for so long, a server hangs.
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(10);

    private readonly LoadCase _load;
    private readonly LoadDialect _dialect;
    private readonly LoadSocket[] _sockets;
    private readonly long[] _sent;
    private readonly long[][] _sentAt;
    private readonly int[] _missing;
    private readonly Epoll _epoll = new();
    private readonly byte[] _buffer = new byte[BufferBytes];
    private readonly byte[] _frames;
    private readonly int _batch;

    // The same in every run.
    private readonly Random _chance = new(1);
    private LatencyHistogram _latencies = new();
    private long _count;
    private long _due;
    private long _idleTicks;

    /// <summary>Opens the connections.</summary>
    /// <exception cref="LoadException">The server refuses one.</exception>
    public LoadGenerator(LoadCase load, int port)
    {
        _load = load;
        _dialect = LoadDialect.Create(load);
        _batch = Math.Clamp(MaxBatchBytes / _dialect.FrameBytes, 1, load.InFlight);
        _frames = new byte[_batch * _dialect.FrameBytes];
        _sockets = new LoadSocket[load.Connections];
        _sent = new long[load.Connections];
        _sentAt = new long[IsFanOut ? 1 : load.Connections][];
        _missing = new int[load.InFlight];
        var blocking = LoadDialect.Create(load, isBlocking: true);
        for (var i = 0; i < load.Connections; i++)
        {
            _sockets[i] = LoadSocket.Open(port, i, i < load.Blocking ? blocking : _dialect);
            if (!IsFanOut)
                _sent[i] = _sockets[i].Expected = (long)i << 40;
            _epoll.Watch(_sockets[i].Socket.SafeHandle, (ulong)i);
        }

        for (var i = 0; i < _sentAt.Length; i++)
            _sentAt[i] = new long[load.Rate > 0 ? MaxBehind : load.InFlight];
    }

    private bool IsFanOut => _load.Scenario == LoadScenario.FanOut;

    /// <summary>Loads the server, first to warm it up.</summary>
    /// <exception cref="LoadException">It does something wrong, or nothing any more.</exception>
    public LoadResult Run(string server, int processId)
    {
        _due = Stopwatch.GetTimestamp();
        if (_load.Rate == 0)
            for (var i = 0; i < _sentAt.Length; i++)
                SendNext(i, _load.InFlight, _due);
        RunFor(_load.WarmUpSeconds);

        (_count, _latencies, _idleTicks) = (0, new(), 0);
        var (before, clientBefore) = (ServerUsage.Of(processId), ServerUsage.Of(Environment.ProcessId));
        var start = Stopwatch.GetTimestamp();
        RunFor(_load.Seconds);
        var seconds = Stopwatch.GetElapsedTime(start).TotalSeconds;
        var (after, clientAfter) = (ServerUsage.Of(processId), ServerUsage.Of(Environment.ProcessId));
        return new LoadResult(_load, server)
        {
            Count = _count,
            Seconds = seconds,
            CpuMicroseconds = (after.CpuTime - before.CpuTime).TotalMicroseconds / _count,
            // Looking in vain is not work; where others had the core meanwhile, it took no processor time either.
            ClientCpuMicroseconds = Math.Max(
                0,
                (clientAfter.CpuTime - clientBefore.CpuTime - Stopwatch.GetElapsedTime(0, _idleTicks)).TotalMicroseconds / _count),
            Latencies = _latencies,
            ResidentBytes = after.ResidentBytes,
        };
    }

    public void Dispose()
    {
        foreach (var socket in _sockets)
            socket?.Dispose();
        _epoll.Dispose();
    }

    private void RunFor(double seconds)
    {
        var end = Stopwatch.GetTimestamp() + (long)(seconds * Stopwatch.Frequency);
        var (heardAt, heard) = (Stopwatch.GetTimestamp(), _count);
        while (true)
        {
            var now = Stopwatch.GetTimestamp();
            if (now >= end)
                return;
            if (_load.Rate > 0)
                SendDue(now);
            if (_count != heard)
                (heardAt, heard) = (now, _count);
            else if (Stopwatch.GetElapsedTime(heardAt, now) > s_patience)
                throw new LoadException("The server says nothing any more.");

            var count = _epoll.Wait(0);
            if (count == 0)
            {
                Thread.SpinWait(Spins);
                _idleTicks += Stopwatch.GetTimestamp() - now;
            }

            for (var i = 0; i < count; i++)
            {
                if (!_epoll.TryGet(i, out var key, out var events))
                    continue;
                if (events.HasFlag(EpollEvents.Out))
                    _sockets[key].Flush();
                if (events != EpollEvents.Out)
                    Receive((int)key);
            }
        }
    }

    private void Receive(int index)
    {
        var socket = _sockets[index];
        int count;
        do
        {
            count = socket.Receive(_buffer);
            var first = socket.Expected;
            var answers = socket.Take(_buffer.AsSpan(0, count));
            if (answers == 0)
                continue;
            _count += answers;
            var now = Stopwatch.GetTimestamp();
            if (IsFanOut)
                TakeDeliveries(first, answers, now);
            else
                TakeEchoes(index, first, answers, now);
        }
        while (count == BufferBytes);
    }

    private void TakeEchoes(int index, long first, int answers, long now)
    {
        var sentAt = _sentAt[index];
        for (var number = first; number < first + answers && index >= _load.Blocking; number++)
            _latencies.Add(Nanoseconds(now - sentAt[number % sentAt.Length]));
        if (_load.Rate == 0)
            SendNext(index, answers, now);
    }

    // A message that all have makes room for the next.
    private void TakeDeliveries(long first, int answers, long now)
    {
        var done = 0;
        for (var number = first; number < first + answers; number++)
        {
            var slot = number % _load.InFlight;
            _latencies.Add(Nanoseconds(now - _sentAt[0][slot]));
            if (--_missing[slot] == 0)
                done++;
        }

        SendNext(0, done, now);
    }

    private void SendDue(long now)
    {
        var step = (double)Stopwatch.Frequency / _load.Rate;
        for (; _due <= now; _due += (long)step)
        {
            // By chance, as clients that know nothing of each other: now and then two handlers block at a time.
            var index = _chance.Next(_sockets.Length);
            if (_sent[index] - _sockets[index].Expected >= MaxBehind)
                throw new LoadException($"The server cannot keep up with {_load.Rate} messages a second.");
            SendNext(index, 1, _due);
        }
    }

    private void SendNext(int index, int count, long at)
    {
        var sentAt = _sentAt[index];
        while (count > 0)
        {
            var batch = Math.Min(count, _batch);
            for (var i = 0; i < batch; i++)
            {
                var number = _sent[index]++;
                sentAt[number % sentAt.Length] = at;
                if (IsFanOut)
                    _missing[number % _missing.Length] = _sockets.Length;
                _dialect.WriteFrame(_frames.AsSpan(i * _dialect.FrameBytes, _dialect.FrameBytes), number);
            }

            _sockets[index].Send(_frames.AsSpan(0, batch * _dialect.FrameBytes));
            count -= batch;
        }
    }

    private static long Nanoseconds(long ticks) => (long)(ticks * (1e9 / Stopwatch.Frequency));
}
