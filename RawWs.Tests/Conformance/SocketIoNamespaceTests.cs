using Microsoft.Extensions.Time.Testing;
using RawWs.Protocol.WebSockets;
using RawWs.Server;
using RawWs.Server.Events;
using RawWs.Tests.Support;

namespace RawWs.Tests.Conformance;

/// <summary>Joining and leaving namespaces over one Socket.IO connection.</summary>
[TestFixture]
public sealed class SocketIoNamespaceTests
{
    private SocketIoApp _app = null!;

    [SetUp]
    public void Create_the_application() => _app = new SocketIoApp();

    [TestCase("40", "")]
    [TestCase("40{}", "")]
    [TestCase("40{\"token\":[1]}", "")]
    [TestCase("40/custom", "/custom,")]
    [TestCase("40/custom,", "/custom,")]
    [TestCase("40/custom,{\"a\":1}", "/custom,")]
    public async Task Client_joins(string packet, string ns)
    {
        await using var server = await StartAsync();
        using var client = await server.OpenSessionAsync();
        await client.SendPacketAsync(packet);
        Assert.That((await client.ReadFrameAsync()).Text, Does.Match($$"""^40{{ns}}\{"sid":"[A-Za-z0-9_-]{20}"\}$"""));
        await client.ExpectAliveAsync(ns);
    }

    [TestCase("40/random", "44/random,{\"message\":\"Invalid namespace\"}")]
    [TestCase("40/random,{\"a\":1}", "44/random,{\"message\":\"Invalid namespace\"}")]
    [TestCase("40/custom?x=1,", "44/custom?x=1,{\"message\":\"Invalid namespace\"}")]
    public async Task Unknown_namespace_is_refused(string packet, string answer)
    {
        await using var server = await StartAsync();
        using var client = await server.OpenSessionAsync();
        await client.SendPacketAsync(packet);
        await client.ExpectPacketAsync(answer);
        await client.SendPacketAsync("40");
        Assert.That((await client.ReadFrameAsync()).Text, Does.StartWith("40{"));
    }

    [Test]
    public async Task Middleware_refuses_with_its_data()
    {
        await using var server = await StartAsync(s => s.Of("/custom").Use(new Action<EventSocket>(
            _ => throw new ConnectionRefusedException("no \"way\"", new Dictionary<string, string> { ["why"] = "x" }))));
        using var client = await server.OpenSessionAsync();
        await client.SendPacketAsync("40/custom,");
        await client.ExpectPacketAsync("44/custom,{\"message\":\"no \\\"way\\\"\",\"data\":{\"why\":\"x\"}}");
    }

    [Test]
    public async Task Public_id_is_not_the_secret_one()
    {
        await using var server = await StartAsync();
        using var client = await server.OpenAsync(SocketIoWire.Path);
        var sid = (await client.ReadFrameAsync()).Text.Split('"')[3];
        await client.SendPacketAsync("40");
        Assert.That((await client.ReadFrameAsync()).Text.Split('"')[3], Is.Not.EqualTo(sid).And.Length.EqualTo(20));
    }

    [Test]
    public async Task Two_namespaces_in_one_batch_are_both_joined()
    {
        await using var server = await StartAsync();
        var client = await EngineClient.OpenAsync(server, "/socket.io/");
        await client.PostAsync("40\u001e40/custom,");
        Assert.That((await client.PollAsync()).Body, Does.Match("^40{\"sid\":\"[^\"]+\"}\u001e40/custom,{\"sid\":\"[^\"]+\"}$"));
    }

    [TestCase("40\u001e42[\"message\",1]", Description = "an event before the answer")]
    [TestCase("42[\"message\",1]", Description = "a first packet that is no CONNECT")]
    [TestCase("41")]
    [TestCase("43[]")]
    [TestCase("40\u001e40", Description = "CONNECT twice")]
    [TestCase("44{\"message\":\"x\"}", Description = "a refusal by the client")]
    public async Task Batch_that_breaks_the_order_closes_the_connection(string payload)
    {
        await using var server = await StartAsync();
        var client = await EngineClient.OpenAsync(server, "/socket.io/");
        await client.PostAsync(payload);
        Assert.That((await client.PollAsync()).Body, Does.EndWith("1"));
        Assert.That((await client.PollAsync()).Code, Is.EqualTo(1));
    }

    [Test]
    public async Task Frames_of_one_read_are_a_batch_too()
    {
        await using var server = await StartAsync();
        using var client = await server.OpenSessionAsync();
        await client.SendPacketsAsync("40", "42[\"message\",1]");
        var frame = await client.ReadFrameAsync();
        // The two frames may still be read one by one; then the event comes behind the answer and is served.
        if (frame.Opcode == Opcode.Text)
            Assert.That(frame.Text, Does.StartWith("40{"));
        else
            Assert.That(frame.Opcode, Is.EqualTo(Opcode.Close));
    }

    [TestCase("40")]
    [TestCase("42/custom,[\"message\"]", Description = "an event for a namespace not joined")]
    [TestCase("43/custom,1[]")]
    [TestCase("44{}")]
    [TestCase("42{}")]
    [TestCase("42[\"disconnect\"]")]
    [TestCase("42[")]
    [TestCase("4x")]
    [TestCase("4")]
    public async Task Packet_that_breaks_a_rule_is_a_forced_close(string packet)
    {
        await using var server = await StartAsync();
        using var client = await server.JoinAsync();
        await client.SendPacketAsync(packet);
        await client.ExpectClosedAsync();
        await _app.ExpectEndsAsync("forced close");
    }

