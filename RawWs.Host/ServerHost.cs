using System.Net.Sockets;
using System.Security.Cryptography;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Console;
using Microsoft.Extensions.Options;
using RawWs.Server;
using RawWs.Server.Hosting;

namespace RawWs.Host;

/// <summary>Runs a server on the generic host until it is told to stop.</summary>
internal static class ServerHost
{
    // Whoever sends SIGTERM commonly kills after ten seconds.
    private static readonly TimeSpan StopTimeout = TimeSpan.FromSeconds(9);

    /// <returns>The exit code: 0 after a stop, 1 if the server cannot listen.</returns>
    public static async Task<int> RunAsync(
        Action<RawWsServer> map,
        Action<ServerOptions> set,
        Action<IServiceCollection> add,
        CancellationToken cancellationToken)
    {
        var builder = Microsoft.Extensions.Hosting.Host.CreateEmptyApplicationBuilder(new HostApplicationBuilderSettings());
        builder.Logging
            .AddSimpleConsole(console => console.SingleLine = true)
            .SetMinimumLevel(LogLevel.Warning)
            .AddFilter("Microsoft", LogLevel.None);
        builder.Services.Configure<ConsoleLoggerOptions>(
            console => console.LogToStandardErrorThreshold = LogLevel.Trace);
        builder.Services.Configure<HostOptions>(host => host.ShutdownTimeout = StopTimeout);
        // As a service of systemd it says when it is ready and when it stops; elsewhere this does nothing.
        builder.Services.AddSystemd();
        builder.Services.AddSingleton(TimeProvider.System);
        builder.Services.AddRawWs(map, set);
        add(builder.Services);

        using var host = builder.Build();
        var options = host.Services.GetRequiredService<IOptions<ServerOptions>>().Value;
        try
        {
            await host.StartAsync(cancellationToken);
        }
        catch (SocketException e)
        {
            await Console.Error.WriteLineAsync($"cannot listen on {Url(options, options.Port)}: {e.Message}");
            return 1;
        }
        catch (CryptographicException e)
        {
            await Console.Error.WriteLineAsync(e.Message);
            return 1;
        }

        var port = host.Services.GetRequiredService<RawWsServer>().LocalEndPoint!.Port;
        Console.WriteLine($"listening on {Url(options, port)}");
        await host.WaitForShutdownAsync(cancellationToken);
        return 0;
    }

    private static string Url(ServerOptions options, int port)
    {
        var scheme = options.Tls is null ? "http" : "https";
        return options.Host.Contains(':', StringComparison.Ordinal)
            ? $"{scheme}://[{options.Host}]:{port}"
            : $"{scheme}://{options.Host}:{port}";
    }
}
