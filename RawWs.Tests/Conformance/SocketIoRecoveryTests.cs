using Microsoft.Extensions.Time.Testing;
using RawWs.Protocol.WebSockets;
using RawWs.Server;
using RawWs.Server.Events;
using RawWs.Tests.Support;

namespace RawWs.Tests.Conformance;

/// <summary>Connection state recovery on the wire: who comes back as what, and with which events.</summary>
[TestFixture]
public sealed class SocketIoRecoveryTests
{
    private FakeTimeProvider _time = null!;
    private List<EventSocket> _connected = null!;

    [SetUp]
    public void Begin() => (_time, _connected) = (new FakeTimeProvider(), []);

    [Test]
    public async Task Client_comes_back_with_its_id_rooms_data_and_missed_events()
    {
        await using var server = await StartAsync();
        var (client, sid, pid) = await ConnectAsync(server);
        Assert.That(pid, Is.Not.EqualTo(sid).And.Length.EqualTo(24));
        _connected[0].Join("room");
        _connected[0].Data.Set("n", 7);
        server.Server.Emit("news", 0);
        var offset = await ReadOffsetAsync(client, "[\"news\",0,");
        await CutAsync(client);

        server.Server.To("room").Emit("news", 1);
        server.Server.To("elsewhere").Emit("news", -1);
        server.Server.To(sid).Emit("news", 2);
        server.Server.Volatile.Emit("news", -2);
        server.Server.Emit("news", 3, new byte[] { 1 });

        using var again = await server.OpenSessionAsync();
        await again.SendPacketAsync($"40{{\"token\":1,\"pid\":\"{pid}\",\"offset\":\"{offset}\"}}");
        await ReadOffsetAsync(again, "[\"news\",1,");
        await ReadOffsetAsync(again, "[\"news\",2,");
        await ReadOffsetAsync(again, "[\"news\",3,{\"_placeholder\":true,\"num\":0},");
        Assert.That((await again.ReadFrameAsync()).Opcode, Is.EqualTo(Opcode.Binary));
        await again.ExpectPacketAsync($"40{{\"sid\":\"{sid}\",\"pid\":\"{pid}\"}}");
        Assert.Multiple(() =>
        {
            Assert.That(_connected, Has.Count.EqualTo(2), "the connection handlers run again");
            Assert.That(_connected[1].Recovered);
            Assert.That(_connected[1].Rooms, Is.EquivalentTo([sid, "room"]));
            Assert.That(_connected[1].Data.Get<int>("n"), Is.EqualTo(7));
            Assert.That(_connected[1].Handshake.Auth.GetProperty("token").GetInt32(), Is.EqualTo(1));
            Assert.That(_connected[0].Rooms, Is.Empty);
        });
        server.Server.To("room").Emit("news", 4);
        await ReadOffsetAsync(again, "[\"news\",4,");
    }

    [Test]
    public async Task Client_that_has_received_nothing_gets_everything()
    {
        await using var server = await StartAsync();
        var (client, sid, pid) = await ConnectAsync(server);
        await CutAsync(client);
        server.Server.Emit("news", 1);
        using var again = await server.OpenSessionAsync();
        await again.SendPacketAsync($"40{{\"pid\":\"{pid}\"}}");
        await ReadOffsetAsync(again, "[\"news\",1,");
        Assert.That((await again.ReadFrameAsync()).Text, Does.Contain(sid));
    }

    [Test]
    public async Task Client_is_recovered_once_for_each_time_it_is_cut_off()
    {
        await using var server = await StartAsync();
        var (client, sid, pid) = await ConnectAsync(server);
        await CutAsync(client);
        var again = await ReconnectAsync(server, pid, sid);
        using (var thief = await server.OpenSessionAsync())
        {
            await thief.SendPacketAsync($"40{{\"pid\":\"{pid}\"}}");
            Assert.That((await thief.ReadFrameAsync()).Text, Does.Not.Contain(sid), "while its socket lives");
        }

        // The thief, too, may come back.
        await CutAsync(again, 2, 2);
        (await ReconnectAsync(server, pid, sid)).Dispose();
    }

    [Test]
    public async Task Client_that_left_by_its_own_will_is_not_recovered()
    {
        await using var server = await StartAsync();
        var (client, sid, pid) = await ConnectAsync(server);
        using (client)
        {
            await client.SendPacketAsync("41");
            await Eventually.IsTrueAsync(() => !_connected[0].Connected);
        }

        await ExpectFreshAsync(server, pid, sid);
    }

