using RawWs.Server.Sessions;

namespace RawWs.Tests.Server.Events;

[FixtureLifeCycle(LifeCycle.InstancePerTestCase)]
public sealed class EventSocketOrderTests
{
    private readonly TestServer _server = new();

    [Test]
    public void Handlers_start_in_order_and_one_that_awaits_does_not_hold_back_the_next()
    {
        TestSession client = _server.Connect();
        var started = new List<int>();
        var never = new TaskCompletionSource();
        client.Socket.On<int>("e", async n =>
        {
            started.Add(n);
            await never.Task;
        });

        for (var i = 0; i < 100; i++)
            Assert.That(client.Receive("e", $"{i}").IsCompletedSuccessfully, Is.True);

        Assert.That(started, Is.EqualTo(Enumerable.Range(0, 100)));
    }

    [Test]
    public async Task At_the_bound_the_caller_waits_until_a_handler_is_done()
    {
        var server = new TestServer(options => options.MaxConcurrentHandlers = 2);
        TestSession client = server.Connect();
        var started = new List<int>();
        TaskCompletionSource[] gates = [new(), new(), new()];
        client.Socket.On<int>("e", async n =>
        {
            started.Add(n);
            await gates[n].Task;
        });

        Assert.That(client.Receive("e", "0").IsCompleted, Is.True);
        Assert.That(client.Receive("e", "1").IsCompleted, Is.True);
        Task third = client.Receive("e", "2");
        Assert.That(third.IsCompleted, Is.False);
        Assert.That(started, Is.EqualTo([0, 1]));

        gates[1].SetResult();
        await third;

        Assert.That(started, Is.EqualTo([0, 1, 2]));
    }

    [Test]
    public async Task A_bound_of_one_is_strictly_sequential_but_still_takes_acks()
    {
        var server = new TestServer(options => options.MaxConcurrentHandlers = 1);
        TestSession client = server.Connect();
        var log = new List<string>();
        client.Socket.On<int>("e", async n =>
        {
            log.Add($"start {n}");
            await client.Socket.EmitWithAckAsync<int>("question");
            log.Add($"end {n}");
        });

        await client.Receive("e", "0");
        for (var i = 1; i < 3; i++)
        {
            Task next = client.Receive("e", $"{i}");
            Assert.That(next.IsCompleted, Is.False);
            client.ReceiveAck(i - 1, "1");
            await next;
        }

        client.ReceiveAck(2, "1");
        Assert.That(() => log.Count, Is.EqualTo(6).After(5_000, 5));
        Assert.That(log, Is.EqualTo(["start 0", "end 0", "start 1", "end 1", "start 2", "end 2"]));
    }

    [Test]
    public async Task An_event_that_waits_at_the_bound_is_let_go_when_the_client_leaves()
    {
        var server = new TestServer(options => options.MaxConcurrentHandlers = 1);
        TestSession client = server.Connect();
        var runs = 0;
        client.Socket.On("e", () =>
        {
            runs++;
            return new TaskCompletionSource().Task;
        });

        await client.Receive("e");
        Task waiting = client.Receive("e");
        client.Close(DisconnectReason.TransportClose);
        await waiting;

        Assert.That(runs, Is.EqualTo(1));
    }

    [Test]
    public void Middleware_runs_in_order_and_a_refusal_stays_on_the_server()
    {
        TestSession client = _server.Connect();
        var log = new List<string>();
        client.Socket.OnAny(context => log.Add($"any {context.Name}"));
        client.Socket.Use(context => log.Add($"first {context.Name}"));
        client.Socket.Use(context =>
        {
            if (context.Name == "forbidden")
                throw new UnauthorizedAccessException("no");
        });
        client.Socket.Use(_ => log.Add("last"));
        client.Socket.OnError(refused => log.Add($"error {refused.Error.Message} {refused.Event.Name}"));
        client.Socket.On("forbidden", () => log.Add("ran"));
        client.Socket.On("allowed", () => log.Add("ran"));

        client.Receive("forbidden", ackId: 1);
        client.Receive("allowed");

        Assert.That(log, Is.EqualTo([
            "any forbidden", "first forbidden", "error no forbidden", "any allowed",
            "first allowed", "last", "ran"]));
        Assert.That(client.Sent, Has.Length.EqualTo(1));
    }

    [Test]
    public async Task Events_behind_slow_middleware_keep_their_order()
    {
        TestSession client = _server.Connect();
        var slow = new TaskCompletionSource();
        var done = new TaskCompletionSource();
        var log = new List<string>();
        client.Socket.Use(context => context.Arguments.Get<int>(0) == 0 ? slow.Task : Task.CompletedTask);
        client.Socket.On<int>("e", n =>
        {
            log.Add($"{n}");
            if (n == 2)
                done.SetResult();
        });

        for (var i = 0; i < 3; i++)
            await client.Receive("e", $"{i}");

        Assert.That(log, Is.Empty);
        slow.SetResult();
        await done.Task.WaitAsync(TimeSpan.FromSeconds(10));
        Assert.That(log, Is.EqualTo(["0", "1", "2"]));
    }
}
