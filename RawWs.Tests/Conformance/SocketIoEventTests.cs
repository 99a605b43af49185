using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Time.Testing;
using RawWs.Protocol.WebSockets;
using RawWs.Server;
using RawWs.Tests.Support;

namespace RawWs.Tests.Conformance;

/// <summary>Events and answers on the wire of Socket.IO, byte by byte.</summary>
[TestFixture]
public sealed class SocketIoEventTests
{
    private const string Placeholder = "{\"_placeholder\":true,\"num\":0}";

    private SocketIoApp _app = null!;

    [SetUp]
    public void Create_the_application() => _app = new SocketIoApp();

    [TestCase("42[\"message\"]", "42[\"message-back\"]")]
    [TestCase("42[\"message\",1,\"2\",{\"3\":[true]}]", "42[\"message-back\",1,\"2\",{\"3\":[true]}]")]
    [TestCase("42[ \"message\" , { \"b\" : 1 , \"a\" : \" x \" } ]", "42[\"message-back\",{\"b\":1,\"a\":\" x \"}]")]
    [TestCase("42[\"mess\\u0061ge\",\"\\u0061\"]", "42[\"message-back\",\"\\u0061\"]")]
    [TestCase("421[\"ack\"]", "431[]")]
    [TestCase("42456[\"ack\",1,\"2\"]", "43456[1,\"2\"]")]
    [TestCase("429007199254740991[\"ack\",null]", "439007199254740991[null]")]
    [TestCase("42[\"message\",1e999,-0,9007199254740993]", "42[\"message-back\",1e999,-0,9007199254740993]")]
    [TestCase("42[\"message\",\"\\ud800\",{\"a\":1,\"a\":2,\"__proto__\":3}]", "42[\"message-back\",\"\\ud800\",{\"a\":1,\"a\":2,\"__proto__\":3}]")]
    public async Task Event_is_answered(string packet, string answer)
    {
        await using var server = await StartAsync();
        using var client = await server.JoinAsync();
        await client.SendPacketAsync(packet);
        await client.ExpectPacketAsync(answer);
    }

    [TestCase("42")]
    [TestCase("421")]
    [TestCase("43")]
    [TestCase("42[1,\"x\"]")]
    [TestCase("42[\"error\"]")]
    [TestCase("42[\"__proto__\"]")]
    [TestCase("42[\"nobody listens\",1]")]
    [TestCase("43999[\"unknown ack\"]")]
    [TestCase("42[\"boom\"]")]
    [TestCase("421[\"boom\"]")]
    public async Task Packet_is_accepted_silently(string packet)
    {
        await using var server = await StartAsync();
        using var client = await server.JoinAsync();
        await client.SendPacketAsync(packet);
        await client.ExpectAliveAsync();
    }

    [TestCase(100)]
    [TestCase(127)]
    public async Task Nesting_up_to_the_limit_passes(int depth)
    {
        var deep = new string('[', depth) + new string(']', depth);
        await using var server = await StartAsync();
        using var client = await server.JoinAsync();
        await client.SendPacketAsync($"42[\"message\",{deep}]");
        await client.ExpectPacketAsync($"42[\"message-back\",{deep}]");
    }

    [TestCase(128)]
    [TestCase(100_000)]
    public async Task Nesting_beyond_the_limit_costs_its_own_client_alone(int depth)
    {
        await using var server = await StartAsync();
        using var hostile = await server.JoinAsync();
        using var other = await server.JoinAsync();
        await hostile.SendPacketAsync($"42[\"message\",{new string('[', depth)}{new string(']', depth)}]");
        await hostile.ExpectClosedAsync();
        await other.ExpectAliveAsync();
    }

