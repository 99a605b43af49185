using System.CommandLine;
using RawWs.Host.Conformance;
using RawWs.Server;
using RawWs.Server.Engine;

namespace RawWs.Host;

/// <summary>The command <c>conformance</c>: what outside test programs run against.</summary>
internal static class ConformanceCommand
{
    private static readonly Option<int> PingInterval = Milliseconds("--ping-interval", "from pong to ping", 25_000);

    private static readonly Option<int> PingTimeout = Milliseconds("--ping-timeout", "from ping to pong", 20_000);

    private static readonly Option<int> ConnectTimeout =
        Milliseconds("--connect-timeout", "for joining a first namespace", 45_000);

    private static readonly Option<int> MaxPayload = new("--max-payload")
    {
        Description = "Bytes of a POST body or of a WebSocket message",
        DefaultValueFactory = _ => 1_000_000,
    };

    private static readonly Option<bool> Recovery = new("--recovery")
    {
        Description = "Clients that come back get what they missed",
    };

    public static Command Create()
    {
        ServeCommand.Require(
            MaxPayload, bytes => bytes is >= 1 and <= int.MaxValue / 2, "a payload has 1 to 1073741823 bytes");
        var command = new Command("conformance", "Serves what test programs of Engine.IO and Socket.IO run against")
        {
            ServeCommand.Host, ServeCommand.Port, PingInterval, PingTimeout, ConnectTimeout, MaxPayload, Recovery,
            ServeCommand.Cert, ServeCommand.Key,
        };
        command.SetAction(RunAsync);
        return command;
    }

    private static Option<int> Milliseconds(string name, string what, int value)
    {
        var option = new Option<int>(name)
        {
            Description = $"Milliseconds {what}",
            DefaultValueFactory = _ => value,
        };
        ServeCommand.Require(option, time => time is >= 5 and <= 86_400_000, "a time is 5 to 86400000 ms");
        return option;
    }

    private static Task<int> RunAsync(ParseResult arguments, CancellationToken cancellationToken) =>
        ServerHost.RunAsync(
            server =>
            {
                server.MapEngine("/engine.io/", new EngineEchoHandler(), CreateEngine(arguments));
                ConformanceEvents.Register(server, TimeProvider.System);
            },
            options => Set(options, arguments),
            _ => { },
            cancellationToken);

    private static void Set(ServerOptions options, ParseResult arguments)
    {
        options.Host = arguments.GetValue(ServeCommand.Host)!;
        options.Port = arguments.GetValue(ServeCommand.Port);
        options.Tls = ServeCommand.CreateTls(arguments);
        options.Engine = CreateEngine(arguments);
        options.Events.ConnectTimeout = TimeSpan.FromMilliseconds(arguments.GetValue(ConnectTimeout));
        options.Events.Recovery = arguments.GetValue(Recovery) ? new RecoveryOptions() : null;
        options.Events.SerializerOptions.TypeInfoResolverChain.Insert(0, ConformanceJson.Default);
    }

    private static EngineOptions CreateEngine(ParseResult arguments) => new()
    {
        PingInterval = TimeSpan.FromMilliseconds(arguments.GetValue(PingInterval)),
        PingTimeout = TimeSpan.FromMilliseconds(arguments.GetValue(PingTimeout)),
        MaxPayloadBytes = arguments.GetValue(MaxPayload),
        Cors = new CorsOptions { Origins = { "*" } },
    };
}
