using System.Text.Json;
using System.Text.Json.Serialization;
using RawWs.Protocol.WebSockets.Deflate;
using RawWs.Server.Events;
using RawWs.Tests.Support;
using HostServer = RawWs.Tests.Support.TestServer;

namespace RawWs.Tests.Server.Events;

/// <summary>What a user of Socket.IO looks for beside emit and rooms.</summary>
[TestFixture]
public sealed class OperatorTests
{
    [Test]
    public async Task Outgoing_events_are_seen_alone_and_in_broadcasts()
    {
        var seen = new List<string>();
        await using var server = await HostServer.StartAsync(map: s => s.OnConnection(socket =>
            socket.OnAnyOutgoing(sent => seen.Add($"{sent.Name} {sent.Arguments}"))));
        using var client = await server.JoinAsync();
        var socket = server.Server.Sockets[0];
        socket.Emit("one", 1);
        server.Server.Emit("two", 2, "x");
        socket.Volatile.Emit("three");
        socket.Broadcast.Emit("not to this one");
        socket.OffAnyOutgoing();
        socket.Emit("four");
        Assert.That(seen, Is.EqualTo(["one [1]", "two [2,\"x\"]", "three []"]));
    }

    [Test]
    public async Task Outgoing_callback_may_emit_and_leave()
    {
        await using var server = await HostServer.StartAsync(map: s => s.OnConnection(socket =>
            socket.OnAnyOutgoing(sent =>
            {
                if (sent.Name == "news")
                    s.Emit("more");
                else
                    socket.Disconnect();
            })));
        using var one = await server.JoinAsync();
        using var two = await server.JoinAsync();
        server.Server.Emit("news");
        await one.ExpectPacketAsync("42[\"news\"]");
        await one.ExpectPacketAsync("42[\"more\"]");
    }

    [Test]
    public async Task Timeout_operator_is_the_ack_timeout_of_its_emits()
    {
        await using var server = await HostServer.StartAsync();
        using var client = await server.JoinAsync();
        var socket = server.Server.Sockets[0];
        var brief = TimeSpan.FromMilliseconds(20);
        await Assert.ThatAsync(() => socket.Timeout(brief).EmitWithAckAsync<int>("q"), Throws.InstanceOf<TimeoutException>());
        var answers = await server.Server.Timeout(brief).EmitWithAckAsync<int>("q");
        Assert.That((answers.Values.Count, answers.Missing), Is.EqualTo((0, 1)));
        answers = await server.Server.To().Local.Timeout(brief).EmitWithAckAsync<int>("q");
        Assert.That(answers.IsComplete, Is.False);
    }

    [Test]
    public async Task Local_clients_are_those_of_this_server()
    {
        await using var server = await HostServer.StartAsync();
        using var one = await server.JoinAsync();
        using var two = await server.JoinAsync();
        server.Server.Local.Emit("all here", 1);
        await one.ExpectPacketAsync("42[\"all here\",1]");
        await two.ExpectPacketAsync("42[\"all here\",1]");
        server.Server.Sockets[0].Local.Emit("the others");
        Assert.That(server.Server.Local.FetchSockets(), Has.Count.EqualTo(2));
    }

    [TestCase(true, "gzip")]
    [TestCase(false, null)]
    public async Task Event_is_compressed_as_the_emitter_wants(bool compress, string? coding)
    {
        await using var server = await HostServer.StartAsync();
        var client = await EngineClient.OpenAsync(server, "/socket.io/");
        await client.PostAsync("40");
        await client.PollAsync();
        server.Server.Compress(compress).Emit("large", new string('x', 5000));
        Assert.That((await client.PollAsync("Accept-Encoding: gzip\r\n")).Header("Content-Encoding"), Is.EqualTo(coding));
        server.Server.Sockets[0].Compress(compress).Emit("large", new string('x', 5000));
        Assert.That((await client.PollAsync("Accept-Encoding: gzip\r\n")).Header("Content-Encoding"), Is.EqualTo(coding));
    }

