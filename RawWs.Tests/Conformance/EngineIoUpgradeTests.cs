using System.Text;
using Microsoft.Extensions.Time.Testing;
using RawWs.Protocol.WebSockets;
using RawWs.Server.Engine;
using RawWs.Tests.Support;

namespace RawWs.Tests.Conformance;

/// <summary>From polling to a WebSocket: what passes in between, and what goes wrong on purpose.</summary>
[TestFixture]
public sealed class EngineIoUpgradeTests
{
    private EngineEcho _echo = null!;

    [SetUp]
    public void Create_the_handler() => _echo = new EngineEcho();

    [Test]
    public async Task Session_moves_to_the_websocket()
    {
        await using var server = await StartAsync();
        var client = await EngineClient.OpenAsync(server);
        using var socket = await client.UpgradeAsync();
        await socket.SendFrameAsync(Opcode.Text, "4hello");
        Assert.That((await socket.ReadFrameAsync()).Text, Is.EqualTo("4hello"));
        await socket.SendAsync(WireClient.Frame(Opcode.Binary, [1, 2, 3]));
        var binary = await socket.ReadFrameAsync();
        Assert.That((binary.Opcode, Convert.ToHexString(binary.Payload)), Is.EqualTo((Opcode.Binary, "010203")));
        Assert.That(_echo.Last!.TransportName, Is.EqualTo("websocket"));
    }

    [Test]
    public async Task Waiting_poll_is_released_by_the_probe()
    {
        await using var server = await StartAsync();
        var client = await EngineClient.OpenAsync(server);
        using var poll = await client.BeginPollAsync();
        await IsPolledAsync();
        using var socket = await client.OpenWebSocketAsync();
        await socket.SendFrameAsync(Opcode.Text, "2probe");
        Assert.That((await socket.ReadFrameAsync()).Text, Is.EqualTo("3probe"));
        Assert.That((await EngineClient.ReadAsync(poll)).Body, Is.EqualTo("6"));
    }

    [Test]
    public async Task Poll_during_the_probe_is_released_soon()
    {
        var time = new FakeTimeProvider();
        await using var server = await StartAsync(time: time);
        var client = await EngineClient.OpenAsync(server);
        using var socket = await client.OpenWebSocketAsync();
        await socket.SendFrameAsync(Opcode.Text, "2probe");
        await socket.ReadFrameAsync();
        using var poll = await client.BeginPollAsync();
        await IsPolledAsync();
        time.Run(TimeSpan.FromMilliseconds(200));
        Assert.That((await EngineClient.ReadAsync(poll)).Body, Is.EqualTo("6"));
    }

    [Test]
    public async Task Messages_go_by_polling_until_the_client_has_moved()
    {
        await using var server = await StartAsync();
        var client = await EngineClient.OpenAsync(server);
        using var socket = await client.OpenWebSocketAsync();
        await socket.SendFrameAsync(Opcode.Text, "2probe");
        await socket.ReadFrameAsync();
        await client.PostAsync("4one");
        Assert.That((await client.PollAsync()).Body, Is.EqualTo("4one"));
    }

    [Test]
    public async Task What_waits_is_flushed_in_order_on_the_websocket()
    {
        await using var server = await StartAsync();
        var client = await EngineClient.OpenAsync(server);
        await client.PostAsync("4one\u001ebAQID\u001e4two");
        using var socket = await client.UpgradeAsync();
        await socket.SendFrameAsync(Opcode.Text, "4three");
        Assert.That((await socket.ReadFrameAsync()).Text, Is.EqualTo("4one"));
        var binary = await socket.ReadFrameAsync();
        Assert.That((binary.Opcode, Convert.ToHexString(binary.Payload)), Is.EqualTo((Opcode.Binary, "010203")));
        Assert.That((await socket.ReadFrameAsync()).Text, Is.EqualTo("4two"));
        Assert.That((await socket.ReadFrameAsync()).Text, Is.EqualTo("4three"));
    }

