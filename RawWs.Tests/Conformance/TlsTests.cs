using System.Net.Security;
using System.Net.WebSockets;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using RawWs.Protocol.WebSockets;
using RawWs.Server;
using RawWs.Tests.Support;

namespace RawWs.Tests.Conformance;

/// <summary>TLS as clients that behave see it: RFC 8446, 5246, 7301 and 6066.</summary>
public class TlsTests
{
    [Test]
    public async Task Messages_are_echoed(
        [Values(SslProtocols.Tls12, SslProtocols.Tls13)] SslProtocols protocol, [Values] bool isRsa)
    {
        using var certificate = isRsa ? TestCertificates.CreateRsa("localhost") : TestCertificates.Create("localhost");
        await using var server = await StartAsync(TestCertificates.Options(certificate));
        using var client = await OpenAsync(server, SecureEndPoint.ClientOptions("localhost", protocol));
        Assert.That(client.Tls.SslProtocol, Is.EqualTo(protocol));
        foreach (var size in (int[])[0, 1, 20_000, 300_000])
        {
            var message = new byte[size];
            new Random(size).NextBytes(message);
            await client.SendAsync(WireClient.Frame(Opcode.Binary, message));
            Assert.That((await client.ReadFrameAsync()).Payload, Is.EqualTo(message));
        }

        await client.SendAsync(WireClient.CloseFrame(1000));
        await client.ExpectCloseAsync(CloseCode.NormalClosure);
    }

    [Test]
    public async Task Client_gets_the_version_that_the_server_is_confined_to()
    {
        var options = TestCertificates.Options(TestCertificates.Localhost);
        options.Protocols = SslProtocols.Tls12;
        await using var server = await StartAsync(options);
        using var client = await server.OpenAsync();
        Assert.That(client.Tls.SslProtocol, Is.EqualTo(SslProtocols.Tls12));
        await RefusedAsync(server, SecureEndPoint.ClientOptions("localhost", SslProtocols.Tls13));
    }

    // A client that is no newer: the alert is protocol_version (RFC 5246 §7.2.2), or handshake_failure.
    [TestCase(0x02, 70, TestName = "TLS 1.1 is refused")]
    [TestCase(0x01, 70, TestName = "TLS 1.0 is refused")]
    [TestCase(0x00, 40, TestName = "SSL 3 is refused")]
    public async Task Old_version_is_refused(int minor, int alert)
    {
        var hello = await ClientHello.RecordAsync(SslProtocols.Tls12);
        hello[10] = (byte)minor;
        await using var server = await TestServer.StartTlsAsync();
        using var client = await WireClient.ConnectAsync(server.Server.LocalEndPoint!);
        await client.SendAsync(hello);
        var answer = await client.ReadToEndAsync();
        Assert.That(answer, Has.Length.EqualTo(7));
        Assert.That((answer[0], answer[5], answer[6]), Is.EqualTo((21, 2, alert)));
    }

    [Test]
    public async Task ALPN_agrees_on_HTTP_1_1()
    {
        await using var server = await TestServer.StartTlsAsync();
        var options = SecureEndPoint.ClientOptions("localhost");
        options.ApplicationProtocols = [SslApplicationProtocol.Http2, SslApplicationProtocol.Http11];
        using var client = await OpenAsync(server, options);
        Assert.That(client.Tls.NegotiatedApplicationProtocol, Is.EqualTo(SslApplicationProtocol.Http11));
    }

    // RFC 7301 §3.2: no_application_protocol.
    [Test]
    public async Task Client_that_speaks_HTTP_2_only_is_refused()
    {
        await using var server = await TestServer.StartTlsAsync();
        var options = SecureEndPoint.ClientOptions("localhost");
        options.ApplicationProtocols = [SslApplicationProtocol.Http2];
        await RefusedAsync(server, options);
    }