    [Test]
    public async Task Event_that_waits_for_a_poll_is_compressed_on_the_websocket_as_the_emitter_wants(
        [Values] bool compress)
    {
        await using var server = await HostServer.StartAsync(options => options.Deflate = new DeflateOptions());
        var client = await EngineClient.OpenAsync(server, "/socket.io/");
        await client.PostAsync("40");
        await client.PollAsync();
        server.Server.Compress(compress).Emit("large", new string('x', 5000));
        using var socket = await server.OpenAsync(
            $"{SocketIoWire.Path}&sid={client.Sid}", "Sec-WebSocket-Extensions: permessage-deflate\r\n");
        await socket.SendPacketAsync("2probe");
        await socket.ExpectPacketAsync("3probe");
        await socket.SendPacketAsync("5");
        Assert.That((await socket.ReadFrameAsync()).IsCompressed, Is.EqualTo(compress));
    }

    [TestCase(true, 1)]
    [TestCase(false, 2)]
    public async Task Namespace_of_a_pattern_goes_with_its_last_client_unless_it_is_kept(bool cleansUp, int count)
    {
        var made = new List<string>();
        await using var server = await HostServer.StartAsync(
            options => options.Events.CleanupEmptyNamespaces = cleansUp,
            s =>
            {
                s.Of(new System.Text.RegularExpressions.Regex("^/room-[0-9]+$"));
                s.OnNewNamespace(space => made.Add(space.Name));
            });
        for (var i = 0; i < 2; i++)
        {
            using var client = await server.JoinAsync("/room-1");
            await client.SendPacketAsync("41/room-1,");
            await Eventually.IsTrueAsync(() => server.Server.Hub.NamespaceCount == count);
        }

        Assert.That(made, Is.EqualTo(Enumerable.Repeat("/room-1", cleansUp ? 2 : 1)));
    }

    [Test]
    public async Task Parent_of_a_pattern_emits_to_all_its_children()
    {
        EventNamespace? parent = null;
        await using var server = await HostServer.StartAsync(map: s =>
            parent = s.Of(new System.Text.RegularExpressions.Regex("^/room-[0-9]+$")));
        using var one = await server.JoinAsync("/room-1");
        using var two = await server.JoinAsync("/room-2");
        parent!.Emit("news", 1);
        await one.ExpectPacketAsync("42/room-1,[\"news\",1]");
        await two.ExpectPacketAsync("42/room-2,[\"news\",1]");
    }

    [Test]
    public async Task Server_side_events_go_to_other_servers_only()
    {
        var heard = new List<string>();
        await using var server = await HostServer.StartAsync();
        server.Server.OnServerSide("refresh", arguments => heard.Add(arguments.ToString()));
        server.Server.ServerSideEmit("refresh", 1);
        Assert.That(heard, Is.Empty);
        server.Server.Of("/").OnServerSideEvent("refresh", server.Server.Hub.Json.Encode(2));
        Assert.That(heard, Is.EqualTo(["[2]"]));
        Assert.Throws<ArgumentException>(() => server.Server.ServerSideEmit("connect"));
        var answers = await server.Server.ServerSideEmitWithAckAsync<int>("refresh");
        Assert.That((answers.Values.Count, answers.Missing), Is.EqualTo((0, 0)));
    }

    [Test]
    public async Task Server_side_handlers_answer_with_what_they_return()
    {
        await using var server = await HostServer.StartAsync();
        server.Server.OnServerSide("count", _ => throw new InvalidOperationException("costs nobody else the event"));
        server.Server.OnServerSide("count", arguments => arguments.Get<int>(0) + 1);
        server.Server.OnServerSide("count", _ => "too late");
        var answer = server.Server.Of("/").OnServerSideEvent("count", server.Server.Hub.Json.Encode(2));
        Assert.That(answer?.ToString(), Is.EqualTo("[3]"));
        Assert.That(server.Server.Of("/").OnServerSideEvent("unknown", EventArguments.None), Is.Null);
    }

