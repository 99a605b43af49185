using System.Text.Json;
using RawWs.Server.Events;

namespace RawWs.Tests.Server.Events;

[FixtureLifeCycle(LifeCycle.InstancePerTestCase)]
public sealed class EmitterTests
{
    private readonly TestServer _server = new();

    [Test]
    public void Arguments_are_written_as_JavaScript_would_write_them()
    {
        TestSession client = _server.Connect();

        client.Socket.Emit("none");
        client.Socket.Emit("one", new Message("a<é>'\"\n"));
        client.Socket.Emit("two", 1.5, (string?)null);
        client.Socket.Emit("three", true, new List<int> { 1, 2 }, JsonElement.Parse("""{"B":[]}"""));
        client.Socket.EmitRaw("raw", """1, {"a":"," },"x" """u8);
        client.Socket.EmitRaw("empty", ""u8);

        Assert.That(client.Events, Is.EqualTo([
            "none", """one {"msg":"a<é>'\"\n"}""", "two 1.5,null", """three true,[1,2],{"B":[]}""",
            """raw 1,{"a":","},"x" """.TrimEnd(), "empty"]));
    }

    [Test]
    public void Arguments_that_came_in_go_out_unchanged()
    {
        TestSession client = _server.Connect();
        client.Socket.On("message", context => client.Socket.Emit("message-back", context.Arguments));

        client.Receive("message", """1e999,-0,{"__proto__":1,"a":1,"a":2},"\ud800" """);

        Assert.That(
            client.Events,
            Is.EqualTo(["""message-back 1e999,-0,{"__proto__":1,"a":1,"a":2},"\ud800" """.TrimEnd()]));
    }

    [TestCase("connect")]
    [TestCase("connect_error")]
    [TestCase("disconnect")]
    [TestCase("disconnecting")]
    [TestCase("newListener")]
    [TestCase("removeListener")]
    public void Reserved_names_are_refused(string name)
    {
        TestSession client = _server.Connect();

        Assert.That(() => client.Socket.Emit(name), Throws.ArgumentException);
        Assert.That(() => _server.Server.Emit(name, 1), Throws.ArgumentException);
        Assert.Throws<ArgumentException>(() => _ = client.Socket.EmitWithAckAsync<int>(name));
        Assert.Throws<ArgumentException>(() => _ = _server.Server.To().EmitWithAckAsync<int>(name));
    }

    [Test]
    public void Values_may_nest_as_deep_as_what_clients_send()
    {
        const int Depth = 127;
        TestSession client = _server.Connect();
        object value = 1;
        for (var i = 0; i < Depth; i++)
            value = new[] { value };

        _server.Server.Emit("deep", value);

        Assert.That(client.Events, Is.EqualTo([$"deep {new string('[', Depth)}1{new string(']', Depth)}"]));
    }

    [Test]
    public void What_JSON_cannot_say_is_refused()
    {
        Assert.That(() => _server.Server.Emit("e", double.NaN), Throws.ArgumentException);
        Assert.That(() => _server.Server.Emit("e", 1, double.PositiveInfinity), Throws.ArgumentException);
        foreach (string bad in new[] { "{", "1 2", "1,,2", ",", "1,", "nul", "\"" })
        {
            byte[] json = System.Text.Encoding.UTF8.GetBytes(bad);
            Assert.That(() => _server.Server.EmitRaw("e", json), Throws.ArgumentException, bad);
        }

        TestSession client = _server.Connect();
        client.Socket.Emit("e", 1);
        Assert.That(client.Events, Is.EqualTo(["e 1"]), "A failed call must leave nothing behind.");
    }

    [Test]
    public void Too_much_is_refused()
    {
        var server = new TestServer(options =>
        {
            options.MaxEmitBytes = 100;
            options.MaxJsonDepth = 8;
        });

        Assert.That(() => server.Server.Emit("e", new string('x', 99)), Throws.ArgumentException);
        Assert.That(() => server.Server.EmitRaw("e", "[[[[[[[[[1]]]]]]]]]"u8), Throws.ArgumentException);
        Assert.That(() => server.Server.Emit("e", new string('x', 98)), Throws.Nothing);
    }

    [Test]
    public void A_message_is_encoded_once_however_many_receive_it()
    {
        TestSession[] clients = [.. Enumerable.Range(0, 1_000).Select(_ => _server.Connect())];
        CountingConverter.Count = 0;

        _server.Server.Emit("e", new Counted());

        Assert.That(CountingConverter.Count, Is.EqualTo(1));
        Assert.That(clients.Select(client => client.Events.Single()), Is.All.EqualTo("e 1"));
    }