    [Test]
    public async Task Bytes_follow_their_packet()
    {
        await using var server = await StartAsync();
        using var client = await server.JoinAsync();
        await client.SendPacketAsync(
            $"452-[\"message\",{Placeholder},{{\"a\":{{\"_placeholder\":true,\"num\":1}}}},\"x\"]");
        await client.SendAsync(WireClient.Frame(Opcode.Binary, [1, 2]));
        await client.SendAsync(WireClient.Frame(Opcode.Binary, [3]));
        await client.ExpectPacketAsync(
            $"452-[\"message-back\",{Placeholder},{{\"a\":{{\"_placeholder\":true,\"num\":1}}}},\"x\"]");
        Assert.That(Convert.ToHexString((await client.ReadFrameAsync()).Payload), Is.EqualTo("0102"));
        Assert.That(Convert.ToHexString((await client.ReadFrameAsync()).Payload), Is.EqualTo("03"));
    }

    [Test]
    public async Task Bytes_of_an_answer_follow_it()
    {
        await using var server = await StartAsync();
        using var client = await server.JoinAsync();
        await client.SendPacketAsync($"451-7[\"ack\",{Placeholder}]");
        await client.SendAsync(WireClient.Frame(Opcode.Binary, [1, 2]));
        await client.ExpectPacketAsync($"461-7[{Placeholder}]");
        Assert.That(Convert.ToHexString((await client.ReadFrameAsync()).Payload), Is.EqualTo("0102"));
    }

    [Test]
    public async Task Bytes_over_polling_are_base64()
    {
        await using var server = await StartAsync();
        var client = await EngineClient.OpenAsync(server, "/socket.io/");
        await client.PostAsync("40");
        await client.PollAsync();
        await client.PostAsync($"451-[\"message\",{Placeholder}]\u001ebAQID");
        Assert.That((await client.PollAsync()).Body, Is.EqualTo($"451-[\"message-back\",{Placeholder}]\u001ebAQID"));
    }

    [Test]
    public async Task Volatile_event_waits_for_a_poll_that_is_on_its_way_and_not_for_one_that_does_not_come()
    {
        var time = new FakeTimeProvider();
        await using var server = await TestServer.StartAsync(map: _app.Register, timeProvider: time);
        var client = await EngineClient.OpenAsync(server, "/socket.io/");
        await client.PostAsync("40");
        await client.PollAsync();
        time.Run(TimeSpan.FromSeconds(0.5));
        server.Server.Volatile.Emit("tick", 1);
        Assert.That((await client.PollAsync()).Body, Is.EqualTo("42[\"tick\",1]"));
        time.Run(TimeSpan.FromSeconds(1.5));
        server.Server.Volatile.Emit("tick", 2);
        server.Server.Emit("news", 3);
        Assert.That((await client.PollAsync()).Body, Is.EqualTo("42[\"news\",3]"));
    }

    [Test]
    public async Task Volatile_event_over_polling_is_dropped_where_much_waits()
    {
        await using var server = await TestServer.StartAsync(
            options => options.OutboxHighWaterBytes = 256, map: _app.Register);
        var client = await EngineClient.OpenAsync(server, "/socket.io/");
        await client.PostAsync("40");
        await client.PollAsync();
        var news = new string('x', 256);
        server.Server.Emit("news", news);
        server.Server.Volatile.Emit("tick", 1);
        Assert.That((await client.PollAsync()).Body, Is.EqualTo($"42[\"news\",\"{news}\"]"));
    }

    [Test]
    public async Task Bytes_are_text_for_a_client_that_asks_for_base64()
    {
        await using var server = await StartAsync();
        using var client = await server.OpenAsync(SocketIoWire.Path + "&b64=1");
        await client.ReadFrameAsync();
        await client.SendPacketAsync("40");
        await client.ReadFrameAsync();
        await client.SendPacketAsync($"451-[\"message\",{Placeholder}]");
        await client.SendPacketAsync("bAQID");
        await client.ExpectPacketAsync($"451-[\"message-back\",{Placeholder}]");
        await client.ExpectPacketAsync("bAQID");
        await client.SendPacketAsync($"451-7[\"ack\",{Placeholder}]");
        await client.SendPacketAsync("bBAU=");
        await client.ExpectPacketAsync($"461-7[{Placeholder}]");
        await client.ExpectPacketAsync("bBAU=");
    }