    [Test]
    public async Task Probe_and_upgrade_in_one_write_with_a_poll_behind()
    {
        await using var server = await StartAsync();
        var client = await EngineClient.OpenAsync(server);
        using var socket = await client.OpenWebSocketAsync();
        await socket.SendAsync((byte[])[.. WireClient.Frame(Opcode.Text, "2probe"), .. WireClient.Frame(Opcode.Text, "5")]);
        Assert.That((await socket.ReadFrameAsync()).Text, Is.EqualTo("3probe"));
        await Eventually.IsTrueAsync(() => _echo.Last!.TransportName == "websocket");
        var poll = await client.PollAsync();
        Assert.That((poll.Status, poll.Code), Is.EqualTo((400, 3)));
        Assert.That((await client.PostAsync("4x")).Code, Is.EqualTo(3));
        await socket.SendFrameAsync(Opcode.Text, "4alive");
        Assert.That((await socket.ReadFrameAsync()).Text, Is.EqualTo("4alive"));
    }

    [Test]
    public async Task Poll_that_waits_when_the_client_moves_is_released()
    {
        await using var server = await StartAsync();
        var client = await EngineClient.OpenAsync(server);
        using var poll = await client.BeginPollAsync();
        await IsPolledAsync();
        using var socket = await client.OpenWebSocketAsync();
        await socket.SendFrameAsync(Opcode.Text, "5");
        Assert.That((await EngineClient.ReadAsync(poll)).Body, Is.EqualTo("6"));
        await socket.SendFrameAsync(Opcode.Text, "4alive");
        Assert.That((await socket.ReadFrameAsync()).Text, Is.EqualTo("4alive"));
    }

    [Test]
    public async Task What_was_posted_before_comes_before_what_the_websocket_says()
    {
        var isPosted = new TaskCompletionSource();
        var gate = new TaskCompletionSource();
        var heard = new List<string>();
        _echo = new EngineEcho
        {
            Message = async (session, type, payload) =>
            {
                var text = Encoding.UTF8.GetString(payload.Span);
                if (text == "posted 1")
                {
                    isPosted.SetResult();
                    await gate.Task;
                }

                lock (heard)
                    heard.Add(text);
            },
        };
        await using var server = await StartAsync();
        var client = await EngineClient.OpenAsync(server);
        var posted = client.PostAsync("4posted 1\u001e4posted 2");
        await isPosted.Task.WaitAsync(WireClient.Patience);
        using var socket = await client.UpgradeAsync();
        await socket.SendFrameAsync(Opcode.Text, "4sent");
        // By the time of these answers a server that does not wait has long heard it.
        for (var i = 0; i < 10; i++)
            await EngineClient.GetAsync(server, "/health");
        gate.SetResult();
        Assert.That((await posted).Body, Is.EqualTo("ok"));
        await Eventually.IsTrueAsync(() => heard.Count == 3);
        Assert.That(heard, Is.EqualTo(["posted 1", "posted 2", "sent"]));
    }

    [TestCase("2")]
    [TestCase("2other")]
    [TestCase("3probe")]
    [TestCase("4message")]
    [TestCase("6")]
    [TestCase("x")]
    [TestCase("2probe", Opcode.Binary)]
    [TestCase("5", Opcode.Binary)]
    public async Task Anything_else_on_the_probing_websocket_closes_it_alone(
        string payload, Opcode type = Opcode.Text)
    {
        await using var server = await StartAsync();
        var client = await EngineClient.OpenAsync(server);
        using var socket = await client.OpenWebSocketAsync();
        await socket.SendFrameAsync(type, payload);
        await socket.AnswerCloseAsync(CloseCode.PolicyViolation);
        await client.PostAsync("4alive");
        Assert.That((await client.PollAsync()).Body, Is.EqualTo("4alive"));
        using var again = await client.UpgradeAsync();
        await again.SendFrameAsync(Opcode.Text, "4moved");
        Assert.That((await again.ReadFrameAsync()).Text, Is.EqualTo("4moved"));
    }

    [Test]
    public async Task Websocket_that_vanishes_during_the_probe_leaves_the_session_alone()
    {
        await using var server = await StartAsync();
        var client = await EngineClient.OpenAsync(server);
        using (var socket = await client.OpenWebSocketAsync())
        {
            await socket.SendFrameAsync(Opcode.Text, "2probe");
            await socket.ReadFrameAsync();
            socket.Reset();
        }

        await client.PostAsync("4alive");
        Assert.That((await client.PollAsync()).Body, Is.EqualTo("4alive"));
    }

