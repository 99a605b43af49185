using Microsoft.Extensions.Time.Testing;
using RawWs.Protocol.EngineIO;
using RawWs.Protocol.WebSockets;
using RawWs.Server;
using RawWs.Server.Engine;
using RawWs.Server.Events;
using RawWs.Tests.Support;

namespace RawWs.Tests.Conformance;

/// <summary>The first request of an Engine.IO session: what is checked in which order, and what comes back.</summary>
[TestFixture]
public sealed class EngineIoHandshakeTests
{
    private const string Polling = "/engine.io/?EIO=4&transport=polling";
    private const string WebSocket = "/engine.io/?EIO=4&transport=websocket";

    [Test]
    public async Task Open_packet_has_its_five_keys_in_order()
    {
        await using var server = await StartAsync();
        var opened = await EngineClient.GetAsync(server, Polling);
        Assert.Multiple(() =>
        {
            Assert.That(opened.Body, Does.Match(
                """^0\{"sid":"[A-Za-z0-9_-]{20}","upgrades":\["websocket"\],"pingInterval":25000,"pingTimeout":20000,"maxPayload":1000000\}$"""));
            Assert.That(opened.Header("Content-Type"), Is.EqualTo("text/plain; charset=UTF-8"));
            Assert.That(opened.Header("Cache-Control"), Is.EqualTo("no-store"));
        });
    }

    [Test]
    public async Task Open_packet_over_a_websocket_offers_no_upgrade()
    {
        await using var server = await StartAsync();
        using var client = await server.OpenAsync(WebSocket);
        Assert.That((await client.ReadFrameAsync()).Text, Does.Contain("\"upgrades\":[]"));
    }

    [TestCase(EngineTransports.Polling | EngineTransports.WebSocket, false)]
    [TestCase(EngineTransports.Polling, true)]
    public async Task Open_packet_offers_no_upgrade_that_is_not_allowed(EngineTransports transports, bool allows)
    {
        await using var server = await StartAsync(
            new EngineOptions { Transports = transports, AllowUpgrades = allows });
        Assert.That((await EngineClient.GetAsync(server, Polling)).Body, Does.Contain("\"upgrades\":[]"));
    }

    [Test]
    public async Task Every_bit_of_a_session_id_is_random()
    {
        await using var server = await StartAsync();
        var ids = new List<string>();
        while (ids.Count < RandomIds.Enough)
            ids.Add((await EngineClient.OpenAsync(server)).Sid);
        RandomIds.Expect(ids, bytes: 15);
    }

    [TestCase("/engine.io?EIO=4&transport=polling")]
    [TestCase("/engine.io/?EIO=4&transport=polling&t=abc123")]
    [TestCase("/engine.io/any/thing?transport=polling&EIO=4")]
    public async Task Path_matches_with_and_without_a_slash_and_below_it(string target)
    {
        await using var server = await StartAsync();
        Assert.That((await EngineClient.GetAsync(server, target)).Status, Is.EqualTo(200));
    }

    [Test]
    public async Task Path_that_only_begins_like_it_is_another()
    {
        await using var server = await StartAsync();
        Assert.That((await EngineClient.GetAsync(server, "/engine.iox?EIO=4&transport=polling")).Status, Is.EqualTo(404));
    }

    [TestCase("GET", "EIO=4", 0, "Transport unknown")]
    [TestCase("GET", "EIO=4&transport=abc", 0, "Transport unknown")]
    [TestCase("GET", "EIO=4&transport=webtransport", 0, "Transport unknown")]
    [TestCase("POST", "EIO=3&transport=__proto__&sid=x", 0, "Transport unknown")]
    [TestCase("GET", "EIO=4&transport=polling&sid=abc", 1, "Session ID unknown")]
    [TestCase("GET", "EIO=3&transport=polling&sid=abc", 1, "Session ID unknown")]
    [TestCase("GET", "EIO=4&transport=polling&sid=__proto__", 1, "Session ID unknown")]
    [TestCase("POST", "EIO=4&transport=polling&sid=constructor", 1, "Session ID unknown")]
    [TestCase("POST", "EIO=4&transport=polling", 2, "Bad handshake method")]
    [TestCase("PUT", "EIO=3&transport=polling", 2, "Bad handshake method")]
    [TestCase("HEAD", "EIO=4&transport=polling", -1, "")]
    [TestCase("GET", "EIO=4&transport=websocket", 3, "Bad request")]
    [TestCase("GET", "EIO=4&transport=polling&j=0", 3, "JSONP is not supported")]
    [TestCase("GET", "EIO=3&transport=polling", 5, "Unsupported protocol version")]
    [TestCase("GET", "EIO=&transport=polling", 5, "Unsupported protocol version")]
    [TestCase("GET", "EIO=4.0&transport=polling", 5, "Unsupported protocol version")]
    [TestCase("GET", "EIO=abc&transport=polling", 5, "Unsupported protocol version")]
    [TestCase("GET", "transport=polling", 5, "Unsupported protocol version")]
    public async Task Request_that_breaks_a_rule_gets_its_code(string method, string query, int code, string message)
    {
        await using var server = await StartAsync();
        var answer = await EngineClient.SendAsync(server.EndPoint, method, $"/engine.io/?{query}", "", "");
        Assert.That(answer.Status, Is.EqualTo(400));
        if (code < 0)
            return;
        Assert.Multiple(() =>
        {
            Assert.That(answer.Body, Is.EqualTo($$"""{"code":{{code}},"message":"{{message}}"}"""));
            Assert.That(answer.Header("Content-Type"), Is.EqualTo("application/json"));
        });
    }

