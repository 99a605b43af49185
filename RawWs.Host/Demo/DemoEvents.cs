using RawWs.Server;

namespace RawWs.Host.Demo;

/// <summary>What the demo pages talk to: the story of the random numbers, the chat, the market.</summary>
internal static class DemoEvents
{
    private const double WarnAbove = 0.95;

    private static readonly TimeSpan WarnAfter = TimeSpan.FromSeconds(1);

    public static void Register(RawWsServer server, Market market, TimeProvider timeProvider) =>
        server.OnConnection(socket =>
        {
            server.Emit("server message", new Notice("client connect server success"));
            socket.Broadcast.Emit("server message", new Notice("broadcast"));

            socket.On<Notice, string>("client message", greeting =>
            {
                socket.Data.Set("greeting", greeting.Msg);
                return "ok";
            });

            var counting = new Lock();
            var warnings = 0;
            socket.On<double>("random", async value =>
            {
                if (value <= WarnAbove)
                    return;
                await Task.Delay(WarnAfter, timeProvider);
                // Two that waited side by side must not overtake each other between the count and its emission.
                lock (counting)
                    socket.Emit("warn", ++warnings);
            });

            socket.On("message", context => socket.Emit("message-back", context.Arguments));
            socket.On<string>("chat", text => socket.Broadcast.Emit("chat", new ChatLine(socket.Id, text)));

            socket.On("quotes subscribe", () =>
            {
                socket.Join(Market.Room);
                return market.Snapshot();
            });
            socket.On<Purchase, Receipt>("buy", purchase =>
            {
                var (receipt, count) = market.Buy(purchase.Name);
                if (count is not null)
                    server.To(Market.Room).Emit("tickets", count);
                return receipt;
            });

            socket.On("disconnect-me", () => socket.Disconnect());
            socket.OnDisconnect(reason => server.Emit("left", new Departure(socket.Id, reason.ToString())));
        });
}