    [Test]
    public async Task Probe_that_is_never_completed_times_out()
    {
        var time = new FakeTimeProvider();
        await using var server = await StartAsync(time: time);
        var client = await EngineClient.OpenAsync(server);
        using var socket = await client.OpenWebSocketAsync();
        await socket.SendFrameAsync(Opcode.Text, "2probe");
        await socket.ReadFrameAsync();
        time.Run(TimeSpan.FromSeconds(9.8));
        await socket.SendFrameAsync(Opcode.Text, "2probe");
        Assert.That((await socket.ReadFrameAsync()).Text, Is.EqualTo("3probe"), "it has its time");
        time.Run(TimeSpan.FromSeconds(0.4));
        var close = await socket.ReadFrameAsync();
        Assert.That((close.Opcode, close.CloseCode), Is.EqualTo((Opcode.Close, CloseCode.PolicyViolation)));
        await client.PostAsync("4alive");
        Assert.That((await client.PollAsync()).Body, Is.EqualTo("4alive"));
        Assert.That(_echo.HasEnded(client.Sid), Is.False);
    }

    [Test]
    public async Task Second_websocket_of_a_session_is_accepted_and_closed()
    {
        await using var server = await StartAsync();
        var client = await EngineClient.OpenAsync(server);
        using var socket = await client.UpgradeAsync();
        await Eventually.IsTrueAsync(() => _echo.Last!.TransportName == "websocket");
        using var second = await client.OpenWebSocketAsync();
        await second.AnswerCloseAsync(CloseCode.PolicyViolation);
        await socket.SendFrameAsync(Opcode.Text, "4alive");
        Assert.That((await socket.ReadFrameAsync()).Text, Is.EqualTo("4alive"));
    }

    [Test]
    public async Task Second_websocket_that_probes_is_closed_and_the_first_goes_on()
    {
        await using var server = await StartAsync();
        var client = await EngineClient.OpenAsync(server);
        using var first = await client.OpenWebSocketAsync();
        await first.SendFrameAsync(Opcode.Text, "2probe");
        await first.ReadFrameAsync();
        using var second = await client.OpenWebSocketAsync();
        await second.AnswerCloseAsync(CloseCode.PolicyViolation);
        await first.SendFrameAsync(Opcode.Text, "5");
        await first.SendFrameAsync(Opcode.Text, "4moved");
        Assert.That((await first.ReadFrameAsync()).Text, Is.EqualTo("4moved"));
    }

    [Test]
    public async Task Session_that_ends_takes_its_probe_along()
    {
        await using var server = await StartAsync();
        var client = await EngineClient.OpenAsync(server);
        using var socket = await client.OpenWebSocketAsync();
        await socket.SendFrameAsync(Opcode.Text, "2probe");
        await socket.ReadFrameAsync();
        await client.PostAsync("1");
        Assert.That((await socket.ReadFrameAsync()).Opcode, Is.EqualTo(Opcode.Close));
        await _echo.ExpectEndAsync(client.Sid, "transport close");
    }

    [Test]
    public async Task Goodbye_on_the_websocket_closes_at_once()
    {
        await using var server = await StartAsync();
        using var socket = await server.OpenAsync("/engine.io/?EIO=4&transport=websocket");
        await socket.ReadFrameAsync();
        await socket.SendFrameAsync(Opcode.Text, "1");
        await socket.AnswerCloseAsync(CloseCode.NormalClosure);
        await _echo.ExpectEndAsync(_echo.Last!.Id, "transport close");
    }

    [TestCase("0")]
    [TestCase("5")]
    [TestCase("6")]
    [TestCase("3")]
    public async Task Packet_that_means_nothing_on_the_websocket_is_ignored(string packet)
    {
        await using var server = await StartAsync();
        using var socket = await server.OpenAsync("/engine.io/?EIO=4&transport=websocket");
        await socket.ReadFrameAsync();
        await socket.SendFrameAsync(Opcode.Text, packet);
        await socket.SendFrameAsync(Opcode.Text, "4after");
        Assert.That((await socket.ReadFrameAsync()).Text, Is.EqualTo("4after"));
    }

