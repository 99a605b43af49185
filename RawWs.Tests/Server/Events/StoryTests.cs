using RawWs.Server;

namespace RawWs.Tests.Server.Events;

/// <summary>The story that the event layer exists to serve, as its user writes it.</summary>
[FixtureLifeCycle(LifeCycle.InstancePerTestCase)]
public sealed class StoryTests
{
    [Test]
    public void The_story_reads_as_it_does_in_JavaScript_and_works()
    {
        var test = new TestServer();
        RawWsServer server = test.Server;
        var left = new List<string>();
        var slow = new TaskCompletionSource();

        server.OnConnection(socket =>
        {
            server.Emit("server message", new ServerMessage("client connect server success"));
            socket.Broadcast.Emit("server message", new ServerMessage("broadcast"));
            var warnings = 0;
            socket.On<double>("random", async value =>
            {
                if (value > 0.95)
                {
                    await slow.Task;
                    socket.Emit("warn", ++warnings);
                }
            });
            socket.On<string, int>("sum", (name, n) => socket.Emit("sum", name + n));
            socket.On<string, string>("join", room =>
            {
                socket.Join(room);
                return "ok";
            });
            socket.OnDisconnect(reason => left.Add(reason.ToString()));
        });

        TestSession first = test.Connect();
        TestSession second = test.Connect();
        first.Receive("random", "0.5");
        first.Receive("random", "0.99");
        first.Receive("sum", "\"a\",1");
        first.Receive("join", "\"den\"", 4);
        Assert.That(first.Events, Is.EqualTo([
            """server message {"msg":"client connect server success"}""",
            """server message {"msg":"client connect server success"}""",
            """server message {"msg":"broadcast"}""",
            """sum "a1" """.TrimEnd()]));
        Assert.That(first.Sent[^1], Is.EqualTo("<ack 4 [\"ok\"]"));
        Assert.That(first.Socket.Rooms, Does.Contain("den"));

        slow.SetResult();
        Assert.That(() => first.Sent[^1], Is.EqualTo("warn 1").After(5_000, 5));
        Assert.That(second.Events, Has.Length.EqualTo(1));

        first.Close(RawWs.Server.Sessions.DisconnectReason.TransportClose);
        second.Socket.Disconnect();
        Assert.That(left, Is.EqualTo(["transport close", "server namespace disconnect"]));
    }

    private sealed record ServerMessage(string Msg);
}
