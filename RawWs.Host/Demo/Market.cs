namespace RawWs.Host.Demo;

/// <summary>Prices that wander and tickets that sell, made up as they go.</summary>
internal sealed class Market(TimeProvider timeProvider)
{
    /// <summary>Who wants to hear of it is in this room.</summary>
    public const string Room = "quotes";

    private readonly Lock _lock = new();
    private readonly Random _random = new();

    private readonly Stock[] _stocks =
        [new("ALPHA", 128.40m), new("BRAVO", 54.10m), new("CHARLIE", 311.75m), new("DELTA", 8.92m)];

    private readonly Event[] _events =
        [new("Open air", 400), new("Chamber concert", 120), new("Night at the museum", 60)];


    public MarketSnapshot Snapshot()
    {
        lock (_lock)
            return new MarketSnapshot([.. _stocks.Select(ToQuote)], [.. _events.Select(ToCount)]);
    }

    /// <summary>Moves one price.</summary>
    public Quote NextQuote()
    {
        lock (_lock)
        {
            var stock = _stocks[_random.Next(_stocks.Length)];
            var step = (decimal)((_random.NextDouble() - 0.5) * 0.01);
            stock.Price = Math.Max(0.01m, Math.Round(stock.Price * (1 + step), 2));
            return ToQuote(stock);
        }
    }

    /// <summary>Sells one ticket to nobody in particular; an event that is sold out starts anew.</summary>
    public TicketCount NextSale()
    {
        lock (_lock)
        {
            var sold = _events[_random.Next(_events.Length)];
            sold.Remaining = sold.Remaining == 0 ? sold.Total : sold.Remaining - 1;
            return ToCount(sold);
        }
    }

    /// <returns>The receipt, and the new count if a ticket was sold.</returns>
    public (Receipt Receipt, TicketCount? Count) Buy(string name)
    {
        lock (_lock)
        {
            if (Array.Find(_events, e => e.Name == name) is not { Remaining: > 0 } sold)
                return (new Receipt(false, 0), null);
            sold.Remaining--;
            return (new Receipt(true, sold.Remaining), ToCount(sold));
        }
    }

    private static TicketCount ToCount(Event sold) => new(sold.Name, sold.Remaining, sold.Total);

    private Quote ToQuote(Stock stock) => new(
        stock.Symbol,
        stock.Price,
        Math.Round((stock.Price / stock.Start - 1) * 100, 2),
        timeProvider.GetUtcNow().ToUnixTimeMilliseconds());

    private sealed class Stock(string symbol, decimal start)
    {
        public string Symbol { get; } = symbol;

        public decimal Start { get; } = start;

        public decimal Price { get; set; } = start;
    }

    private sealed class Event(string name, int total)
    {
        public string Name { get; } = name;

        public int Total { get; } = total;

        public int Remaining { get; set; } = total;
    }
}
