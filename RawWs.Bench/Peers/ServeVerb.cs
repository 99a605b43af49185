namespace RawWs.Bench.Peers;

/// <summary>The command <c>serve</c>: one of the .NET servers that are compared, until it is killed.</summary>
internal static class ServeVerb
{
    public const string Name = "serve";

    /// <summary>The longest message that every server takes.</summary>
    public const int MaxMessageBytes = 16 * 1024 * 1024;

    /// <summary>Where <see cref="Block"/> is called for every message before it is echoed.</summary>
    public const string BlockingPath = "/block";

    /// <summary>Connections that may wait to be accepted: more than a load opens at once.</summary>
    public const int Backlog = 4096;

    /// <summary>What a handler does that blocks its thread: it waits, and does not await.</summary>
    public static void Block() => Thread.Sleep(TimeSpan.FromMilliseconds(100));

    public static async Task<int> RunAsync(string peer)
    {
        Task<int>? starting = peer switch
        {
            "rawws" => RawWsPeer.StartAsync(),
            "kestrel" => KestrelPeer.StartAsync(),
            "signalr" => SignalRPeer.StartAsync(),
            // The runtime is told by its environment whether it handles completions inline.
            "tcp" or "tcp-inline" => TcpPeer.StartAsync(),
            _ => null,
        };
        if (starting is null)
        {
            await Console.Error.WriteLineAsync($"usage: {Name} rawws|kestrel|signalr|tcp|tcp-inline");
            return 2;
        }

        var port = await starting;
        Console.WriteLine($"{PeerServer.Announcement}http://127.0.0.1:{port}");
        await Task.Delay(Timeout.Infinite);
        return 0;
    }
}
