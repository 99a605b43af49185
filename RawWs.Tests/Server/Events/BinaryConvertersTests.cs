using System.Text.Json;
using System.Text.Json.Serialization;
using RawWs.Server.Events;

namespace RawWs.Tests.Server.Events;

[FixtureLifeCycle(LifeCycle.InstancePerTestCase)]
public sealed partial class BinaryConvertersTests
{
    private const string First = """{"_placeholder":true,"num":0}""";
    private const string Second = """{"_placeholder":true,"num":1}""";
    private const string Third = """{"_placeholder":true,"num":2}""";

    private readonly TestServer _server = new();

    [Test]
    public void Bytes_become_attachments_wherever_they_are()
    {
        TestSession client = _server.Connect();

        client.Socket.Emit("e", new byte[] { 1 }, "x", new Photo("me", [2, 3], new byte[] { 4 }));
        client.Socket.Emit<object>("o", new byte[] { 5 });
        client.Socket.Emit("m", (ReadOnlyMemory<byte>)new byte[] { 6 }, new Memory<byte>([7]));
        client.Socket.Emit("n", (byte[]?)null);

        Assert.That(client.Events, Is.EqualTo([
            $"e {First},\"x\",{{\"name\":\"me\",\"bytes\":{Second},\"more\":{Third}}} +01 +0203 +04",
            $"o {First} +05", $"m {First},{Second} +06 +07", "n null"]));
    }

    [Test]
    public void Handlers_get_the_bytes_of_attachments_and_of_base64()
    {
        TestSession client = _server.Connect();
        var seen = new List<string>();
        client.Socket.On<byte[]>("b", bytes => seen.Add(Convert.ToHexString(bytes)));
        client.Socket.On<ReadOnlyMemory<byte>>("b", bytes => seen.Add(Convert.ToHexString(bytes.Span)));
        client.Socket.On<Memory<byte>>("b", bytes => seen.Add(Convert.ToHexString(bytes.Span)));
        client.Socket.On<Photo>("p", photo =>
            seen.Add(photo.Name + Convert.ToHexString(photo.Bytes) + Convert.ToHexString(photo.More.Span)));

        client.Receive("b", First, attachments: new byte[] { 1, 2 });
        client.Receive("b", "\"AQI=\"");
        client.Receive("p", $$"""{"more":{{First}},"name":"x","bytes":"/w=="}""", attachments: new byte[] { 3 });

        Assert.That(seen, Is.EqualTo(["0102", "0102", "0102", "0102", "0102", "0102", "xFF03"]));
    }

    [TestCase("\"AQI\"")]
    [TestCase("\"%\"")]
    [TestCase("[1,2]")]
    [TestCase("7")]
    [TestCase("null")]
    [TestCase("{}")]
    [TestCase("""{"num":0}""")]
    [TestCase("""{"_placeholder":false,"num":0}""")]
    [TestCase("""{"_placeholder":true}""")]
    [TestCase("""{"_placeholder":true,"num":1}""")]
    [TestCase("""{"_placeholder":true,"num":-1}""")]
    [TestCase("""{"_placeholder":true,"num":0.5}""")]
    [TestCase("""{"_placeholder":true,"num":"0"}""")]
    [TestCase("""{"_placeholder":true,"num":[0]}""")]
    public void What_is_not_bytes_does_not_fit(string argument)
    {
        TestSession client = _server.Connect();
        client.Socket.On<byte[], int>("b", bytes => bytes.Length);
        client.Socket.On<ReadOnlyMemory<byte>, int>("m", bytes => bytes.Length);

        client.Receive("b", argument, 1, attachments: new byte[] { 1 });
        client.Receive("m", argument, 2, attachments: new byte[] { 1 });

        Assert.That(
            client.Sent[1..], Is.EqualTo(["<ack 1 error bad_arguments", "<ack 2 error bad_arguments"]));
    }

    [Test]
    public async Task A_waiting_event_keeps_its_attachments()
    {
        var middleware = new TaskCompletionSource();
        var seen = new TaskCompletionSource<byte[]>();
        TestSession client = _server.Connect();
        client.Socket.Use(_ => middleware.Task);
        client.Socket.On<byte[]>("b", bytes => seen.SetResult(bytes));

        await client.Receive("b", First, attachments: new byte[] { 9 });
        middleware.SetResult();

        Assert.That(await seen.Task.WaitAsync(TimeSpan.FromSeconds(10)), Is.EqualTo(new byte[] { 9 }));
    }

