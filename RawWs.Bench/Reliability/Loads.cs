namespace RawWs.Bench.Reliability;

/// <summary>The loads by name; each prints figures beside what is promised, and ends with 1 if a promise is broken.</summary>
internal static class Loads
{
    /// <returns>Null if the first word is none of them.</returns>
    public static async Task<int?> TryRunAsync(string[] args)
    {
        try
        {
            switch (args)
            {
                case ["connections", .. var options]:
                    return await Crowd.HoldAsync(options);
                case ["storm", .. var options]:
                    return await Crowd.StormAsync(options);
                case ["stalled", .. var options]:
                    return await Stalled.RunAsync(options);
                case ["shutdown", .. var options]:
                    return await Shutdown.RunAsync(options);
                case ["soak", .. var options]:
                    return await Soak.RunAsync(options);
                case [Shutdown.ServerVerb]:
                    return await Shutdown.ServeAsync();
                case [ClientProcess.Verb, var part, .. var numbers]:
                    await RunClientsAsync(part, [.. numbers.Select(number => int.Parse(number, null))]);
                    return 0;
                default:
                    return null;
            }
        }
        catch (ArgumentException e)
        {
            await Console.Error.WriteLineAsync(e.Message);
            return 2;
        }
    }

    private static async Task RunClientsAsync(string part, int[] numbers)
    {
        switch (part)
        {
            case "hold":
                await Crowd.HoldClientsAsync(numbers[0]);
                break;
            case "storm":
                await Crowd.StormClientsAsync(numbers[0]);
                break;
            case "stalled":
                await Stalled.RunClientsAsync(numbers[0], numbers[1]);
                break;
            default:
                await SoakClients.RunAsync(numbers[0], numbers[1]);
                break;
        }
    }
}
