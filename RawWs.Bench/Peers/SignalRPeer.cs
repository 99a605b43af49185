using System.Text.Json;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Http.Connections;
using Microsoft.AspNetCore.SignalR;
using Microsoft.Extensions.DependencyInjection;

namespace RawWs.Bench.Peers;

/// <summary>
/// ASP.NET Core SignalR over JSON at <c>/hub</c>, WebSockets only, for clients that skip the negotiation.
/// </summary>
internal static class SignalRPeer
{
    // An idle connection stays one, whatever its client says of itself.
    private static readonly TimeSpan Forever = TimeSpan.FromDays(1);

    /// <returns>The port.</returns>
    public static async Task<int> StartAsync()
    {
        var builder = KestrelPeer.CreateBuilder();
        builder.Services.AddSignalR(options =>
        {
            options.MaximumReceiveMessageSize = ServeVerb.MaxMessageBytes;
            options.KeepAliveInterval = Forever;
            options.ClientTimeoutInterval = 2 * Forever;
        });
        var app = builder.Build();
        app.UseRouting();
        app.MapHub<EventHub>("/hub", options => options.Transports = HttpTransportType.WebSockets);
        await app.StartAsync();
        return KestrelPeer.PortOf(app);
    }

    /// <summary>The events of the other servers, as invocations in both directions.</summary>
    internal sealed class EventHub : Hub
    {
        [HubMethodName("message")]
        public Task MessageAsync(JsonElement value) => Clients.Caller.SendAsync("message-back", value);

        [HubMethodName("publish")]
        public Task PublishAsync(JsonElement value) => Clients.All.SendAsync("news", value);
    }
}