    [Test]
    public async Task Client_that_the_server_disconnected_is_not_recovered()
    {
        await using var server = await StartAsync();
        var (client, sid, pid) = await ConnectAsync(server);
        _connected[0].Disconnect();
        using (client)
            await client.ExpectPacketAsync("41");
        await ExpectFreshAsync(server, pid, sid);
    }

    [Test]
    public async Task Absence_is_bounded()
    {
        await using var server = await StartAsync();
        var (client, sid, pid) = await ConnectAsync(server);
        await CutAsync(client);
        _time.Run(TimeSpan.FromSeconds(119));
        Assert.That(server.Server.Hub.Recovery!.GoneCount, Is.EqualTo(1));
        _time.Run(TimeSpan.FromSeconds(2));
        Assert.That(server.Server.Hub.Recovery.GoneCount, Is.Zero);
        await ExpectFreshAsync(server, pid, sid);
    }

    [Test]
    public async Task Clients_that_are_gone_are_bounded()
    {
        await using var server = await StartAsync(recovery => recovery.MaxSessions = 2);
        var clients = new List<(WireClient Client, string Sid, string Pid)>();
        for (var i = 0; i < 3; i++)
            clients.Add(await ConnectAsync(server));
        for (var i = 0; i < 3; i++)
            await CutAsync(clients[i].Client, i + 1, Math.Min(i + 1, 2));
        await ExpectFreshAsync(server, clients[0].Pid, clients[0].Sid);
        (await ReconnectAsync(server, clients[2].Pid, clients[2].Sid)).Dispose();
    }

    [Test]
    public async Task Who_has_missed_too_many_events_starts_anew()
    {
        await using var server = await StartAsync(recovery => recovery.MaxMissedEvents = 3);
        var (client, sid, pid) = await ConnectAsync(server);
        server.Server.Emit("news", 0);
        var offset = await ReadOffsetAsync(client, "[\"news\",0,");
        await CutAsync(client);
        for (var i = 0; i < 4; i++)
            server.Server.Emit("news", i);
        await ExpectFreshAsync(server, pid, sid, offset);
    }

    [Test]
    public async Task Events_that_had_to_go_cannot_be_missed_in_silence()
    {
        await using var server = await StartAsync(recovery => recovery.MaxBytes = 2000);
        var (client, sid, pid) = await ConnectAsync(server);
        server.Server.Emit("news", 0);
        var offset = await ReadOffsetAsync(client, "[\"news\",0,");
        await CutAsync(client);
        server.Server.Emit("news", 1);
        server.Server.Emit("large", new string('x', 1800));
        await ExpectFreshAsync(server, pid, sid, offset);
    }

    [TestCase("zz")]
    [TestCase("-1")]
    [TestCase("ffff")]
    [TestCase("")]
    [TestCase("123456789012345678901234567890")]
    public async Task Offset_that_was_never_given_is_no_key(string offset)
    {
        await using var server = await StartAsync();
        var (client, sid, pid) = await ConnectAsync(server);
        await CutAsync(client);
        await ExpectFreshAsync(server, pid, sid, offset);
    }

    // It looks at the memory of the process.
    [Test, NonParallelizable]
    public async Task Bytes_that_waited_for_more_do_not_outlive_their_connection()
    {
        const int Clients = 4;
        await using var server = await StartAsync();
        var megabyte = WireClient.Frame(Opcode.Binary, new byte[1_000_000]);
        var before = GC.GetTotalMemory(forceFullCollection: true);
        for (var i = 1; i <= Clients; i++)
        {
            var (client, _, _) = await ConnectAsync(server);
            await client.SendPacketAsync("4510-[\"never complete\"]");
            for (var part = 0; part < 9; part++)
                await client.SendAsync(megabyte);
            await client.SendFrameAsync(Opcode.Ping, "");
            Assert.That((await client.ReadFrameAsync()).Opcode, Is.EqualTo(Opcode.Pong));
            await CutAsync(client, i, i);
        }

        Assert.That(GC.GetTotalMemory(forceFullCollection: true) - before, Is.LessThan(Clients * 5_000_000));
    }

    [Test]
    public async Task Private_id_opens_its_own_namespace_only()
    {
        await using var server = await StartAsync();
        var (client, sid, pid) = await ConnectAsync(server);
        await CutAsync(client);
        using var other = await server.OpenSessionAsync();
        await other.SendPacketAsync($"40/custom,{{\"pid\":\"{pid}\"}}");
        Assert.That((await other.ReadFrameAsync()).Text, Does.StartWith("40/custom,").And.Not.Contain(sid));
    }

