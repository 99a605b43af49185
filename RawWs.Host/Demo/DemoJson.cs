using System.Text.Json.Serialization;

namespace RawWs.Host.Demo;

/// <summary><c>server message</c> and <c>client message</c>.</summary>
internal sealed record Notice(string Msg);

/// <summary><c>chat</c>, as the others get it.</summary>
internal sealed record ChatLine(string From, string Text);

/// <summary><c>left</c>: who, and the reason in the words of Socket.IO.</summary>
internal sealed record Departure(string Id, string Reason);

/// <summary><c>quote</c>: the price, its change since the start in percent, and Unix milliseconds.</summary>
internal sealed record Quote(string Symbol, decimal Price, decimal Change, long Time);

/// <summary><c>tickets</c>: how many of one event are left.</summary>
internal sealed record TicketCount(string Name, int Remaining, int Total);

/// <summary>The answer to <c>quotes subscribe</c>.</summary>
internal sealed record MarketSnapshot(IReadOnlyList<Quote> Quotes, IReadOnlyList<TicketCount> Tickets);

/// <summary><c>buy</c>.</summary>
internal sealed record Purchase(string Name);

/// <summary>The answer to <c>buy</c>.</summary>
internal sealed record Receipt(bool Ok, int Remaining);

/// <summary>How the demo's arguments become JSON and back, generated at compile time.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(Notice))]
[JsonSerializable(typeof(ChatLine))]
[JsonSerializable(typeof(Departure))]
[JsonSerializable(typeof(Quote))]
[JsonSerializable(typeof(TicketCount))]
[JsonSerializable(typeof(MarketSnapshot))]
[JsonSerializable(typeof(Purchase))]
[JsonSerializable(typeof(Receipt))]
internal sealed partial class DemoJson : JsonSerializerContext;