    [Test]
    public async Task Client_leaves_one_namespace_and_stays_in_the_other()
    {
        await using var server = await StartAsync();
        using var client = await server.JoinAsync();
        await client.SendPacketAsync("40/custom,");
        await client.ReadFrameAsync();
        await client.SendPacketAsync("41/custom,");
        await _app.ExpectEndsAsync("client namespace disconnect");
        await client.ExpectAliveAsync();
        await client.SendPacketAsync("40/custom,");
        Assert.That((await client.ReadFrameAsync()).Text, Does.StartWith("40/custom,"));
        await client.SendPacketAsync("41");
        await client.ExpectAliveAsync("/custom,");
    }

    [Test]
    public async Task Events_behind_a_goodbye_in_the_same_batch_are_dropped()
    {
        await using var server = await StartAsync();
        var client = await EngineClient.OpenAsync(server, "/socket.io/");
        await client.PostAsync("40\u001e40/custom,");
        await client.PollAsync();
        await client.PostAsync("42[\"message\",1]\u001e41\u001e42[\"message\",2]");
        Assert.That((await client.PollAsync()).Body, Is.EqualTo("42[\"message-back\",1]"));
        await client.PostAsync("42/custom,[\"message\",3]");
        Assert.That((await client.PollAsync()).Body, Is.EqualTo("42/custom,[\"message-back\",3]"));
    }

    [Test]
    public async Task Goodbye_and_connect_in_one_batch_closes_the_connection()
    {
        await using var server = await StartAsync();
        var client = await EngineClient.OpenAsync(server, "/socket.io/");
        await client.PostAsync("40");
        await client.PollAsync();
        await client.PostAsync("41\u001e40");
        Assert.That((await client.PollAsync()).Body, Is.EqualTo("1"));
    }

    [Test]
    public async Task Server_takes_a_client_out_of_a_namespace()
    {
        await using var server = await StartAsync();
        using var client = await server.JoinAsync();
        await client.SendPacketAsync("40/custom,");
        await client.ReadFrameAsync();
        await client.SendPacketAsync("42/custom,[\"bye\"]");
        await client.ExpectPacketAsync("41/custom,");
        // What was on its way when the client was taken out is no fault of its.
        await client.SendPacketAsync("42/custom,[\"message\",1]");
        await client.ExpectAliveAsync();
        Assert.That(_app.Ends, Is.EqualTo(["server namespace disconnect"]));
    }

    [Test]
    public async Task Server_closes_the_whole_connection()
    {
        await using var server = await StartAsync();
        using var client = await server.JoinAsync();
        await client.SendPacketAsync("42[\"bye all\"]");
        await client.ExpectPacketAsync("41");
        await client.AnswerCloseAsync(CloseCode.NormalClosure);
        Assert.That(_app.Ends, Is.EqualTo(["server namespace disconnect"]));
    }

    [Test]
    public async Task Client_that_joins_nothing_in_time_is_closed()
    {
        var time = new FakeTimeProvider();
        await using var server = await StartAsync(time: time);
        using var silent = await server.OpenSessionAsync();
        using var joined = await server.JoinAsync();
        time.Run(TimeSpan.FromSeconds(24));
        await joined.ExpectAliveAsync();
        // The pings in between must be answered.
        time.Run(TimeSpan.FromSeconds(2));
        foreach (var client in (WireClient[])[silent, joined])
        {
            await client.ExpectPacketAsync("2");
            await client.SendPacketAsync("3");
        }

        await joined.ExpectAliveAsync();
        time.Run(TimeSpan.FromSeconds(18.8));
        await silent.SendPacketAsync("40/random,");
        await silent.ExpectPacketAsync("44/random,{\"message\":\"Invalid namespace\"}");
        time.Run(TimeSpan.FromSeconds(0.7));
        await silent.ExpectClosedAsync();
        await joined.ExpectAliveAsync();
    }

    [Test]
    public async Task Namespaces_of_a_connection_are_bounded()
    {
        await using var server = await TestServer.StartAsync(
            options => options.Events.MaxNamespacesPerConnection = 2,
            s =>
            {
                _app.Register(s);
                s.Of(name => name.StartsWith("/dynamic-", StringComparison.Ordinal));
            });
        using var client = await server.JoinAsync();
        await client.SendPacketAsync("40/dynamic-1,");
        Assert.That((await client.ReadFrameAsync()).Text, Does.StartWith("40/dynamic-1,"));
        await client.SendPacketAsync("40/dynamic-2,");
        await client.ExpectPacketAsync("44/dynamic-2,{\"message\":\"Too many namespaces\"}");
        await client.ExpectAliveAsync();
    }

    // Before they are gathered: each is looked for among those, and one payload can ask for a hundred thousand.
    [Test]
    public async Task Namespaces_asked_for_together_are_bounded_too()
    {
        await using var server = await TestServer.StartAsync(
            options => options.Events.MaxNamespacesPerConnection = 1, _app.Register);
        using var client = await server.OpenSessionAsync();
        await client.SendPacketsAsync("40", "40/custom,");
        await client.ExpectPacketAsync("44/custom,{\"message\":\"Too many namespaces\"}");
        Assert.That((await client.ReadFrameAsync()).Text, Does.StartWith("40{\"sid\":\""));
        await client.ExpectAliveAsync();
    }

    private Task<TestServer> StartAsync(Action<RawWsServer>? map = null, TimeProvider? time = null) =>
        TestServer.StartAsync(
            map: server =>
            {
                _app.Register(server);
                map?.Invoke(server);
            },
            timeProvider: time);
}
