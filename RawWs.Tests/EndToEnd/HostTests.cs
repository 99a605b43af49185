using System.Net;
using System.Net.Sockets;
using RawWs.Protocol.WebSockets;
using RawWs.Tests.Support;

namespace RawWs.Tests.EndToEnd;

/// <summary>The console host as whoever starts it sees it.</summary>
public class HostTests
{
    [TestCase("TERM")]
    [TestCase("INT")]
    public async Task Host_stops_in_good_order_on(string signal)
    {
        await using var host = await HostProcess.ServeAsync();
        using var client = await WireClient.OpenAsync(EndPoint(host), "/echo");
        var exit = host.StopAsync(signal);
        Assert.That((await client.ReadFrameAsync()).CloseCode, Is.EqualTo(CloseCode.GoingAway));
        await client.SendAsync(WireClient.CloseFrame(1001));
        Assert.That(await exit, Is.Zero);
    }

    [Test]
    public async Task Client_that_never_answers_1001_is_given_its_time_and_the_host_still_ends_with_0()
    {
        await using var host = await HostProcess.ServeAsync();
        using var client = await WireClient.OpenAsync(EndPoint(host), "/echo");
        Assert.That(await host.StopAsync(), Is.Zero);
        Assert.That((await client.ReadFrameAsync()).CloseCode, Is.EqualTo(CloseCode.GoingAway));
    }

    [Test]
    public async Task Port_in_use_is_one_clear_line_and_exit_code_1()
    {
        using var taken = new TcpListener(IPAddress.Loopback, 0);
        taken.Start();
        var port = ((IPEndPoint)taken.LocalEndpoint).Port;
        await using var host = HostProcess.Run("serve", "--port", $"{port}");
        Assert.That(await host.WaitForExitAsync(WireClient.Patience), Is.EqualTo(1));
        Assert.That(host.Output, Is.Empty);
        Assert.That(host.Errors.Trim(), Does.StartWith($"cannot listen on http://127.0.0.1:{port}: "));
        Assert.That(host.Errors.Trim().Split('\n'), Has.Length.EqualTo(1));
    }

    [TestCase("--port", "70000")]
    [TestCase("--port", "x")]
    [TestCase("--max-message", "0")]
    [TestCase("--handshake-timeout", "-1")]
    [TestCase("--nonsense", "1")]
    [TestCase("--deflate", "true")]
    [TestCase("--cert", "file.pem")]
    [TestCase("--client-files", "/nowhere")]
    public async Task Bad_option_is_usage_on_stderr_and_exit_code_2(string option, string value)
    {
        await using var host = HostProcess.Run("serve", option, value);
        Assert.That(await host.WaitForExitAsync(WireClient.Patience), Is.EqualTo(2));
        Assert.That(host.Output, Is.Empty);
        Assert.That(host.Errors, Does.Contain(option));
        Assert.That(host.Errors, Does.Contain("Usage:"));
    }

    [Test]
    public async Task Serve_is_what_it_does_without_being_told()
    {
        await using var host = await HostProcess.StartAsync("--port", "0");
        using var client = await WireClient.OpenAsync(EndPoint(host), "/echo");
        await client.SendFrameAsync(Opcode.Text, "hi");
        Assert.That((await client.ReadFrameAsync()).Text, Is.EqualTo("hi"));
        Assert.That(host.Output.Trim(), Is.EqualTo($"listening on http://{EndPoint(host)}"));
    }

    [Test]
    public async Task Broadcast_reaches_all_the_sender_included()
    {
        await using var host = await HostProcess.ServeAsync();
        using var one = await WireClient.OpenAsync(EndPoint(host), "/broadcast");
        using var two = await WireClient.OpenAsync(EndPoint(host), "/broadcast");
        await two.SendFrameAsync(Opcode.Ping, "is open");
        await two.ReadFrameAsync();
        await one.SendFrameAsync(Opcode.Binary, "to all");
        Assert.That((await one.ReadFrameAsync()).Text, Is.EqualTo("to all"));
        Assert.That((await two.ReadFrameAsync()).Opcode, Is.EqualTo(Opcode.Binary));
    }

