using System.Text.Json;
using RawWs.Server.Events;
using RawWs.Tests.Support;

namespace RawWs.Tests.Server.Events;

[FixtureLifeCycle(LifeCycle.InstancePerTestCase)]
public sealed class EventSocketDispatchTests
{
    private readonly TestServer _server = new();

    [Test]
    public void Typed_handlers_get_their_arguments()
    {
        TestSession client = _server.Connect();
        var seen = new List<string>();
        client.Socket.On("none", () => seen.Add("none"));
        client.Socket.On<string>("one", a => seen.Add(a));
        client.Socket.On<string, int>("two", (a, b) => seen.Add($"{a}{b}"));
        client.Socket.On<string, int, bool[]>("three", (a, b, c) => seen.Add($"{a}{b}{c.Length}"));

        client.Receive("none");
        client.Receive("one", """ "a\",b" """);
        client.Receive("two", """ "x" , 2,"ignored" """);
        client.Receive("three", """ "y",3,[true,false] """);

        Assert.That(seen, Is.EqualTo(["none", "a\",b", "x2", "y32"]));
    }

    [TestCase("""{"text":"hi"}""", ExpectedResult = "<ack 7 [\"hi\"]")]
    [TestCase("""{"Text":"hi"}""", ExpectedResult = "<ack 7 [\"hi\"]")]
    [TestCase("", ExpectedResult = "<ack 7 error bad_arguments")]
    [TestCase("null", ExpectedResult = "<ack 7 error bad_arguments")]
    [TestCase("5", ExpectedResult = "<ack 7 error bad_arguments")]
    [TestCase("]]\"\\", ExpectedResult = "<ack 7 error bad_arguments")]
    public string Arguments_that_do_not_fit_keep_the_handler_from_running(string arguments)
    {
        TestSession client = _server.Connect();
        client.Socket.On<Note, string>("note", note => note.Text);

        client.Receive("note", arguments, 7);

        Assert.That(_server.Errors, Is.Empty);
        return client.Sent[^1];
    }

    [TestCase("text", "\"\\ud800\"", ExpectedResult = "<ack 7 error bad_arguments")]
    [TestCase("number", "1e999", ExpectedResult = "<ack 7 error handler_error")]
    [TestCase("number", "-0", ExpectedResult = "<ack 7 [-0]")]
    [TestCase("whole", "1e999", ExpectedResult = "<ack 7 error bad_arguments")]
    [TestCase("whole", "9007199254740993", ExpectedResult = "<ack 7 [9007199254740993]")]
    [TestCase("note", """{"text":"a","__proto__":{"text":"b"},"text":"c"}""", ExpectedResult = "<ack 7 [\"c\"]")]
    public string Odd_value_that_is_echoed_by_its_type_costs_its_own_event_alone(string name, string arguments)
    {
        TestSession client = _server.Connect();
        client.Socket.On<string, string>("text", text => text);
        client.Socket.On<double, double>("number", number => number);
        client.Socket.On<long, long>("whole", number => number);
        client.Socket.On<Note, string>("note", note => note.Text);

        client.Receive(name, arguments, 7);
        client.Receive("whole", "1", 8);

        Assert.That(client.Sent[^1], Is.EqualTo("<ack 8 [1]"));
        return client.Sent[^2];
    }

    [Test]
    public void A_nullable_value_may_be_missing()
    {
        TestSession client = _server.Connect();
        client.Socket.On<int?, string>("n", n => n is null ? "none" : "some");

        client.Receive("n", "", 1);
        client.Receive("n", "null", 2);
        client.Receive("n", "3", 3);

        Assert.That(
            client.Sent[1..], Is.EqualTo(["<ack 1 [\"none\"]", "<ack 2 [\"none\"]", "<ack 3 [\"some\"]"]));
    }

    [Test]
    public void What_a_handler_returns_answers_the_ack_only_if_one_is_wanted()
    {
        TestSession client = _server.Connect();
        client.Socket.On("sync", () => 1);
        client.Socket.On("async", async () =>
        {
            await Task.CompletedTask;
            return 2;
        });
        client.Socket.On<int, int>("three", a => Task.FromResult(a + 1));
        client.Socket.On("nothing", () => { });

        client.Receive("sync", ackId: 1);
        client.Receive("async", ackId: 2);
        client.Receive("three", "2", 3);
        client.Receive("sync");
        client.Receive("nothing", ackId: 4);

        Assert.That(client.Sent[1..], Is.EqualTo(["<ack 1 [1]", "<ack 2 [2]", "<ack 3 [3]"]));
    }

    [Test]
    public void Only_the_first_answer_counts()
    {
        TestSession client = _server.Connect();
        client.Socket.On("e", context =>
        {
            context.Ack(context.Arguments);
            context.Ack("again");
            context.AckError("x");
        });
        client.Socket.On("e", () => "later handler");

        client.Receive("e", "1,[2]", 9);

        Assert.That(client.Sent[1..], Is.EqualTo(["<ack 9 [1,[2]]"]));
    }

    [Test]
    public async Task A_context_outlives_the_receive_buffer()
    {
        TestSession client = _server.Connect();
        var go = new TaskCompletionSource();
        var done = new TaskCompletionSource<string>();
        client.Socket.On("keep", async context =>
        {
            await go.Task;
            done.SetResult($"{context.Name} {context.Arguments.Get<string>(1)} {context.Arguments.Count}");
        });

        await client.Receive("keep", """{"a":[1,2]}, "zwei" """);
        go.SetResult();

        Assert.That(await done.Task.WaitAsync(TimeSpan.FromSeconds(10)), Is.EqualTo("keep zwei 2"));
    }

