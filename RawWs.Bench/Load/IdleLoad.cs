namespace RawWs.Bench.Load;

/// <summary>Connections that do nothing: what each keeps resident.</summary>
internal static class IdleLoad
{
    private const int Sample = 100;

    /// <exception cref="LoadException">The server refuses a connection.</exception>
    public static LoadResult Run(LoadCase load, string server, int processId, int port)
    {
        var dialect = LoadDialect.Create(load);
        // What is made once, whatever the number of connections, is not theirs.
        var first = Open(Sample, 0);
        Settle(load);
        var before = ServerUsage.Of(processId).ResidentBytes;
        var rest = Open(load.Connections, Sample);
        Settle(load);
        var after = ServerUsage.Of(processId).ResidentBytes;
        foreach (var socket in first.Concat(rest))
            socket.Dispose();
        return new LoadResult(load, server)
        {
            Count = load.Connections,
            ResidentBytes = after,
            ResidentBytesPerConnection = (double)(after - before) / load.Connections,
        };

        List<LoadSocket> Open(int count, int from) =>
            [.. Enumerable.Range(from, count).Select(i => LoadSocket.Open(port, i, dialect))];
    }

    private static void Settle(LoadCase load) => Thread.Sleep(TimeSpan.FromSeconds(load.WarmUpSeconds));
}