    [Test]
    public async Task Acks_carry_bytes_both_ways()
    {
        TestSession client = _server.Connect();
        client.Socket.On<byte[], byte[]>("echo", bytes => bytes);
        client.Socket.On("raw", context => context.Ack(context.Arguments));

        await client.Receive("echo", First, 1, attachments: new byte[] { 1 });
        await client.Receive("raw", $"{First},{Second}", 2, attachments: [new byte[] { 1 }, new byte[] { 2 }]);
        Task<byte[]> first = client.Socket.EmitWithAckAsync<byte[]>("q");
        Task<EventArguments> all = client.Socket.EmitWithAckAsync<EventArguments>("q");
        client.ReceiveAck(0, First, new byte[] { 3 });
        client.ReceiveAck(1, $"1,{First}", new byte[] { 4 });

        Assert.That(client.Sent[1..3], Is.EqualTo(
            [$"<ack 1 [{First}] +01", $"<ack 2 [{First},{Second}] +01 +02"]));
        Assert.That(await first, Is.EqualTo(new byte[] { 3 }));
        Assert.That((await all).Get<byte[]>(1), Is.EqualTo(new byte[] { 4 }));
    }

    [Test]
    public void The_caller_may_use_its_array_again()
    {
        byte[] bytes = [1];
        EventArguments arguments = _server.Hub.Json.Encode(bytes);

        bytes[0] = 2;

        Assert.That(arguments.Attachments[0].Span[0], Is.EqualTo(1));
    }

    [Test]
    public void Too_many_or_too_large_attachments_are_refused()
    {
        var server = new TestServer(options =>
        {
            options.MaxAttachments = 2;
            options.MaxEmitBytes = 100;
        });
        TestSession client = server.Connect();
        byte[] one = [1];

        Assert.That(() => client.Socket.Emit("e", one, one, one), Throws.ArgumentException);
        Assert.That(() => client.Socket.Emit("e", new byte[72]), Throws.ArgumentException);
        client.Socket.Emit("e", new byte[71]);
        client.Socket.Emit("e", one, one);

        Assert.That(client.Events, Has.Length.EqualTo(2));
    }

    [Test]
    public void Nobody_can_smuggle_a_placeholder_beside_bytes()
    {
        TestSession client = _server.Connect();
        JsonElement theirs = JsonElement.Parse("""{"\u005fplaceholder":true,"num":7}""");

        Assert.That(() => client.Socket.Emit("e", theirs, new byte[1]), Throws.ArgumentException);
        client.Socket.Emit("e", theirs);
        client.Socket.Emit("e", "\"_placeholder\":", Array.Empty<byte>());

        Assert.That(client.Events, Is.EqualTo([
            """e {"_placeholder":true,"num":7}""", $"""e "\"_placeholder\":",{First} +"""]));
    }

    [Test]
    public void Source_generated_types_carry_bytes_too()
    {
        var server = new TestServer(options =>
        {
            options.SerializerOptions.TypeInfoResolverChain.Clear();
            options.SerializerOptions.TypeInfoResolverChain.Add(Generated.Default);
        });
        TestSession client = server.Connect();
        var seen = new List<Photo>();
        client.Socket.On<Photo>("p", seen.Add);

        client.Socket.Emit("p", new Photo("x", [1], new byte[] { 2 }));
        client.Receive("p", $$"""{"bytes":{{First}},"name":"y","more":""}""", attachments: new byte[] { 3 });

        Assert.That(client.Events, Is.EqualTo(
            [$$"""p {"name":"x","bytes":{{First}},"more":{{Second}}} +01 +02"""]));
        Assert.That(seen.Single().Bytes, Is.EqualTo(new byte[] { 3 }));
    }

    [Test]
    public void A_converter_that_emits_does_not_mix_up_attachments()
    {
        TestSession client = _server.Connect();
        EmittingConverter.Emit = () => client.Socket.Emit("inner", new byte[] { 2 });

        client.Socket.Emit("outer", new byte[] { 1 }, new Emitting(), new byte[] { 3 });

        Assert.That(
            client.Events, Is.EqualTo([$"inner {First} +02", $"outer {First},0,{Second} +01 +03"]));
    }

    [Test]
    public void Where_there_are_no_attachments_bytes_are_base64()
    {
        _server.Server.Use(_ => throw new ConnectionRefusedException("no", new Photo("x", [1], default)));

        TestSession client = _server.Connect();

        Assert.That(client.Sent, Is.EqualTo(
            ["""<connect_error / no {"name":"x","bytes":"AQ==","more":""}"""]));
    }

    private sealed record Photo(string Name, byte[] Bytes, ReadOnlyMemory<byte> More);

    [JsonConverter(typeof(EmittingConverter))]
    private sealed class Emitting;

    private sealed class EmittingConverter : JsonConverter<Emitting>
    {
        public static Action Emit { get; set; } = () => { };

        public override Emitting Read(
            ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
            throw new NotSupportedException();

        public override void Write(Utf8JsonWriter writer, Emitting value, JsonSerializerOptions options)
        {
            Emit();
            writer.WriteNumberValue(0);
        }
    }

    [JsonSerializable(typeof(Photo))]
    private sealed partial class Generated : JsonSerializerContext;
}