    [TestCase("")]
    [TestCase("EIO=3&")]
    [TestCase("EIO=5&")]
    public async Task Live_session_takes_no_other_version(string version)
    {
        await using var server = await StartAsync();
        var client = await EngineClient.OpenAsync(server);
        var answer = await EngineClient.GetAsync(server, $"/engine.io/?{version}transport=polling&sid={client.Sid}");
        Assert.That((answer.Status, answer.Code), Is.EqualTo((400, 3)));
    }

    [TestCase("GET", "transport=websocket")]
    [TestCase("POST", "transport=websocket")]
    [TestCase("GET", "transport=polling", "Upgrade: websocket\r\nConnection: Upgrade\r\n")]
    public async Task Request_over_another_transport_is_refused_and_the_session_goes_on(
        string method, string transport, string headers = "")
    {
        await using var server = await StartAsync();
        var client = await EngineClient.OpenAsync(server);
        var target = $"/engine.io/?EIO=4&{transport}&sid={client.Sid}";
        var answer = await EngineClient.SendAsync(server.EndPoint, method, target, headers, "");
        Assert.That((answer.Status, answer.Body), Is.EqualTo(
            (400, headers == "" ? """{"code":3,"message":"Bad request"}""" : "Bad request")));
        await client.PostAsync("4alive");
        Assert.That((await client.PollAsync()).Body, Is.EqualTo("4alive"));
    }

    [TestCase("EIO=4&transport=abc", "Transport unknown")]
    [TestCase("EIO=4&transport=websocket&sid=abc", "Session ID unknown")]
    [TestCase("EIO=3&transport=websocket", "Unsupported protocol version")]
    [TestCase("EIO=4&transport=polling", "Bad request")]
    public async Task Upgrade_request_that_breaks_a_rule_gets_it_in_plain_words(string query, string message)
    {
        await using var server = await StartAsync();
        using var client = await WireClient.ConnectAsync(server.EndPoint);
        await client.SendTextAsync(WireClient.Handshake($"/engine.io/?{query}"));
        var answer = await EngineClient.ReadAsync(client);
        Assert.That(answer.Status, Is.EqualTo(400));
        Assert.That(answer.Header("Connection"), Is.EqualTo("close"));
        Assert.That(answer.Body, Is.EqualTo(message));
        await client.ExpectEndAsync();
    }

    [TestCase(EngineTransports.WebSocket, Polling)]
    [TestCase(EngineTransports.Polling, WebSocket)]
    public async Task Transport_that_is_not_offered_is_unknown(EngineTransports offered, string target)
    {
        await using var server = await StartAsync(new EngineOptions { Transports = offered });
        Assert.That((await EngineClient.GetAsync(server, target)).Code, Is.Zero);
    }

    [Test]
    public async Task Application_may_refuse_a_session()
    {
        await using var server = await StartAsync(new EngineOptions
        {
            AllowRequest = request => request.Handshake.Query.TryGetValue("why", out var why)
                ? throw new ConnectionRefusedException(why)
                : ValueTask.FromResult(request.Handshake.Headers.ContainsKey("X-Friend")),
        });
        var refused = await EngineClient.GetAsync(server, Polling);
        var told = await EngineClient.GetAsync(server, Polling + "&why=go+%22away%22");
        var let = await EngineClient.GetAsync(server, Polling, "X-Friend: 1\r\n");
        Assert.Multiple(() =>
        {
            Assert.That((refused.Status, refused.Body), Is.EqualTo((403, """{"code":4,"message":"Forbidden"}""")));
            Assert.That(told.Body, Is.EqualTo("""{"code":4,"message":"go \"away\""}"""));
            Assert.That(let.Status, Is.EqualTo(200));
        });
    }

