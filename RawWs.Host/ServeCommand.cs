using System.CommandLine;
using System.Globalization;
using System.Net.Sockets;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.FileProviders;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using RawWs.Host.Demo;
using RawWs.Server;
using RawWs.Server.Hosting;

namespace RawWs.Host;

/// <summary>The command <c>serve</c>: the demo pages, the demo handlers and the raw paths, until it is stopped.</summary>
internal static class ServeCommand
{
    // Whoever sends SIGTERM commonly kills after ten seconds.
    private static readonly TimeSpan StopTimeout = TimeSpan.FromSeconds(9);

    private static readonly Option<string> Host = new("--host")
    {
        Description = "Address or host name to listen on",
        DefaultValueFactory = _ => "127.0.0.1",
    };

    private static readonly Option<int> Port = new("--port")
    {
        Description = "TCP port, 0 for one that the system chooses",
        DefaultValueFactory = _ => 3000,
    };

    private static readonly Option<double> HandshakeTimeout = new("--handshake-timeout")
    {
        Description = "Seconds for a whole request head",
        DefaultValueFactory = _ => 10,
    };

    private static readonly Option<int> MaxMessage = new("--max-message")
    {
        Description = "Bytes of a WebSocket message",
        DefaultValueFactory = _ => 1024 * 1024,
    };

    private static readonly Option<string[]> AllowOrigin = new("--allow-origin")
    {
        Description = "Origin whose pages may connect (repeatable; default: any)",
        DefaultValueFactory = _ => [],
    };

    private static readonly Option<bool> NoDeflate = new("--no-deflate")
    {
        Description = "Do not offer permessage-deflate",
    };

    private static readonly Option[] NotYet =
    [
        new Option<bool>("--deflate") { Hidden = true },
        new Option<string>("--cert") { Hidden = true },
        new Option<string>("--key") { Hidden = true },
    ];

    public static Command Create()
    {
        Require(Port, port => port is >= 0 and <= 65535, "a port is 0 to 65535");
        Require(HandshakeTimeout, seconds => seconds is >= 0.01 and <= 86_400, "a timeout is 0.01 to 86400 seconds");
        Require(MaxMessage, bytes => bytes is >= 1 and <= int.MaxValue / 2, "a message has 1 to 1073741823 bytes");
        foreach (var option in NotYet)
            option.Validators.Add(result =>
            {
                if (!result.Implicit)
                    result.AddError($"{option.Name} is not supported by this version");
            });

        var command = new Command("serve", "Serves the demo pages, /echo, /broadcast, /ws and /health")
        {
            Host, Port, HandshakeTimeout, MaxMessage, AllowOrigin, NoDeflate,
        };
        foreach (var option in NotYet)
            command.Add(option);
        command.SetAction(RunAsync);
        return command;
    }

    // What cannot be parsed at all is reported by the parser.
    private static void Require<T>(Option<T> option, Func<T, bool> isValid, string rule)
        where T : IParsable<T> =>
        option.Validators.Add(result =>
        {
            if (result.Tokens is [var token, ..]
                && T.TryParse(token.Value, CultureInfo.InvariantCulture, out var value)
                && !isValid(value))
                result.AddError($"{option.Name} {token.Value}: {rule}");
        });

    private static async Task<int> RunAsync(ParseResult arguments, CancellationToken cancellationToken)
    {
        var builder = Microsoft.Extensions.Hosting.Host.CreateEmptyApplicationBuilder(new HostApplicationBuilderSettings());
        builder.Logging
            .AddSimpleConsole(console => console.SingleLine = true)
            .SetMinimumLevel(LogLevel.Warning)
            .AddFilter("Microsoft", LogLevel.None);
        builder.Services.Configure<Microsoft.Extensions.Logging.Console.ConsoleLoggerOptions>(
            console => console.LogToStandardErrorThreshold = LogLevel.Trace);
        builder.Services.Configure<HostOptions>(host => host.ShutdownTimeout = StopTimeout);
        var market = new Market(TimeProvider.System);
        builder.Services.AddSingleton(TimeProvider.System).AddSingleton(market);
        builder.Services.AddRawWs(server => Map(server, market), options => Set(options, arguments));
        builder.Services.AddHostedService<MarketFeed>();

        using var host = builder.Build();
        var name = arguments.GetValue(Host)!;
        try
        {
            await host.StartAsync(cancellationToken);
        }
        catch (SocketException e)
        {
            await Console.Error.WriteLineAsync(
                $"cannot listen on {Url(name, arguments.GetValue(Port))}: {e.Message}");
            return 1;
        }

        var port = host.Services.GetRequiredService<RawWsServer>().LocalEndPoint!.Port;
        Console.WriteLine($"listening on {Url(name, port)}");
        await host.WaitForShutdownAsync(cancellationToken);
        return 0;
    }

    private static void Set(ServerOptions options, ParseResult arguments)
    {
        options.Host = arguments.GetValue(Host)!;
        options.Port = arguments.GetValue(Port);
        options.HandshakeTimeout = TimeSpan.FromSeconds(arguments.GetValue(HandshakeTimeout));
        options.MaxMessageBytes = arguments.GetValue(MaxMessage);
        foreach (var origin in arguments.GetValue(AllowOrigin)!)
            options.AllowedOrigins.Add(origin);
        options.Events.SerializerOptions.TypeInfoResolverChain.Insert(0, DemoJson.Default);
    }

    private static void Map(RawWsServer server, Market market)
    {
        server.MapFiles(new ManifestEmbeddedFileProvider(typeof(ServeCommand).Assembly, "wwwroot"));
        server.MapWebSocket("/echo", new EchoHandler());
        server.MapWebSocket("/broadcast", new BroadcastHandler());
        DemoEvents.Register(server, market, TimeProvider.System);
    }

    private static string Url(string host, int port) =>
        host.Contains(':', StringComparison.Ordinal) ? $"http://[{host}]:{port}" : $"http://{host}:{port}";
}