    [Test]
    public async Task Websocket_message_is_one_packet_whatever_is_in_it()
    {
        await using var server = await StartAsync();
        using var socket = await server.OpenAsync("/engine.io/?EIO=4&transport=websocket");
        await socket.ReadFrameAsync();
        await socket.SendFrameAsync(Opcode.Text, "4one\u001e4two");
        Assert.That((await socket.ReadFrameAsync()).Text, Is.EqualTo("4one\u001e4two"));
    }

    [TestCase("2", "transport error")]
    [TestCase("abc", "parse error")]
    [TestCase("", "parse error")]
    [TestCase("b!", "parse error")]
    public async Task Websocket_message_that_breaks_a_rule_ends_the_session(string text, string reason)
    {
        await using var server = await StartAsync();
        using var socket = await server.OpenAsync("/engine.io/?EIO=4&transport=websocket");
        await socket.ReadFrameAsync();
        await socket.SendFrameAsync(Opcode.Text, text);
        await socket.AnswerCloseAsync(CloseCode.PolicyViolation);
        await _echo.ExpectEndAsync(_echo.Last!.Id, reason);
    }

    [Test]
    public async Task Websocket_message_over_the_limit_is_1009()
    {
        await using var server = await StartAsync(new EngineOptions { MaxPayloadBytes = 1000 });
        using var socket = await server.OpenAsync("/engine.io/?EIO=4&transport=websocket");
        await socket.ReadFrameAsync();
        await socket.SendFrameAsync(Opcode.Text, "4" + new string('x', 1000));
        await socket.ExpectCloseAsync(CloseCode.MessageTooBig);
        await _echo.ExpectEndAsync(_echo.Last!.Id, "transport error");
    }

    [Test]
    public async Task Client_that_asks_for_base64_gets_text()
    {
        await using var server = await StartAsync();
        using var socket = await server.OpenAsync("/engine.io/?EIO=4&transport=websocket&b64=1");
        await socket.ReadFrameAsync();
        await socket.SendAsync(WireClient.Frame(Opcode.Binary, [1, 2, 3]));
        Assert.That((await socket.ReadFrameAsync()).Text, Is.EqualTo("bAQID"));
        await socket.SendFrameAsync(Opcode.Text, "bBAU=");
        Assert.That((await socket.ReadFrameAsync()).Text, Is.EqualTo("bBAU="));
    }

    [Test]
    public async Task Client_that_asks_for_base64_with_its_upgrade_gets_text()
    {
        await using var server = await StartAsync();
        var client = await EngineClient.OpenAsync(server);
        await client.PostAsync("bAQID");
        using var socket = await client.OpenWebSocketAsync("&b64=1");
        await socket.SendFrameAsync(Opcode.Text, "5");
        Assert.That((await socket.ReadFrameAsync()).Text, Is.EqualTo("bAQID"), "what waited");
        await socket.SendFrameAsync(Opcode.Text, "bBAU=");
        Assert.That((await socket.ReadFrameAsync()).Text, Is.EqualTo("bBAU="));
    }

    [Test]
    public async Task Upgrade_is_refused_where_it_is_not_allowed()
    {
        await using var server = await StartAsync(new EngineOptions { AllowUpgrades = false });
        var client = await EngineClient.OpenAsync(server);
        using var socket = await WireClient.ConnectAsync(server.EndPoint);
        await socket.SendTextAsync(
            WireClient.Handshake($"/engine.io/?EIO=4&transport=websocket&sid={client.Sid}"));
        Assert.That(await socket.ReadHeadAsync(), Does.StartWith("HTTP/1.1 400 "));
    }

    private Task IsPolledAsync() => Eventually.IsTrueAsync(() => _echo.Last!.IsPolled, "the poll did not come in");

    private Task<TestServer> StartAsync(EngineOptions? engine = null, TimeProvider? time = null) =>
        TestServer.StartAsync(map: server => server.MapEngine("/engine.io/", _echo, engine), timeProvider: time);
}