    [Test]
    public async Task Handler_of_bytes_gets_bytes()
    {
        await using var server = await StartAsync();
        using var client = await server.JoinAsync();
        await client.SendPacketAsync($"451-1[\"length\",{Placeholder}]");
        await client.SendAsync(WireClient.Frame(Opcode.Binary, new byte[12]));
        await client.ExpectPacketAsync("431[12]");
        await client.SendPacketAsync("422[\"length\",\"AQID\"]");
        await client.ExpectPacketAsync("432[3]");
    }

    [Test]
    public async Task Attachment_that_no_placeholder_uses_is_taken()
    {
        await using var server = await StartAsync();
        using var client = await server.JoinAsync();
        await client.SendPacketAsync("451-1[\"ack\",\"no place\"]");
        await client.SendAsync(WireClient.Frame(Opcode.Binary, [1]));
        Assert.That((await client.ReadFrameAsync()).Text, Does.Contain("[\"no place\"]"));
    }

    [TestCase("450-[\"message\"]")]
    [TestCase("4511-[\"message\"]")]
    [TestCase("45-1-[\"message\"]")]
    [TestCase("451e1-[\"message\"]")]
    [TestCase("45[\"message\"]")]
    [TestCase("451-[\"message\",{\"_placeholder\":true,\"num\":1}]")]
    [TestCase("451-[\"message\",{\"_placeholder\":true,\"num\":-1}]")]
    [TestCase("451-[\"message\",{\"_placeholder\":true,\"num\":0.5}]")]
    [TestCase("429007199254740992[\"ack\"]")]
    public async Task Packet_with_a_bad_number_closes_the_connection(string packet)
    {
        await using var server = await StartAsync();
        using var client = await server.JoinAsync();
        await client.SendPacketAsync(packet);
        await client.ExpectClosedAsync();
        await _app.ExpectEndsAsync("forced close");
    }

    [Test]
    public async Task Text_where_bytes_are_due_closes_the_connection()
    {
        await using var server = await StartAsync();
        using var client = await server.JoinAsync();
        await client.SendPacketAsync($"451-[\"message\",{Placeholder}]");
        await client.SendPacketAsync("42[\"message\"]");
        await client.ExpectClosedAsync();
    }

    [Test]
    public async Task Bytes_that_nobody_announced_close_the_connection()
    {
        await using var server = await StartAsync();
        using var client = await server.JoinAsync();
        await client.SendAsync(WireClient.Frame(Opcode.Binary, [1]));
        await client.ExpectClosedAsync();
    }

    [Test]
    public async Task Second_answer_is_ignored()
    {
        var answers = new List<int>();
        await using var server = await StartAsync();
        server.Server.OnConnection(async socket =>
        {
            answers.Add(await socket.EmitWithAckAsync<int>("question"));
            socket.Emit("thanks");
        });
        using var client = await server.OpenSessionAsync();
        await client.SendPacketAsync("40");
        await client.ReadFrameAsync();
        await client.ExpectPacketAsync("420[\"question\"]");
        await client.SendPacketsAsync("430[1]", "430[2]");
        await client.ExpectPacketAsync("42[\"thanks\"]");
        Assert.That(answers, Is.EqualTo([1]));
    }

    [Test]
    public async Task One_ack_id_serves_every_receiver_of_a_broadcast()
    {
        await using var server = await StartAsync();
        using var one = await server.JoinAsync();
        using var two = await server.JoinAsync();
        var answers = server.Server.To().EmitWithAckAsync<int, int>("sum", 1);
        var first = (await one.ReadFrameAsync()).Text;
        Assert.That((await two.ReadFrameAsync()).Text, Is.EqualTo(first));
        var id = first[2..first.IndexOf('[', StringComparison.Ordinal)];
        await one.SendPacketAsync($"43{id}[10]");
        await two.SendPacketAsync($"43{id}[20]");
        Assert.That((await answers).Values.Order(), Is.EqualTo([10, 20]));
    }

