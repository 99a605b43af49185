using System.Net.Sockets;
using System.Text.Json;
using System.Text.RegularExpressions;
using Microsoft.Extensions.FileProviders;
using RawWs.Protocol.WebSockets;
using RawWs.Server;
using RawWs.Server.Engine;
using RawWs.Server.Events;
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
    public async Task Example_of_the_readme_works_over_Socket_IO()
    {
        var server = await StartExampleAsync(new ServerOptions { Port = 0 });
        await using var _ = server;
        using var client = await WireClient.OpenAsync(server.LocalEndPoint!, "/socket.io/?EIO=4&transport=websocket");
        Assert.That((await client.ReadFrameAsync()).Text, Does.StartWith("0{"));
        await client.SendFrameAsync(Opcode.Text, "40");
        Assert.That((await client.ReadFrameAsync()).Text, Does.StartWith("40{"));
        Assert.That(
            (await client.ReadFrameAsync()).Text,
            Is.EqualTo("""42["server message",{"msg":"client connect server success"}]"""));
        await client.SendFrameAsync(Opcode.Text, """42["random",0.96]""");
        await client.SendFrameAsync(Opcode.Text, """421["join","room"]""");
        Assert.That((await client.ReadFrameAsync()).Text, Is.EqualTo("""431["ok"]"""));
        Assert.That((await client.ReadFrameAsync()).Text, Is.EqualTo("""42["warn",1]"""));
    }

    [Test]
    public async Task Every_line_of_the_table_stands_in_this_file()
    {
        var source = Squeeze(await File.ReadAllTextAsync(
            Path.Combine(Repository.Root, "RawWs.Tests", "EndToEnd", "ReadmeTests.cs")));
        var readme = await File.ReadAllTextAsync(Path.Combine(Repository.Root, "README.md"));
        var cells = TableRow().Matches(readme).Select(row => row.Groups[1].Value).ToList();
        Assert.That(cells, Has.Count.EqualTo(7));
        Assert.That(cells.Where(cell => !source.Contains(Squeeze(cell), StringComparison.Ordinal)), Is.Empty);
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
            socket.On<Notice>("client message", notice => Console.WriteLine(notice.Msg));
            socket.On<double>("random", async value =>
            {
                if (value <= 0.95) return;
                await Task.Delay(1000);
                socket.Emit("warn", Interlocked.Increment(ref warnings));
            });
            socket.On<string, string>("join", room => { socket.Join(room); return "ok"; });
            socket.OnDisconnect(reason => Console.WriteLine($"{socket.Id}: {reason}"));
        });
        server.MapWebSocket("/echo", new EchoHandler());
        try { await server.StartAsync(); }
        catch (SocketException error) { Console.Error.WriteLine($"cannot listen: {error.Message}"); }
        return server;
    }

    // What the table shows, to be compiled.
    private static async Task<string> MoveAsync(RawWsServer server, EventSocket socket, ServerOptions options, string dist)
    {
        const string data = "data";
        server.To("a").Except("b").Emit("x", data);
        socket.Data.Set("name", "Ann");
        server.Of("/admin").Use(socket => Check(socket.Handshake.Auth));
        options.Engine.Cors = new CorsOptions { Origins = { "https://example.com" } };
        options.Events.Recovery = new RecoveryOptions();
        server.MapSocketIoClient(new PhysicalFileProvider(dist));
        return await socket.EmitWithAckAsync<string, string>("ask", data, TimeSpan.FromMilliseconds(500));

        static void Check(JsonElement auth) => _ = auth.GetProperty("token");
    }

    private static string Squeeze(string text) => WhiteSpace().Replace(text, "");

    [GeneratedRegex(@"```csharp\n(.*?)```", RegexOptions.Singleline)]
    private static partial Regex CodeBlock();

    [GeneratedRegex(@"^\| `[^`]*` \| `([^`]*)`.*\|$", RegexOptions.Multiline)]
    private static partial Regex TableRow();

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
