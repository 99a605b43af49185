using System.CommandLine;
using System.Globalization;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.FileProviders;
using RawWs.Host.Demo;
using RawWs.Server;
using RawWs.Server.Engine;

namespace RawWs.Host;

/// <summary>The command <c>serve</c>: the demo pages, the demo handlers and the raw paths, until it is stopped.</summary>
internal static class ServeCommand
{
    internal static readonly Option<string> Host = new("--host")
    {
        Description = "Address or host name to listen on",
        DefaultValueFactory = _ => "127.0.0.1",
    };

    internal static readonly Option<int> Port = new("--port")
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

    private static readonly Option<string> ClientFiles = new("--client-files")
    {
        Description = $"Folder with the browser's Socket.IO client (default: {ClientFolder.Usual}, here or beside the program)",
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
        Require(ClientFiles, ClientFolder.HasClient, $"has no {ClientFolder.Script}");
        foreach (var option in NotYet)
            option.Validators.Add(result =>
            {
                if (!result.Implicit)
                    result.AddError($"{option.Name} is not supported by this version");
            });

        var command = new Command("serve", "Serves the demo pages, /socket.io/, /ws, /echo, /broadcast and /health")
        {
            Host, Port, HandshakeTimeout, MaxMessage, AllowOrigin, NoDeflate, ClientFiles,
        };
        foreach (var option in NotYet)
            command.Add(option);
        command.SetAction(RunAsync);
        return command;
    }

    // What cannot be parsed at all is reported by the parser.
    internal static void Require<T>(Option<T> option, Func<T, bool> isValid, string rule)
        where T : IParsable<T> =>
        option.Validators.Add(result =>
        {
            if (result.Tokens is [var token, ..]
                && T.TryParse(token.Value, CultureInfo.InvariantCulture, out var value)
                && !isValid(value))
                result.AddError($"{option.Name} {token.Value}: {rule}");
        });

    private static Task<int> RunAsync(ParseResult arguments, CancellationToken cancellationToken)
    {
        var market = new Market(TimeProvider.System);
        return ServerHost.RunAsync(
            server => Map(server, market, arguments.GetValue(ClientFiles) ?? ClientFolder.Find()),
            options => Set(options, arguments),
            services => services.AddSingleton(market).AddHostedService<MarketFeed>(),
            cancellationToken);
    }

    private static void Set(ServerOptions options, ParseResult arguments)
    {
        options.Host = arguments.GetValue(Host)!;
        options.Port = arguments.GetValue(Port);
        options.HandshakeTimeout = TimeSpan.FromSeconds(arguments.GetValue(HandshakeTimeout));
        options.MaxMessageBytes = arguments.GetValue(MaxMessage);
        foreach (var origin in arguments.GetValue(AllowOrigin)!)
            options.AllowedOrigins.Add(origin);
        // Pages that may connect by WebSocket may also poll.
        options.Engine.Cors = new CorsOptions();
        foreach (var origin in arguments.GetValue(AllowOrigin) is [_, ..] allowed ? allowed : ["*"])
            options.Engine.Cors.Origins.Add(origin);
        options.Events.SerializerOptions.TypeInfoResolverChain.Insert(0, DemoJson.Default);
    }

    private static void Map(RawWsServer server, Market market, string? clientFolder)
    {
        if (clientFolder is not null)
            server.MapSocketIoClient(new PhysicalFileProvider(Path.GetFullPath(clientFolder)));
        server.MapFiles(new ManifestEmbeddedFileProvider(typeof(ServeCommand).Assembly, "wwwroot"));
        server.MapWebSocket("/echo", new EchoHandler());
        server.MapWebSocket("/broadcast", new BroadcastHandler());
        DemoEvents.Register(server, market, TimeProvider.System);
    }
}