    [Test]
    public void Every_way_to_throw_costs_only_its_event()
    {
        TestSession client = _server.Connect();
        client.Socket.On("sync", () => throw new InvalidOperationException("secret"));
        client.Socket.On("async", async () =>
        {
            await Task.CompletedTask;
            throw new InvalidOperationException("secret");
        });
        client.Socket.On("result", new Func<int>(() => throw new JsonException("secret")));
        client.Socket.On("cancelled", () => Task.FromCanceled(new CancellationToken(true)));
        client.Socket.On("unserializable", () => double.NaN);
        client.Socket.On("alive", () => "yes");

        string[] names = ["sync", "async", "result", "cancelled", "unserializable"];
        foreach (string name in names)
            client.Receive(name, ackId: 1);

        client.Receive("alive", ackId: 2);

        Assert.That(client.Sent[1..^1], Is.All.EqualTo("<ack 1 error handler_error"));
        Assert.That(client.Sent[^1], Is.EqualTo("<ack 2 [\"yes\"]"));
        Assert.That(_server.Errors.Count(), Is.EqualTo(names.Length));
        Assert.That(_server.FailuresCounted, Is.EqualTo(names.Length));
    }

    [Test]
    public void What_throws_behind_an_ack_costs_only_its_event()
    {
        TestSession client = _server.Connect();
        client.Socket.On("ask", async () =>
        {
            await client.Socket.EmitWithAckAsync<int>("question");
            throw new InvalidOperationException();
        });
        client.Socket.On("alive", () => "yes");

        client.Receive("ask", ackId: 1);
        client.ReceiveAck(0, "5");

        Assert.That(() => client.Sent[^1], Is.EqualTo("<ack 1 error handler_error").After(5_000, 5));
        client.Receive("alive", ackId: 2);
        Assert.That(client.Sent[^1], Is.EqualTo("<ack 2 [\"yes\"]"));
        Assert.That((_server.Errors.Count(), _server.FailuresCounted), Is.EqualTo((1, 1L)));
    }

    [Test]
    public void A_failing_handler_does_not_keep_the_next_one_from_running()
    {
        TestSession client = _server.Connect();
        var ran = false;
        client.Socket.On("e", () => throw new InvalidOperationException());
        client.Socket.On("e", () => ran = true);

        client.Receive("e");

        Assert.That(ran, Is.True);
    }

    [Test]
    public void A_handler_may_answer_with_an_error_of_its_own()
    {
        TestSession client = _server.Connect();
        client.Socket.On("join", new Func<string>(() => throw new AckException("room_full", "Try later")));

        client.Receive("join", ackId: 3);

        Assert.That(client.Sent[^1], Is.EqualTo("<ack 3 error room_full Try later"));
        Assert.That(_server.Errors, Is.Empty);
    }

    [Test]
    public void An_error_that_another_client_answered_is_not_passed_on()
    {
        TestSession asked = _server.Connect();
        TestSession asking = _server.Connect();
        asking.Socket.On("ask", () => asked.Socket.EmitWithAckAsync<int>("question"));

        asking.Receive("ask", ackId: 1);
        asked.Socket.OnAckError(0, "theirs", "private");

        Assert.That(() => asking.Sent[^1], Is.EqualTo("<ack 1 error handler_error").After(5_000, 5));
    }

    [Test]
    public void Once_runs_once_even_when_its_handler_makes_the_event_again()
    {
        TestSession client = _server.Connect();
        var runs = 0;
        client.Socket.Once("e", () =>
        {
            runs++;
            client.Receive("e");
        });

        client.Receive("e");
        client.Receive("e");

        Assert.That(runs, Is.EqualTo(1));
    }

    [Test]
    public void Off_takes_away_what_it_names()
    {
        TestSession client = _server.Connect();
        var log = new List<string>();
        Action first = () => log.Add("first");
        Action second = () => log.Add("second");
        Action<EventContext> any = context => log.Add($"any {context.Name}");
        client.Socket.On("a", first);
        client.Socket.On("a", second);
        client.Socket.On("b", first);
        client.Socket.On("c", first);
        client.Socket.OnAny(any);

        client.Socket.Off("a", first);
        client.Socket.Off("b");
        client.Socket.Off("unknown", first);
        client.Receive("a");
        client.Receive("b");
        client.Socket.OffAny(any);
        client.Receive("c");
        client.Socket.Off();
        client.Receive("a");
        client.Receive("c");

        Assert.That(log, Is.EqualTo(["any a", "second", "any b", "first"]));
    }

    [TestCase("__proto__")]
    [TestCase("error")]
    [TestCase("")]
    [TestCase("\u0000\u001b[31m")]
    public void A_name_without_handlers_is_ignored(string name)
    {
        TestSession client = _server.Connect();

        Assert.That(client.Receive(name, "1", 1).IsCompletedSuccessfully, Is.True);
        Assert.That(client.Sent, Has.Length.EqualTo(1));
    }

    [Test]
    public void A_typed_event_without_an_ack_allocates_nothing_but_its_values()
    {
        TestSession client = _server.Connect();
        EventSocket socket = client.Socket;
        var sum = 0;
        socket.On<int>("n", n => sum += n);
        var dispatched = 0;
        var allocated = Allocation.Of(
            () =>
            {
                Complete(socket.DispatchAsync("n"u8, "1"u8, null));
                dispatched++;
            },
            rounds: 1_000);
        Assert.That(allocated, Is.Zero);
        Assert.That(sum, Is.EqualTo(dispatched));
    }

    private static void Complete(ValueTask dispatched)
    {
        if (!dispatched.IsCompletedSuccessfully)
            throw new InvalidOperationException("It should have been complete.");
    }

    private sealed record Note(string Text);
}