    [TestCase(null, 1)]
    [TestCase(false, 2)]
    public async Task Middleware_is_asked_again_only_if_wanted(bool? skips, int asked)
    {
        var count = 0;
        await using var server = await StartAsync(
            recovery => recovery.SkipMiddlewares = skips ?? recovery.SkipMiddlewares);
        server.Server.Use(_ => { count++; });
        var (client, sid, pid) = await ConnectAsync(server);
        await CutAsync(client);
        (await ReconnectAsync(server, pid, sid)).Dispose();
        Assert.That(count, Is.EqualTo(asked));
    }

    [Test]
    public async Task Client_that_is_gone_is_not_seen()
    {
        await using var server = await StartAsync();
        var (client, sid, _) = await ConnectAsync(server);
        await CutAsync(client);
        Assert.Multiple(() =>
        {
            Assert.That(server.Server.Sockets, Is.Empty);
            Assert.That(server.Server.Of("/").Find(sid), Is.Null);
        });
        var answers = await server.Server.To().EmitWithAckAsync<int>("anyone");
        Assert.That((answers.Values.Count, answers.Missing), Is.EqualTo((0, 0)));
    }

    [Test]
    public async Task Events_with_acks_carry_no_offset_and_off_means_nothing_is_said()
    {
        await using var server = await StartAsync();
        var (client, _, _) = await ConnectAsync(server);
        _ = server.Server.To().EmitWithAckAsync<int, int>("q", 1);
        await client.ExpectPacketAsync("420[\"q\",1]");
        server.Server.Volatile.Emit("v", 1);
        await client.ExpectPacketAsync("42[\"v\",1]");
        client.Dispose();

        await using var plain = await TestServer.StartAsync(map: s => s.OnConnection(socket => socket.Emit("hi", 1)));
        using var other = await plain.JoinAsync();
        await other.ExpectPacketAsync("42[\"hi\",1]");
    }

    private static async Task<string> ReadOffsetAsync(WireClient client, string begin)
    {
        var text = (await client.ReadFrameAsync()).Text;
        Assert.That(text, Does.Contain(begin));
        var last = text[text.LastIndexOf(',')..];
        Assert.That(last, Does.Match("^,\"[0-9A-Za-z_-]+\"]$"));
        return last[2..^2];
    }

    private static async Task<(WireClient Client, string Sid, string Pid)> ConnectAsync(TestServer server)
    {
        var client = await server.OpenSessionAsync();
        await client.SendPacketAsync("40");
        var parts = (await client.ReadFrameAsync()).Text.Split('"');
        Assert.That((parts[1], parts[5]), Is.EqualTo(("sid", "pid")));
        return (client, parts[3], parts[7]);
    }

    private static async Task<WireClient> ReconnectAsync(TestServer server, string pid, string sid)
    {
        var client = await server.OpenSessionAsync();
        await client.SendPacketAsync($"40{{\"pid\":\"{pid}\"}}");
        await client.ExpectPacketAsync($"40{{\"sid\":\"{sid}\",\"pid\":\"{pid}\"}}");
        return client;
    }

    private async Task ExpectFreshAsync(TestServer server, string pid, string sid, string? offset = null)
    {
        using var client = await server.OpenSessionAsync();
        await client.SendPacketAsync(
            offset is null ? $"40{{\"pid\":\"{pid}\"}}" : $"40{{\"pid\":\"{pid}\",\"offset\":\"{offset}\"}}");
        Assert.That((await client.ReadFrameAsync()).Text, Does.StartWith("40{").And.Not.Contain(sid).And.Not.Contain(pid));
        Assert.That(_connected[^1].Recovered, Is.False);
    }

    private async Task CutAsync(WireClient client, int sockets = 1, int gone = 1)
    {
        client.Reset();
        await Eventually.IsTrueAsync(() => !_connected[sockets - 1].Connected);
        await Eventually.IsTrueAsync(() => _connected[0].Hub.Recovery!.GoneCount == gone);
    }

    private Task<TestServer> StartAsync(Action<RecoveryOptions>? configure = null)
    {
        var recovery = new RecoveryOptions();
        configure?.Invoke(recovery);
        return TestServer.StartAsync(
            options => options.Events.Recovery = recovery,
            server =>
            {
                server.OnConnection(_connected.Add);
                server.Of("/custom").OnConnection(_connected.Add);
            },
            _time);
    }
}