    [Test]
    public void Frames_are_made_once_for_each_format()
    {
        var message = new OutboundMessage("/", "e", EventArguments.None);
        var encodes = 0;
        Func<OutboundMessage, ReadOnlyMemory<byte>> encode = _ => new[] { (byte)++encodes };

        Parallel.For(0, 1_000, _ => message.GetFrames(WireFormat.Envelope, encode));
        byte other = message.GetFrames(WireFormat.SocketIo, encode).Span[0];

        Assert.That(encodes, Is.EqualTo(2));
        Assert.That(other, Is.EqualTo(2));
    }

    [Test]
    public async Task Settings_of_one_client_hold_for_what_goes_to_others_too()
    {
        TestSession client = _server.Connect();
        TestSession other = _server.Connect();
        other.Socket.Join("room");

        client.Socket.Volatile.To("room").Emit("a", 1, 2, 3, 4);
        client.Socket.Compress(false).Broadcast.Emit("b", 1, 2, 3, 4, 5);
        client.Socket.Volatile.Except("room").Emit("c");
        Task<BroadcastAnswers<int>> asked =
            client.Socket.Timeout(TimeSpan.FromMilliseconds(1)).In("room").EmitWithAckAsync<int>("d");
        _server.Time.Advance(TimeSpan.FromMilliseconds(2));
        _server.Hub.OnTick();

        Assert.That(other.Events, Is.EqualTo(["a 1,2,3,4", "b 1,2,3,4,5", "d #0"]));
        Assert.That(client.Events, Is.Empty);
        Assert.That((await asked).Missing, Is.EqualTo(1));

        other.Result = RawWs.Server.Transport.SendResult.Dropped;
        client.Socket.Volatile.To("room").Emit("a");
        Assert.That(other.Aborts, Is.Zero);
    }

    [Test]
    public void A_volatile_question_may_be_dropped()
    {
        TestSession client = _server.Connect();
        client.Result = RawWs.Server.Transport.SendResult.Dropped;

        Task<int> answer = client.Socket.Volatile.EmitWithAckAsync<int>("q");

        Assert.That(client.Aborts, Is.Zero);
        Assert.That(answer.IsCompleted, Is.False);
    }

    [Test]
    public void A_callback_for_any_event_can_be_put_before_the_others()
    {
        TestSession client = _server.Connect();
        var seen = new List<string>();
        client.Socket.OnAny(context => seen.Add($"in {context.Name}"));
        client.Socket.PrependAny(_ => seen.Add("first in"));
        client.Socket.OnAnyOutgoing(sent =>
        {
            seen.Add($"out {sent.Name}");
            return Task.CompletedTask;
        });
        client.Socket.PrependAnyOutgoing(_ => seen.Add("first out"));

        client.Receive("a");
        client.Socket.Emit("b");

        Assert.That(seen, Is.EqualTo(["first in", "in a", "first out", "out b"]));
    }

    [Test]
    public void A_full_outbox_drops_what_is_volatile_and_costs_the_connection_for_anything_else()
    {
        TestSession client = _server.Connect();
        EventSocket socket = client.Socket;
        client.Result = RawWs.Server.Transport.SendResult.Dropped;

        socket.Volatile.Emit("tick");
        _server.Server.Volatile.Emit("tick");
        Assert.That(socket.Connected, Is.True);

        _server.Server.Emit("must arrive");
        Assert.That(client.Aborts, Is.EqualTo(1));
        Assert.That(socket.Connected, Is.False);
    }

    [Test]
    public void A_slow_consumer_does_not_cost_the_others_a_broadcast()
    {
        TestSession before = _server.Connect();
        TestSession slow = _server.Connect();
        TestSession after = _server.Connect();
        slow.Socket.OnDisconnect(_ => _server.Server.Emit("gone"));
        slow.Result = RawWs.Server.Transport.SendResult.Dropped;

        _server.Server.Emit("e");

        Assert.That(before.Events, Is.EqualTo(["e", "gone"]));
        Assert.That(after.Events, Is.EqualTo(["e", "gone"]));
    }

    private sealed record Message(string Msg);

    [System.Text.Json.Serialization.JsonConverter(typeof(CountingConverter))]
    private sealed class Counted;

    private sealed class CountingConverter : System.Text.Json.Serialization.JsonConverter<Counted>
    {
        public static int Count { get; set; }

        public override Counted Read(
            ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
            throw new NotSupportedException();

        public override void Write(Utf8JsonWriter writer, Counted value, JsonSerializerOptions options)
        {
            Count++;
            writer.WriteNumberValue(1);
        }
    }
}
