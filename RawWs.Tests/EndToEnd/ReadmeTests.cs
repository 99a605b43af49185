using System.Text.RegularExpressions;
using RawWs.Protocol.WebSockets;
using RawWs.Server;
using RawWs.Server.Transport;
using RawWs.Tests.Support;

namespace RawWs.Tests.EndToEnd;

/// <summary>The examples of the README, compiled and run.</summary>
public partial class ReadmeTests
{
    [Test]
    public async Task Example_of_the_readme_works()
    {
        var options = new ServerOptions { Port = 0 };
        var server = await StartExampleAsync(options);
        await using var _ = server;
        using var client = await WireClient.OpenAsync(server.LocalEndPoint!, "/ws");
        await client.SendFrameAsync(Opcode.Text, """{"event":"random","data":0.96}""");
        Assert.That((await client.ReadFrameAsync()).Text, Does.StartWith("""{"event":"connect","""));
        Assert.That(
            (await client.ReadFrameAsync()).Text,
            Is.EqualTo("""{"event":"server message","data":{"msg":"client connect server success"}}"""));
        Assert.That((await client.ReadFrameAsync()).Text, Is.EqualTo("""{"event":"warn","data":1}"""));

        using var echo = await WireClient.OpenAsync(server.LocalEndPoint!, "/echo");
        await echo.SendFrameAsync(Opcode.Text, "hi");
        Assert.That((await echo.ReadFrameAsync()).Text, Is.EqualTo("hi"));
    }

    [Test]
    public async Task Every_example_of_the_readme_stands_in_this_file()
    {
        var source = Squeeze(await File.ReadAllTextAsync(
            Path.Combine(Repository.Root, "RawWs.Tests", "EndToEnd", "ReadmeTests.cs")));
        var readme = await File.ReadAllTextAsync(Path.Combine(Repository.Root, "README.md"));
        var lines = CodeBlock().Matches(readme)
            .SelectMany(block => block.Groups[1].Value.Split('\n', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))
            .Where(line => !line.StartsWith("await using var server", StringComparison.Ordinal))
            .ToList();
        Assert.That(lines, Has.Count.GreaterThan(20));
        Assert.That(lines.Where(line => !source.Contains(Squeeze(line), StringComparison.Ordinal)), Is.Empty);
    }

    private static async Task<RawWsServer> StartExampleAsync(ServerOptions options)
    {
        var server = new RawWsServer(options);
        server.OnConnection(socket =>
        {
            server.Emit("server message", new Notice("client connect server success"));
            socket.Broadcast.Emit("server message", new Notice("broadcast"));

            var warnings = 0;
            socket.On<double>("random", async value =>
            {
                if (value <= 0.95) return;
                await Task.Delay(1000);
                socket.Emit("warn", ++warnings);
            });
            socket.On<string, string>("join", room => { socket.Join(room); return "ok"; });
            socket.OnDisconnect(reason => Console.WriteLine($"{socket.Id}: {reason}"));
        });
        server.MapWebSocket("/echo", new EchoHandler());
        await server.StartAsync();
        return server;
    }

    private static string Squeeze(string text) => WhiteSpace().Replace(text, "");

    [GeneratedRegex(@"```csharp\n(.*?)```", RegexOptions.Singleline)]
    private static partial Regex CodeBlock();

    [GeneratedRegex(@"\s+")]
    private static partial Regex WhiteSpace();

    private sealed record Notice(string Msg);

    private sealed class EchoHandler : WebSocketHandler
    {
        public override ValueTask OnMessageAsync(WebSocketConnection connection, Opcode type, ReadOnlyMemory<byte> payload)
        {
            connection.Send(type, payload.Span);
            return default;
        }
    }
}