    [Test]
    public async Task Application_may_take_longer_than_the_client_with_its_head()
    {
        var asked = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var allowed = new TaskCompletionSource<bool>(TaskCreationOptions.RunContinuationsAsynchronously);
        var clock = new FakeTimeProvider();
        var options = new EngineOptions
        {
            AllowRequest = _ =>
            {
                asked.SetResult();
                return new ValueTask<bool>(allowed.Task);
            },
        };
        await using var server = await TestServer.StartAsync(
            map: s => s.MapEngine("/engine.io/", new EngineEcho(), options), timeProvider: clock);
        var opening = EngineClient.GetAsync(server, Polling);
        await asked.Task.WaitAsync(WireClient.Patience);
        clock.Run(new ServerOptions().HandshakeTimeout + TimeSpan.FromSeconds(1));
        allowed.SetResult(true);
        Assert.That((await opening).Status, Is.EqualTo(200));
    }

    [Test]
    public async Task Upgrade_request_that_the_application_refuses_is_400_in_plain_words()
    {
        await using var server = await StartAsync(
            new EngineOptions { AllowRequest = _ => ValueTask.FromResult(false) });
        using var client = await WireClient.ConnectAsync(server.EndPoint);
        await client.SendTextAsync(WireClient.Handshake(WebSocket));
        var answer = await EngineClient.ReadAsync(client);
        Assert.That((answer.Status, answer.Body), Is.EqualTo((400, "Forbidden")));
        await client.ExpectEndAsync();
    }

    [Test]
    public async Task Application_is_asked_before_the_version_and_not_about_a_live_session()
    {
        var asked = 0;
        await using var server = await StartAsync(new EngineOptions
        {
            AllowRequest = _ => ValueTask.FromResult(Interlocked.Increment(ref asked) == 1),
        });
        var client = await EngineClient.OpenAsync(server);
        await client.PostAsync("4hello");
        Assert.That((await client.PollAsync()).Body, Is.EqualTo("4hello"));
        Assert.That((await EngineClient.GetAsync(server, "/engine.io/?EIO=3&transport=polling")).Code, Is.EqualTo(4));
    }

    [TestCase(Polling, "")]
    [TestCase(WebSocket, "Upgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n")]
    public async Task Origin_that_is_not_allowed_is_refused_on_both_transports(string target, string headers)
    {
        await using var server = await StartAsync(configure: options => options.AllowedOrigins.Add("http://good.example"));
        var bad = await EngineClient.GetAsync(server, target, headers + "Origin: http://bad.example\r\n");
        Assert.That(bad.Status, Is.EqualTo(403));
        using var good = await WireClient.ConnectAsync(server.EndPoint);
        await good.SendAsync(EngineClient.Request("GET", target, headers + "Origin: http://good.example\r\n"));
        Assert.That(await good.ReadHeadAsync(), Does.Match("^HTTP/1.1 (200|101) "));
    }

    [Test]
    public async Task Control_characters_of_requests_and_goodbyes_do_not_reach_the_log()
    {
        await using var server = await StartAsync(
            configure: options => options.AllowedOrigins.Add("http://good.example"));
        await EngineClient.GetAsync(server, "/engine.io/?EIO=4&transport=a%0D%0A%1B[31m");
        await EngineClient.GetAsync(server, Polling + "&sid=a%0D%0A%1B[31m");
        using var foreign = await WireClient.ConnectAsync(server.EndPoint);
        await foreign.SendTextAsync($"GET {Polling} HTTP/1.1\r\nHost: a\r\nOrigin: http://a\u009b31m\r\n\r\n");
        Assert.That((await EngineClient.ReadAsync(foreign)).Status, Is.EqualTo(403));
        using var leaving = await server.OpenAsync(WebSocket);
        await leaving.ReadFrameAsync();
        await leaving.SendAsync(WireClient.CloseFrame(1000, "bye\r\n\u001b[31m"));
        await Eventually.IsTrueAsync(
            () => Lines().Any(line => line.Contains("closed with 1000", StringComparison.Ordinal)));
        Assert.That(Lines(), Has.None.Match("[\u0000-\u001f\u007f-\u009f]"));

        IEnumerable<string> Lines() => server.Logs.GetSnapshot().Select(record => record.Message);
    }

    [Test]
    public async Task Sessions_are_bounded()
    {
        await using var server = await StartAsync(new EngineOptions { MaxSessions = 2 });
        var reached = server.Meters.CountLimit("sessions");
        await EngineClient.OpenAsync(server);
        using var socket = await server.OpenAsync(WebSocket);
        await socket.ReadFrameAsync();
        Assert.That((await EngineClient.GetAsync(server, Polling)).Status, Is.EqualTo(503));
        using var third = await server.OpenAsync(WebSocket);
        await third.AnswerCloseAsync(CloseCode.PolicyViolation);
        Assert.That(reached(), Is.EqualTo(2));
    }

