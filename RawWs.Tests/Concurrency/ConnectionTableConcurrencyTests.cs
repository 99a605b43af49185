using CsCheck;
using RawWs.Server.Transport;
using RawWs.Tests.Support;
using Gen = CsCheck.Gen;

namespace RawWs.Tests.Concurrency;

/// <summary>The table of connections while they come, grow into WebSockets, go, and the server stops.</summary>
public sealed class ConnectionTableConcurrencyTests
{
    [Test]
    public void Steps_of_several_threads_are_those_of_one_in_some_order() =>
        Gen.Const(() => new Counted()).SampleParallel(
            [
                Gen.Int[0, 3].Operation<Counted>(i => $"add {i}", (table, i) => table.Add(i)),
                Gen.Int[0, 3].Operation<Counted>(i => $"remove {i}", (table, i) => table.Remove(i)),
            ],
            equal: (one, other) => one.ToString() == other.ToString(),
            print: table => table.ToString(),
            maxSequentialOperations: 30,
            iter: LongRun.Or(50, 5_000),
            threads: 2);

    [Test]
    public void No_WebSocket_that_comes_while_the_server_stops_is_forgotten()
    {
        for (int round = 0; round < LongRun.Or(50, 5_000); round++)
        {
            using var table = new ConnectionTable(TimeProvider.System, TimeSpan.FromHours(1), _ => { });
            Connection[][] sockets = [.. Enumerable.Range(0, 3).Select(_ =>
                Enumerable.Range(0, 20).Select(_ => new Connection()).ToArray())];
            using var start = new Barrier(sockets.Length + 1);
            Thread[] threads = [.. sockets.Select(own => new Thread(() =>
            {
                start.SignalAndWait();
                foreach (Connection socket in own)
                    table.Replace(table.Add(new Connection()), socket);
            }))];
            foreach (Thread thread in threads)
                thread.Start();
            start.SignalAndWait();
            table.StopAll();
            foreach (Thread thread in threads)
                thread.Join();
            Assert.That(table.Count, Is.EqualTo(60));
            Assert.That(sockets.SelectMany(own => own).Select(socket => socket.Stops), Is.All.Positive);
        }
    }

    private sealed class Connection : ITimedConnection
    {
        private int _stops;

        public int Stops => Volatile.Read(ref _stops);

        public void OnTick(long now)
        {
        }

        public void Stop() => Interlocked.Increment(ref _stops);

        public void Abort()
        {
        }
    }

    /// <summary>A table of which each place here holds at most one connection.</summary>
    private sealed class Counted : IDisposable
    {
        private readonly ConnectionTable _table = new(TimeProvider.System, TimeSpan.FromHours(1), _ => { });
        private readonly int?[] _slots = new int?[4];
        private readonly Lock[] _locks = [new(), new(), new(), new()];

        public void Dispose() => _table.Dispose();

        public void Add(int place)
        {
            lock (_locks[place])
                _slots[place] ??= _table.Add(new Connection());
        }

        public void Remove(int place)
        {
            lock (_locks[place])
            {
                if (_slots[place] is { } slot)
                    _table.Remove(slot);
                _slots[place] = null;
            }
        }

        // Which slots there are is the table's business; that no two share one is not.
        public override string ToString()
        {
            int[] used = [.. _slots.Where(slot => slot is not null).Select(slot => slot!.Value)];
            return $"{_table.Count} {used.Distinct().Count()} {string.Join(' ', _slots.Select(slot => slot is not null))}";
        }
    }
}
