using System.Text;
using System.Text.Json;
using RawWs.Server.Events;

namespace RawWs.Tests.Server.Events;

[FixtureLifeCycle(LifeCycle.InstancePerTestCase)]
public sealed class EventArgumentsTests
{
    private static readonly ReadOnlyMemory<byte>[] s_three = [new byte[] { 1 }, new byte[] { 2, 2 }, new byte[] { 3 }];

    private readonly TestServer _server = new();

    [Test]
    public void Attachments_are_read_wherever_their_placeholders_are()
    {
        EventArguments arguments = Read("""
            "a",{"deep":[{"_placeholder":true,"num":1}]},{"num":0,"_placeholder":true}
            """, s_three);

        Assert.That(arguments.Count, Is.EqualTo(3));
        Assert.That(arguments.Attachments, Has.Count.EqualTo(3));
        Assert.That(arguments.Get<Deep>(1)!.Bytes[0], Is.EqualTo(new byte[] { 2, 2 }));
        Assert.That(arguments.Get<byte[]>(2), Is.EqualTo(new byte[] { 1 }));
        byte[] copy = arguments.Get<byte[]>(2)!;
        copy[0] = 9;
        Assert.That(arguments.Attachments[0].Span[0], Is.EqualTo(1), "Arrays are copies.");
    }

    [Test]
    public void Without_attachments_a_placeholder_is_data()
    {
        EventArguments arguments = Read("""{"_placeholder":true,"num":0},{"_placeholder":true,"num":0}""");

        Assert.That(arguments.Get<JsonElement>(0).GetProperty("num").GetInt32(), Is.Zero);
        Assert.That(() => arguments.Get<byte[]>(0), Throws.InstanceOf<JsonException>());
        Assert.That($"{arguments.Slice(1)}", Is.EqualTo("""[{"_placeholder":true,"num":0}]"""));
        Assert.That(arguments.Attachments, Is.Empty);
    }

    [Test]
    public void A_slice_takes_its_attachments_along()
    {
        EventArguments arguments = Read("""
            {"_placeholder":true,"num":0}, [{"_placeholder":true,"num":2},{"num":1,"_placeholder":true}] , "x"
            """, s_three);

        EventArguments slice = arguments.Slice(1);

        Assert.That($"{slice}", Is.EqualTo(
            """[[{"_placeholder":true,"num":0},{"_placeholder":true,"num":1}] , "x"]"""));
        Assert.That(slice.Attachments.Select(bytes => bytes.Span[0]), Is.EqualTo([3, 2]));
        Assert.That(slice.Count, Is.EqualTo(2));
        Assert.That(arguments.Slice(2, 1).Attachments, Is.Empty);
        Assert.That($"{arguments.Slice(3)}{arguments.Slice(1, 0)}", Is.EqualTo("[][]"));
    }

    [TestCase(-1, 0)]
    [TestCase(0, 3)]
    [TestCase(1, 2)]
    [TestCase(3, 0)]
    [TestCase(1, -1)]
    [TestCase(1, int.MaxValue)]
    public void A_slice_stays_inside(int start, int count)
    {
        EventArguments arguments = Read("1,2");

        Assert.That(
            () => arguments.Slice(start, count), Throws.InstanceOf<ArgumentOutOfRangeException>());
    }

    [Test]
    public void What_is_sent_on_has_no_white_space_between_its_values()
    {
        TestSession client = _server.Connect();
        client.Socket.On("e", context =>
        {
            client.Socket.Emit("e", context.Arguments);
            context.Ack(context.Arguments);
        });

        client.Receive("e", " [ 1 ,\t\"a b\\\" , c\" ]\r\n, { \"k k\" : null } ", 1);

        const string minified = """[1,"a b\" , c"],{"k k":null}""";
        Assert.That(client.Sent[1..], Is.EqualTo([$"e {minified}", $"<ack 1 [{minified}]"]));
    }

    [TestCase("")]
    [TestCase("""["a b","\\"," \" "]""")]
    [TestCase("""{"a b":1}""")]
    public void What_has_no_white_space_is_not_copied(string json)
    {
        EventArguments arguments = Read(json);

        Assert.That(arguments.Tidy(), Is.SameAs(arguments));
    }

    private EventArguments Read(string json, ReadOnlyMemory<byte>[]? attachments = null) =>
        new(_server.Hub.Json, Encoding.UTF8.GetBytes(json), attachments: attachments);

    private sealed record Deep([property: System.Text.Json.Serialization.JsonPropertyName("deep")] byte[][] Bytes);
}