    [Test]
    public async Task Message_over_the_limit_is_1009_and_one_at_it_passes()
    {
        await using var host = await HostProcess.ServeAsync("--max-message", "1000");
        using var client = await WireClient.OpenAsync(EndPoint(host), "/echo");
        await client.SendFrameAsync(Opcode.Text, new string('x', 1000));
        Assert.That((await client.ReadFrameAsync()).Payload, Has.Length.EqualTo(1000));
        await client.SendFrameAsync(Opcode.Text, new string('x', 1001));
        await client.ExpectCloseAsync(CloseCode.MessageTooBig);
    }

    [Test]
    public async Task Origin_that_is_not_allowed_is_403()
    {
        await using var host = await HostProcess.ServeAsync("--allow-origin", "http://good.example");
        using var bad = await WireClient.ConnectAsync(EndPoint(host));
        await bad.SendTextAsync(WireClient.Handshake("/ws", "Origin: http://evil.example\r\n"));
        Assert.That(await bad.ReadHeadAsync(), Does.StartWith("HTTP/1.1 403 "));
        using var good = await WireClient.OpenAsync(EndPoint(host), "/ws", "Origin: http://good.example\r\n");
    }

    [Test]
    public async Task Socket_IO_client_is_served_from_the_folder_that_is_named()
    {
        using var folder = new ClientPackage();
        await using var host = await HostProcess.ServeAsync("--client-files", folder.Files);
        Assert.That(await ScriptAsync(host), Is.EqualTo((200, ClientPackage.Script)));
    }

    [Test]
    public async Task Socket_IO_client_is_found_where_npm_has_put_it()
    {
        using var folder = new ClientPackage();
        await using var host = await HostProcess.ServeInAsync(folder.Root);
        Assert.That(await ScriptAsync(host), Is.EqualTo((200, ClientPackage.Script)));
    }

    [Test]
    public async Task Without_the_Socket_IO_client_its_path_says_how_to_install_it()
    {
        await using var host = await HostProcess.ServeInAsync(Path.GetTempPath());
        var (status, body) = await ScriptAsync(host);
        Assert.That(status, Is.EqualTo(404));
        Assert.That(body, Does.Contain("npm install socket.io-client"));
    }

    [Test]
    public async Task Exhausted_handles_stop_nobody_who_is_connected_and_end_with_the_shortage()
    {
        // A shell lowers the limit for the host alone; the runtime itself needs some hundred.
        await using var host = await HostProcess.ServeWithHandlesAsync(400);
        using var served = await WireClient.OpenAsync(EndPoint(host), "/echo");
        // What it is served with has been loaded: nobody can load a file while there are no handles.
        await EchoAsync(served, "here");
        var crowd = new List<WireClient>();
        try
        {
            for (var i = 0; i < 500; i++)
                crowd.Add(await WireClient.ConnectAsync(EndPoint(host)));
            await Eventually.IsTrueAsync(() => host.Errors.Contains("accept failed", StringComparison.Ordinal));
            await EchoAsync(served, "still here");
        }
        finally
        {
            crowd.ForEach(client => client.Dispose());
        }

        using var late = await WireClient.OpenAsync(EndPoint(host), "/echo");
        await EchoAsync(late, "room again");
    }

    private static async Task EchoAsync(WireClient client, string text)
    {
        await client.SendFrameAsync(Opcode.Text, text);
        Assert.That((await client.ReadFrameAsync()).Text, Is.EqualTo(text));
    }

    private static async Task<(int Status, string Body)> ScriptAsync(HostProcess host)
    {
        using var client = await WireClient.ConnectAsync(EndPoint(host));
        await client.SendAsync(EngineClient.Request("GET", "/socket.io/socket.io.js"));
        var answer = await EngineClient.ReadAsync(client);
        return (answer.Status, answer.Body);
    }

    private static IPEndPoint EndPoint(HostProcess host) => new(IPAddress.Loopback, host.Address.Port);

    /// <summary>A folder in which npm has installed a client, or so it looks.</summary>
    private sealed class ClientPackage : IDisposable
    {
        public const string Script = "console.log('the client');";

        public ClientPackage()
        {
            Directory.CreateDirectory(Files);
            File.WriteAllText(Path.Combine(Files, "socket.io.js"), Script);
        }

        public string Root { get; } = Directory.CreateTempSubdirectory("rawws-host-").FullName;

        public string Files => Path.Combine(Root, "node_modules", "socket.io-client", "dist");

        public void Dispose() => Directory.Delete(Root, recursive: true);
    }
}
