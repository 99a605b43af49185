using Microsoft.Extensions.Hosting;
using RawWs.Server;

namespace RawWs.Host.Demo;

/// <summary>Pushes the market to whoever is in its room, without being asked.</summary>
internal sealed class MarketFeed(RawWsServer server, Market market, TimeProvider timeProvider) : BackgroundService
{
    private static readonly TimeSpan Period = TimeSpan.FromMilliseconds(250);

    // Tickets sell more slowly than prices move.
    private const int QuotesPerSale = 6;

    protected override async Task ExecuteAsync(CancellationToken stoppingToken)
    {
        using var timer = new PeriodicTimer(Period, timeProvider);
        var audience = server.To(Market.Room);
        for (var quotes = 1; await timer.WaitForNextTickAsync(stoppingToken); quotes++)
        {
            audience.Emit("quote", market.NextQuote());
            if (quotes % QuotesPerSale == 0)
                audience.Emit("tickets", market.NextSale());
        }
    }
}