    [Test]
    public async Task Close_tells_every_client_that_the_server_shuts_down()
    {
        var app = new SocketIoApp();
        await using var server = await HostServer.StartAsync(map: app.Register);
        using var socket = await server.JoinAsync();
        var polling = await EngineClient.OpenAsync(server, "/socket.io/");
        await polling.PostAsync("40");
        await polling.PollAsync();
        var closed = server.Server.CloseAsync();
        await socket.AnswerCloseAsync(RawWs.Protocol.WebSockets.CloseCode.GoingAway);
        await closed;
        await app.ExpectEndsAsync("server shutting down", "server shutting down");
    }

    [Test]
    public async Task Broadcast_is_encoded_once_for_receivers_of_both_dialects_and_transports()
    {
        var counter = new CountingConverter();
        await using var server = await HostServer.StartAsync(
            options => options.Events.SerializerOptions.Converters.Add(counter));
        var sockets = new List<WireClient>();
        var polls = new List<EngineClient>();
        for (var i = 0; i < 10; i++)
        {
            sockets.Add(await server.JoinAsync());
            var plain = await server.OpenAsync("/ws");
            await plain.SendPacketAsync("{\"event\":\"connect\"}");
            await plain.ReadFrameAsync();
            sockets.Add(plain);
            polls.Add(await EngineClient.OpenAsync(server, "/socket.io/"));
            await polls[i].PostAsync("40");
            await polls[i].PollAsync();
        }

        server.Server.Emit("version", new Version(1, 2));
        var packets = new HashSet<string>();
        foreach (var socket in sockets)
            packets.Add((await socket.ReadFrameAsync()).Text);
        foreach (var poll in polls)
            packets.Add((await poll.PollAsync()).Body);
        sockets.ForEach(socket => socket.Dispose());
        Assert.That(packets, Is.EquivalentTo(["42[\"version\",\"1.2\"]", "{\"event\":\"version\",\"data\":\"1.2\"}"]));
        Assert.That(counter.Count, Is.EqualTo(1));
    }

    [Test]
    public void Slice_keeps_the_bytes_that_belong_to_it()
    {
        var hub = new TestHub();
        var all = hub.Json.Encode(new byte[] { 1 }, "x", new[] { new byte[] { 2 }, [3] });
        var last = all.Slice(1);
        Assert.Multiple(() =>
        {
            Assert.That(all.Attachments, Has.Count.EqualTo(3));
            Assert.That(
                last.ToString(),
                Is.EqualTo("[\"x\",[{\"_placeholder\":true,\"num\":0},{\"_placeholder\":true,\"num\":1}]]"));
            Assert.That(last.Attachments.Select(bytes => bytes.Span[0]), Is.EqualTo([2, 3]));
            Assert.That(last.Get<byte[][]>(1)![1], Is.EqualTo([3]));
            Assert.That(all.Slice(3).Count, Is.Zero);
            Assert.Throws<ArgumentOutOfRangeException>(() => all.Slice(4));
            Assert.Throws<ArgumentOutOfRangeException>(() => all.Slice(1, 3));
        });
    }

    [Test]
    public void Bytes_in_a_record_are_attachments()
    {
        var hub = new TestHub();
        var encoded = hub.Json.Encode(new Picture("a", new byte[] { 1, 2 }, new byte[] { 3 }));
        Assert.That(
            encoded.ToString(),
            Is.EqualTo("""[{"name":"a","data":{"_placeholder":true,"num":0},"more":{"_placeholder":true,"num":1}}]"""));
        var decoded = encoded.Get<Picture>(0)!;
        Assert.That(decoded.Data, Is.EqualTo([1, 2]));
        Assert.That(decoded.More.ToArray(), Is.EqualTo([3]));
    }

    private sealed class CountingConverter : JsonConverter<Version>
    {
        public int Count { get; private set; }

        public override Version Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
            Version.Parse(reader.GetString()!);

        public override void Write(Utf8JsonWriter writer, Version value, JsonSerializerOptions options)
        {
            Count++;
            writer.WriteStringValue(value.ToString());
        }
    }

    private sealed record Picture(string Name, byte[] Data, ReadOnlyMemory<byte> More);

    private sealed class TestHub
    {
        public EventJson Json { get; } = new(new RawWs.Server.EventOptions());
    }
}
