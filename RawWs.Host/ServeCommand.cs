using System.CommandLine;
using System.CommandLine.Parsing;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.FileProviders;
using RawWs.Host.Demo;
using RawWs.Protocol.WebSockets.Deflate;
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

    private static readonly Option<int> MaxConnections = new("--max-connections")
    {
        Description = "TCP connections at a time",
        DefaultValueFactory = _ => 65_536,
    };

    private static readonly Option<int> MaxConnectionsPerAddress = new("--max-connections-per-address")
    {
        Description = "TCP connections of one address at a time, 0 for any number",
        DefaultValueFactory = _ => 0,
    };

    private static readonly Option<IPNetwork[]> TrustedProxy = new("--trusted-proxy")
    {
        Description = "Address or network of a proxy whose X-Forwarded headers are believed (repeatable; default: none)",
        CustomParser = ParseNetworks,
        DefaultValueFactory = _ => [],
    };

    private static readonly Option<bool> Deflate = new("--deflate")
    {
        Description = "Compress messages for clients that offer it (permessage-deflate; the default)",
    };

    private static readonly Option<bool> NoDeflate = new("--no-deflate")
    {
        Description = "Do not compress messages",
    };

    private static readonly Option<string> ClientFiles = new("--client-files")
    {
        Description = $"Folder with the browser's Socket.IO client (default: {ClientFolder.Usual}, here or beside the program)",
    };

    internal static readonly Option<string> Cert = new("--cert")
    {
        Description = "File with a certificate, to speak TLS: PEM (the private key in it or in --key) or PFX without password",
    };

    internal static readonly Option<string> Key = new("--key")
    {
        Description = "PEM file with the private key of --cert",
    };

    public static Command Create()
    {
        Require(Port, port => port is >= 0 and <= 65535, "a port is 0 to 65535");
        Require(HandshakeTimeout, seconds => seconds is >= 0.01 and <= 86_400, "a timeout is 0.01 to 86400 seconds");
        Require(MaxMessage, bytes => bytes is >= 1 and <= int.MaxValue / 2, "a message has 1 to 1073741823 bytes");
        Require(MaxConnections, count => count >= 1, "at least one connection");
        Require(MaxConnectionsPerAddress, count => count >= 0, "not below 0");
        Require(ClientFiles, ClientFolder.HasClient, $"has no {ClientFolder.Script}");
        RequireCertFor(Key);
        NoDeflate.Validators.Add(result =>
        {
            if (result.GetValue(Deflate))
                result.AddError($"{NoDeflate.Name} contradicts {Deflate.Name}");
        });

        var command = new Command("serve", "Serves the demo pages, /socket.io/, /ws, /echo, /broadcast, /health and /metrics")
        {
            Host, Port, HandshakeTimeout, MaxMessage, MaxConnections, MaxConnectionsPerAddress, AllowOrigin, TrustedProxy,
            Deflate, NoDeflate, ClientFiles, Cert, Key,
        };
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

    internal static TlsOptions? CreateTls(ParseResult arguments) => arguments.GetValue(Cert) is { } cert
        ? new TlsOptions { Certificates = { new TlsCertificate { Path = cert, KeyPath = arguments.GetValue(Key) } } }
        : null;

    private static void RequireCertFor(Option<string> key) => key.Validators.Add(result =>
    {
        if (!result.Implicit && result.GetResult(Cert) is null or { Implicit: true })
            result.AddError($"{key.Name} needs {Cert.Name}");
    });

    private static IPNetwork[] ParseNetworks(ArgumentResult result)
    {
        var networks = new List<IPNetwork>();
        foreach (var token in result.Tokens)
        {
            // An address alone is a network of one.
            if (IPNetwork.TryParse(token.Value, out var network))
                networks.Add(network);
            else if (IPAddress.TryParse(token.Value, out var address))
                networks.Add(new IPNetwork(address, address.AddressFamily == AddressFamily.InterNetwork ? 32 : 128));
            else
                result.AddError($"{TrustedProxy.Name} {token.Value}: an address or a network such as 10.0.0.0/8");
        }

        return [.. networks];
    }

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
        options.Tls = CreateTls(arguments);
        options.HandshakeTimeout = TimeSpan.FromSeconds(arguments.GetValue(HandshakeTimeout));
        options.MaxMessageBytes = arguments.GetValue(MaxMessage);
        options.Deflate = arguments.GetValue(NoDeflate) ? null : new DeflateOptions();
        options.MaxConnections = arguments.GetValue(MaxConnections);
        options.MaxConnectionsPerAddress = arguments.GetValue(MaxConnectionsPerAddress);
        options.MetricsPath = "/metrics";
        foreach (var network in arguments.GetValue(TrustedProxy)!)
            options.TrustedProxies.Add(network);
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
