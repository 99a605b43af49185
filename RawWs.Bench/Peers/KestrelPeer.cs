using System.Net;
using System.Net.WebSockets;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Transport.Sockets;
using Microsoft.Extensions.DependencyInjection;

namespace RawWs.Bench.Peers;

/// <summary>Kestrel with the framework's own WebSockets, and nothing of ASP.NET Core that they do not need.</summary>
internal static class KestrelPeer
{
    /// <returns>The port.</returns>
    public static async Task<int> StartAsync()
    {
        var app = CreateBuilder().Build();
        var fan = new KestrelFan();
        app.UseWebSockets(new WebSocketOptions { KeepAliveInterval = Timeout.InfiniteTimeSpan });
        app.Run(context => context.Request.Path.Value switch
        {
            _ when !context.WebSockets.IsWebSocketRequest => NotFound(context),
            "/echo" => ServeAsync(context, EchoAsync),
            ServeVerb.BlockingPath => ServeAsync(context, BlockAsync),
            "/fan" => ServeAsync(context, fan.RunAsync),
            _ => NotFound(context),
        });
        await app.StartAsync();
        return PortOf(app);
    }

    /// <summary>The empty builder: no configuration, no logging, no middleware but what the caller adds.</summary>
    public static WebApplicationBuilder CreateBuilder()
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().ConfigureKestrel(options =>
        {
            options.AddServerHeader = false;
            // WebSockets have no such rates; this spares the accounting.
            options.Limits.MinRequestBodyDataRate = null;
            options.Limits.MinResponseDataRate = null;
            options.Listen(IPAddress.Loopback, 0, listen => listen.Protocols = HttpProtocols.Http1);
        });
        builder.Services.Configure<SocketTransportOptions>(options => options.Backlog = ServeVerb.Backlog);
        return builder;
    }

    public static int PortOf(WebApplication app)
    {
        var features = app.Services.GetRequiredService<IServer>().Features;
        return new Uri(features.Get<IServerAddressesFeature>()!.Addresses.First()).Port;
    }

    private static Task NotFound(HttpContext context)
    {
        context.Response.StatusCode = StatusCodes.Status404NotFound;
        return Task.CompletedTask;
    }

    private static async Task ServeAsync(HttpContext context, Func<WebSocket, Task> run)
    {
        using var socket = await context.WebSockets.AcceptWebSocketAsync();
        try
        {
            await run(socket);
            if (socket.State is WebSocketState.Open or WebSocketState.CloseReceived)
                await socket.CloseOutputAsync(WebSocketCloseStatus.NormalClosure, null, CancellationToken.None);
        }
        catch (WebSocketException)
        {
            // The client is gone.
        }
    }

    private static async Task EchoAsync(WebSocket socket)
    {
        using var receiver = new KestrelReceiver(socket);
        while (await receiver.ReceiveAsync())
            await socket.SendAsync(receiver.Payload, receiver.Type, endOfMessage: true, CancellationToken.None);
    }

    private static async Task BlockAsync(WebSocket socket)
    {
        using var receiver = new KestrelReceiver(socket);
        while (await receiver.ReceiveAsync())
        {
            ServeVerb.Block();
            await socket.SendAsync(receiver.Payload, receiver.Type, endOfMessage: true, CancellationToken.None);
        }
    }
}