    [Test]
    public async Task Application_makes_the_id()
    {
        var ids = new Queue<string>(["first", "first", "not a name", "second"]);
        await using var server = await StartAsync(new EngineOptions { GenerateId = _ => ids.Dequeue() });
        Assert.That((await EngineClient.OpenAsync(server)).Sid, Is.EqualTo("first"));
        Assert.That((await EngineClient.GetAsync(server, Polling)).Code, Is.EqualTo(3), "taken");
        Assert.That((await EngineClient.GetAsync(server, Polling)).Code, Is.EqualTo(3), "not of its alphabet");
        Assert.That((await EngineClient.OpenAsync(server)).Sid, Is.EqualTo("second"));
    }

    [Test]
    public async Task Hooks_see_requests_and_add_headers()
    {
        var errors = new List<EngineConnectionError>();
        await using var server = await StartAsync(
            new EngineOptions { Cookie = new EngineCookie { SameSite = "Strict" } },
            hooks: engine =>
            {
                engine.OnInitialHeaders((request, headers) => headers.Add("X-First", request.SessionId ?? "none"));
                engine.OnHeaders((request, headers) => headers.Add("X-Method", request.Method));
                engine.Use((request, headers) =>
                {
                    if (request.Handshake.Query.ContainsKey("refuse"))
                        throw new InvalidOperationException("no");
                    headers.Add("X-Passed", "yes");
                    return default;
                });
                engine.OnConnectionError(errors.Add);
            });

        var opened = await EngineClient.GetAsync(server, Polling);
        var sid = opened.Body.Split('"')[3];
        var client = new EngineClient(server.EndPoint, "/engine.io/", sid);
        var posted = await client.PostAsync("4x");
        var refused = await EngineClient.GetAsync(server, Polling + "&refuse=1");
        using var socket = await WireClient.ConnectAsync(server.EndPoint);
        await socket.SendTextAsync(WireClient.Handshake(WebSocket));
        var accepted = await socket.ReadHeadAsync();
        Assert.Multiple(() =>
        {
            Assert.That(opened.Header("Set-Cookie"), Is.EqualTo($"io={sid}; Path=/; HttpOnly; SameSite=Strict"));
            Assert.That(opened.Header("X-First"), Is.EqualTo("none"));
            Assert.That(opened.Header("X-Method"), Is.EqualTo("GET"));
            Assert.That(posted.Header("X-Method"), Is.EqualTo("POST"));
            Assert.That(posted.Header("X-First"), Is.Null);
            Assert.That(posted.Header("X-Passed"), Is.EqualTo("yes"));
            Assert.That(accepted, Does.Contain("X-Passed: yes").And.Contain("X-First: none").And.Contain("Set-Cookie: io="));
            Assert.That((refused.Status, refused.Code), Is.EqualTo((400, 3)));
            Assert.That(errors.Select(error => error.Code), Is.EqualTo([EngineError.BadRequest]));
        });
    }

    [TestCase("Content-Length", "1")]
    [TestCase("X", "a\r\nb")]
    [TestCase("a b", "c")]
    public async Task Hook_cannot_break_the_answer(string name, string value)
    {
        Exception? thrown = null;
        await using var server = await StartAsync(hooks: engine => engine.OnHeaders((_, headers) =>
        {
            try
            {
                headers.Add(name, value);
            }
            catch (ArgumentException e)
            {
                thrown = e;
            }
        }));
        Assert.That((await EngineClient.GetAsync(server, Polling)).Status, Is.EqualTo(200));
        Assert.That(thrown, Is.Not.Null);
    }

    [Test]
    public void Options_out_of_range_are_refused()
    {
        Assert.Throws<ArgumentOutOfRangeException>(() => new EngineOptions { PingInterval = TimeSpan.Zero }.Validate());
        Assert.Throws<ArgumentOutOfRangeException>(() => new EngineOptions { MaxPayloadBytes = 0 }.Validate());
        Assert.Throws<ArgumentException>(() => new EngineOptions { Transports = EngineTransports.None }.Validate());
        Assert.Throws<ArgumentException>(
            () => new EngineOptions { Cors = new CorsOptions { Origins = { "*" }, Credentials = true } }.Validate());
    }

    private static Task<TestServer> StartAsync(
        EngineOptions? engine = null,
        Action<EngineEndpoint>? hooks = null,
        Action<ServerOptions>? configure = null) =>
        TestServer.StartAsync(configure, server =>
        {
            var endpoint = server.MapEngine("/engine.io/", new EngineEcho(), engine);
            hooks?.Invoke(endpoint);
        });
}
