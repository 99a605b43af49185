namespace RawWs.Bench.Load;

/// <summary>Puts one load on one server.</summary>
internal static class LoadRunner
{
    // Of the one core that a server has: whoever has more time left was not saturated. That of a server which costs less
    // than its clients never is quite.
    private const double LeastBusy = 0.8;

    // A server that is warm already gets used to another pace.
    private const double SettleSeconds = 1;

    /// <exception cref="LoadException">The server does something wrong.</exception>
    public static LoadResult Run(LoadCase load, string server, int processId, int port)
    {
        switch (load.Scenario)
        {
            case LoadScenario.Connect:
                return ConnectLoad.Run(load, server, processId, port);
            case LoadScenario.Idle:
                return IdleLoad.Run(load, server, processId, port);
            case var _ when load.RateOfSaturation > 0:
                return Generate(AtShareOfSaturation(load, server, processId, port), server, processId, port);
            default:
                return Generate(load, server, processId, port);
        }
    }

    /// <summary>Saturates the server, which warms it up too, to know what the load's share of that is.</summary>
    /// <returns>The same load with its rate.</returns>
    /// <exception cref="LoadException">The server does something wrong, or is not saturated.</exception>
    public static LoadCase AtShareOfSaturation(LoadCase load, string server, int processId, int port)
    {
        var saturated = Generate(load with { RateOfSaturation = 0 }, server, processId, port);
        var busy = saturated.PerSecond * saturated.CpuMicroseconds / 1_000_000;
        if (busy < LeastBusy)
            throw new LoadException($"{server} was busy for {busy:P0} of the time only: the clients, or the machine, are too busy.");
        return load with { Rate = (int)(saturated.PerSecond * load.RateOfSaturation), WarmUpSeconds = SettleSeconds };
    }

    private static LoadResult Generate(LoadCase load, string server, int processId, int port)
    {
        using var generator = new LoadGenerator(load, port);
        return generator.Run(server, processId);
    }
}