    [TestCase("one.example", "one.example")]
    [TestCase("ONE.example", "one.example")]
    [TestCase("two.example", "two.example")]
    [TestCase("www.two.example", "two.example")]
    [TestCase("a.wild.example", "*.wild.example")]
    [TestCase("named.wild.example", "two.example")]
    [TestCase("a.b.wild.example", "one.example")]
    [TestCase("wild.example", "one.example")]
    [TestCase("else.example", "one.example")]
    [TestCase("", "one.example")]
    public async Task Certificate_is_the_one_for_the_name_that_is_asked_for(string name, string expected)
    {
        using var one = TestCertificates.Create("one.example");
        using var two = TestCertificates.Create("two.example", "www.two.example", "named.wild.example");
        using var wild = TestCertificates.Create("*.wild.example");
        var options = TestCertificates.Options(one, wild, two);
        await using var server = await StartAsync(options);
        using var client = await OpenAsync(server, SecureEndPoint.ClientOptions(name));
        var subject = client.Tls.RemoteCertificate!.Subject;
        Assert.That(subject, Is.EqualTo($"CN={expected}"));
    }

    [Test]
    public async Task Intermediate_certificates_are_sent()
    {
        var (root, intermediate, leaf) = TestCertificates.CreateChain("localhost");
        var options = new TlsOptions
        {
            Certificates = { new TlsCertificate { Certificate = leaf, Intermediates = { intermediate } } },
        };
        await using var server = await StartAsync(options);
        var trusting = new SslClientAuthenticationOptions
        {
            TargetHost = "localhost",
            CertificateChainPolicy = new X509ChainPolicy
            {
                TrustMode = X509ChainTrustMode.CustomRootTrust,
                CustomTrustStore = { root },
                RevocationMode = X509RevocationMode.NoCheck,
                DisableCertificateDownloads = true,
            },
        };
        using var client = await OpenAsync(server, trusting);
        Assert.That(client.Tls.IsAuthenticated, Is.True);
    }

    [Test]
    public async Task Handlers_see_that_it_is_secure([Values] bool isSecure)
    {
        var echo = new EngineEcho { Opened = session => session.Send(Opcode.Text, session.Handshake.IsSecure ? "yes"u8 : "no"u8) };
        await using var server = await TestServer.StartAsync(
            options => options.Tls = isSecure ? TestCertificates.Options(TestCertificates.Localhost) : null,
            s =>
            {
                s.MapEngine("/engine.io", echo);
                s.MapWebSocket("/raw", new CallbackHandler
                {
                    Open = (connection, _) => connection.Send(Opcode.Text, connection.IsSecure ? "yes"u8 : "no"u8),
                });
                s.OnConnection(socket => socket.Emit("secure", socket.Handshake.IsSecure));
            });
        var expected = isSecure ? "yes" : "no";
        using var raw = await server.OpenAsync("/raw");
        Assert.That((await raw.ReadFrameAsync()).Text, Is.EqualTo(expected));
        using var events = await server.OpenAsync("/ws");
        Assert.That((await events.ReadFrameAsync()).Text, Does.StartWith("""{"event":"connect","""));
        Assert.That((await events.ReadFrameAsync()).Text, Does.EndWith($"{(isSecure ? "true" : "false")}}}"));
        var polling = await EngineClient.OpenAsync(server);
        Assert.That((await polling.PollAsync()).Body, Is.EqualTo("4" + expected));
    }

    [Test]
    public async Task Polling_waits_is_answered_and_moves_to_a_WebSocket()
    {
        var echo = new EngineEcho();
        await using var server = await TestServer.StartTlsAsync(map: s => s.MapEngine("/engine.io", echo));
        var client = await EngineClient.OpenAsync(server);
        for (var i = 0; i < 50; i++)
        {
            using var poll = await client.BeginPollAsync();
            await Eventually.IsTrueAsync(() => echo.Last!.IsPolled);
            Assert.That((await client.PostAsync($"4{i}")).Body, Is.EqualTo("ok"));
            Assert.That((await EngineClient.ReadAsync(poll)).Body, Is.EqualTo($"4{i}"));
        }

        using var socket = await client.UpgradeAsync();
        await socket.SendFrameAsync(Opcode.Text, "4moved");
        Assert.That((await socket.ReadFrameAsync()).Text, Is.EqualTo("4moved"));
    }

