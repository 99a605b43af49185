using System.Globalization;
using System.Net;
using System.Net.Sockets;
using RawWs.Protocol.WebSockets;
using RawWs.Tests.Server.Diagnostics;
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
    [TestCase("--max-connections", "0")]
    [TestCase("--max-connections-per-address", "-1")]
    [TestCase("--trusted-proxy", "proxy.example")]
    [TestCase("--trusted-proxy", "10.0.0.0/33")]
    [TestCase("--nonsense", "1")]
    [TestCase("--no-deflate", "--deflate")]
    [TestCase("--key", "file.pem")]
    [TestCase("--client-files", "/nowhere")]
    public async Task Bad_option_is_usage_on_stderr_and_exit_code_2(string option, string value)
    {
        await using var host = HostProcess.Run("serve", option, value);
        Assert.That(await host.WaitForExitAsync(WireClient.Patience), Is.EqualTo(2));
        Assert.That(host.Output, Is.Empty);
        Assert.That(host.Errors, Does.Contain(option));
        Assert.That(host.Errors, Does.Contain("Usage:"));
    }

    [TestCase(false)]
    [TestCase(true)]
    public async Task Host_speaks_TLS_with_the_certificate_of(bool isOneFile)
    {
        using var files = new PemFiles(TestCertificates.Localhost, isOneFile);
        await using var host = await HostProcess.ServeAsync(files.Options);
        Assert.That(host.Output.Trim(), Is.EqualTo($"listening on https://{EndPoint(host)}"));
        using var client = await WireClient.OpenAsync(new SecureEndPoint(EndPoint(host)), "/echo");
        await EchoAsync(client, "secret");
        Assert.That(client.Tls.RemoteCertificate!.Subject, Is.EqualTo("CN=localhost"));
    }

    [TestCase("/nowhere.pem")]
    [TestCase("/")]
    [TestCase("/dev/null")]
    public async Task Certificate_that_cannot_be_used_is_one_clear_line_and_exit_code_1(string file)
    {
        await using var host = HostProcess.Run("serve", "--port", "0", "--cert", file);
        Assert.That(await host.WaitForExitAsync(WireClient.Patience), Is.EqualTo(1));
        Assert.That(host.Output, Is.Empty);
        Assert.That(host.Errors.Trim(), Does.StartWith($"The certificate {file} cannot be used: "));
        Assert.That(host.Errors.Trim().Split('\n'), Has.Length.EqualTo(1));
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
    public async Task Metrics_are_served_as_the_pages_say()
    {
        await using var host = await HostProcess.ServeAsync();
        using var client = await WireClient.ConnectAsync(EndPoint(host));
        await client.SendAsync(EngineClient.Request("GET", "/metrics"));
        var answer = await EngineClient.ReadAsync(client);
        Assert.That(answer.Status, Is.EqualTo(200));
        Assert.That(PrometheusParser.Parse(answer.Body)["rawws_connections_open"].Samples.Single().Value, Is.EqualTo(1));
    }

    [Test]
    public async Task Connections_of_an_address_are_limited_behind_a_trusted_proxy_too()
    {
        await using var host = await HostProcess.ServeAsync(
            "--max-connections", "10", "--max-connections-per-address", "1", "--trusted-proxy", "127.0.0.1",
            "--trusted-proxy", "10.0.0.0/8");
        using var first = await WireClient.OpenAsync(EndPoint(host), "/echo", "X-Forwarded-For: 203.0.113.1, 10.0.0.1\r\n");
        using var other = await WireClient.OpenAsync(EndPoint(host), "/echo", "X-Forwarded-For: 203.0.113.2, 10.0.0.1\r\n");
        using var second = await WireClient.ConnectAsync(EndPoint(host));
        await second.SendTextAsync(WireClient.Handshake("/echo", "X-Forwarded-For: 203.0.113.1, 10.0.0.1\r\n"));
        Assert.That(await second.ReadHeadAsync(), Does.StartWith("HTTP/1.1 503 "));
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
        const int Limit = 400;
        await using var host = await HostProcess.ServeWithHandlesAsync(Limit);
        using var served = await WireClient.OpenAsync(EndPoint(host), "/echo");
        // What they are served with has been loaded: nobody can load a file while there are no handles.
        await EchoAsync(served, "here");
        using var watching = await WireClient.ConnectAsync(EndPoint(host));
        Assert.That(await FailedAcceptsAsync(watching), Is.Zero);
        var crowd = new List<WireClient>();
        try
        {
            for (var i = 0; i < 500; i++)
                crowd.Add(await WireClient.ConnectAsync(EndPoint(host)));
            await Eventually.IsTrueAsync(() => host.Errors.Contains("accept failed", StringComparison.Ordinal));
            await EchoAsync(served, "still here");
            // Whoever did not back off would try it thousands of times.
            int failed;
            while ((failed = await FailedAcceptsAsync(watching)) < 8)
                await EchoAsync(served, "still here");
            Assert.That(failed, Is.LessThan(100));
            // The reserve is left to the runtime, which is ended by the lack of one for a thread.
            Assert.That(Directory.GetFiles($"/proc/{host.Id}/fd"), Has.Length.LessThan(Limit - 32));
        }
        finally
        {
            crowd.ForEach(client => client.Dispose());
        }

        using var late = await WireClient.OpenAsync(EndPoint(host), "/echo");
        await EchoAsync(late, "room again");
    }

    private static async Task<int> FailedAcceptsAsync(WireClient client)
    {
        const string Name = "rawws_failures_total{kind=\"accept\"} ";
        await client.SendAsync(EngineClient.Request("GET", "/metrics"));
        var line = (await EngineClient.ReadAsync(client)).Body.Split('\n').FirstOrDefault(text => text.StartsWith(Name));
        return line is null ? 0 : int.Parse(line.AsSpan(Name.Length), CultureInfo.InvariantCulture);
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