    [Test]
    public async Task Reserved_name_and_too_many_attachments_are_refused_at_the_api()
    {
        await using var server = new RawWsServer();
        Assert.Throws<ArgumentException>(() => server.Emit("connect_error"));
        Assert.Throws<ArgumentException>(() => server.Emit("bytes", Enumerable.Repeat(new byte[1], 11).ToArray()));
        Assert.DoesNotThrow(() => server.Emit("bytes", Enumerable.Repeat(new byte[1], 10).ToArray()));
    }

    [Test]
    public async Task Handler_that_throws_is_logged_in_one_line()
    {
        await using var server = await StartAsync();
        using var client = await server.JoinAsync();
        await client.SendPacketAsync("42[\"boom\"]");
        await client.ExpectAliveAsync();
        Assert.That(server.Logs.GetSnapshot().Count(record => record.Level == LogLevel.Error), Is.EqualTo(1));
    }

    [TestCase("\u001b[31mred")]
    [TestCase("two\nlines")]
    [TestCase("nul\u0000")]
    public async Task Control_characters_of_a_client_do_not_reach_the_log(string text)
    {
        var escaped = System.Text.Json.JsonSerializer.Serialize(text);
        await using var server = await StartAsync();
        using var client = await server.JoinAsync();
        await client.SendPacketAsync($"42[{escaped},1]");
        await client.SendPacketAsync($"421[\"length\",[{escaped}]]");
        await client.ExpectAliveAsync();
        await client.SendPacketAsync($"40/{text.Replace("\n", "", StringComparison.Ordinal)},");
        await client.ReadFrameAsync();
        var lines = server.Logs.GetSnapshot().Select(record => record.Message);
        Assert.That(lines, Has.None.Match("[\u0000-\u001f]"));
    }

    [Test]
    public async Task Plain_envelope_and_socket_io_clients_hear_each_other()
    {
        await using var server = await StartAsync();
        server.Server.OnConnection(socket =>
        {
            socket.On("chat", context => socket.Broadcast.Emit("chat", context.Arguments));
            socket.On("picture", context => socket.Broadcast.Emit("picture", context.Arguments));
        });
        using var plain = await server.OpenAsync("/ws");
        await plain.SendFrameAsync(Opcode.Text, "{\"event\":\"connect\"}");
        Assert.That((await plain.ReadFrameAsync()).Text, Does.StartWith("{\"event\":\"connect\""));
        using var client = await server.JoinAsync();

        await client.SendPacketAsync("42[\"chat\",\"from socket.io\"]");
        await plain.ExpectPacketAsync("{\"event\":\"chat\",\"data\":\"from socket.io\"}");
        await plain.SendFrameAsync(Opcode.Text, "{\"event\":\"chat\",\"args\":[1,2]}");
        await client.ExpectPacketAsync("42[\"chat\",1,2]");
        await client.SendPacketAsync($"451-[\"picture\",{{\"data\":{Placeholder}}}]");
        await client.SendAsync(WireClient.Frame(Opcode.Binary, [1, 2, 3]));
        await plain.ExpectPacketAsync("{\"event\":\"picture\",\"data\":{\"data\":\"AQID\"}}");
    }

    [Test]
    public async Task Close_of_the_client_is_told_by_its_reason()
    {
        await using var server = await StartAsync();
        using (var polite = await server.JoinAsync())
        {
            await polite.SendAsync(WireClient.CloseFrame(1000));
            await _app.ExpectEndsAsync("transport close");
        }

        using var pinging = await server.JoinAsync();
        await pinging.SendPacketAsync("2");
        await _app.ExpectEndsAsync("transport close", "transport error");
        using var garbled = await server.JoinAsync();
        await garbled.SendPacketAsync("zzz");
        await _app.ExpectEndsAsync("transport close", "transport error", "parse error");
    }

    private Task<TestServer> StartAsync() => TestServer.StartAsync(map: _app.Register);
}