    [Test]
    public async Task Polls_on_one_connection_are_answered_in_order()
    {
        var echo = new EngineEcho();
        await using var server = await TestServer.StartTlsAsync(map: s => s.MapEngine("/engine.io", echo));
        var client = await EngineClient.OpenAsync(server);
        using var connection = await WireClient.ConnectAsync(server.EndPoint);
        for (var i = 0; i < 50; i++)
        {
            await connection.SendAsync(EngineClient.Request("GET", client.Target()));
            await Eventually.IsTrueAsync(() => echo.Last!.IsPolled);
            if (i % 2 == 0)
                // What is sent ahead arrives while the poll waits.
                await connection.SendAsync(EngineClient.Request("GET", "/health"));
            echo.Last!.Send(Opcode.Text, "late"u8);
            Assert.That((await EngineClient.ReadAsync(connection)).Body, Is.EqualTo("4late"));
            if (i % 2 == 0)
                Assert.That((await EngineClient.ReadAsync(connection)).Body, Does.Contain("connections"));
        }
    }

    [Test]
    public async Task Client_that_goes_while_its_poll_waits_ends_the_session()
    {
        var echo = new EngineEcho();
        await using var server = await TestServer.StartTlsAsync(map: s => s.MapEngine("/engine.io", echo));
        var client = await EngineClient.OpenAsync(server);
        using (var poll = await client.BeginPollAsync())
        {
            await Eventually.IsTrueAsync(() => echo.Last!.IsPolled);
            await poll.ShutdownSendAsync();
        }

        await echo.ExpectEndAsync(client.Sid, "transport error");
    }

    [Test]
    public async Task Framework_client_echoes_and_closes()
    {
        await using var server = await TestServer.StartTlsAsync();
        using var client = new ClientWebSocket();
        client.Options.RemoteCertificateValidationCallback = (_, certificate, _, _) => certificate!.Subject == "CN=localhost";
        using var patience = new CancellationTokenSource(WireClient.Patience);
        await client.ConnectAsync(server.Uri("/echo"), patience.Token);
        await client.SendAsync("grüße"u8.ToArray(), WebSocketMessageType.Text, true, patience.Token);
        var buffer = new byte[100];
        var result = await client.ReceiveAsync(buffer.AsMemory(), patience.Token);
        Assert.That(buffer.AsSpan(0, result.Count).SequenceEqual("grüße"u8), Is.True);
        await client.CloseAsync((WebSocketCloseStatus)4005, "done", patience.Token);
        Assert.That(client.CloseStatus, Is.EqualTo((WebSocketCloseStatus)4005));
    }

    // A handler that blocks may hold up neither the handshakes, which are computed on the pool, nor the pool.
    [Test]
    [Platform("Linux")]
    public async Task Handlers_run_on_event_loops_from_the_first_on()
    {
        var threads = new System.Collections.Concurrent.ConcurrentBag<string?>();
        var handler = new CallbackHandler { Open = (_, _) => threads.Add(Thread.CurrentThread.Name) };
        await using var server = await TestServer.StartAsync(
            options =>
            {
                options.Tls = TestCertificates.Options(TestCertificates.Localhost);
                options.EventLoops = 2;
            },
            s => s.MapWebSocket("/open", handler));
        for (var i = 0; i < 20; i++)
            (await server.OpenAsync("/open")).Dispose();
        await Eventually.IsTrueAsync(() => threads.Count == 20, "the last client knew before its handler that it is open");
        Assert.That(threads, Is.All.EqualTo("RawWs event loop"));
    }

    [Test]
    public async Task Server_that_stops_closes_with_1001()
    {
        await using var server = await TestServer.StartTlsAsync();
        using var client = await server.OpenAsync();
        var stopping = server.Server.StopAsync();
        await client.AnswerCloseAsync(CloseCode.GoingAway);
        await stopping;
    }

    private static Task<TestServer> StartAsync(TlsOptions tls) => TestServer.StartAsync(options => options.Tls = tls);

    private static Task<WireClient> OpenAsync(TestServer server, SslClientAuthenticationOptions options) =>
        WireClient.OpenAsync(new SecureEndPoint(server.EndPoint) { Options = options }, "/echo");

    private static async Task RefusedAsync(TestServer server, SslClientAuthenticationOptions options)
    {
        try
        {
            using var client = await WireClient.ConnectAsync(new SecureEndPoint(server.EndPoint) { Options = options });
            Assert.Fail("The handshake succeeded.");
        }
        catch (Exception e) when (e is AuthenticationException or IOException)
        {
            Assert.That(server.ProblemsLogged, Is.Empty);
        }
    }
}
