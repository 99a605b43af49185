using RawWs.Server.Events;
using RawWs.Server.Sessions;

namespace RawWs.Tests.Server.Events;

[FixtureLifeCycle(LifeCycle.InstancePerTestCase)]
public sealed class PendingAcksTests
{
    private readonly TestServer _server = new();

    [Test]
    public async Task An_ack_completes_the_call()
    {
        TestSession client = _server.Connect();

        Task<string> answer = client.Socket.EmitWithAckAsync<int, string>("question", 5);
        Task<EventArguments> all = client.Socket.EmitWithAckAsync<EventArguments>("question");
        client.ReceiveAck(1, "1,2");
        client.ReceiveAck(0, "\"yes\"");

        Assert.That(client.Events, Is.EqualTo(["question 5 #0", "question #1"]));
        Assert.That(await answer, Is.EqualTo("yes"));
        Assert.That((await all).Get<int>(1), Is.EqualTo(2));
        Assert.That(client.Socket.PendingAcks.Count, Is.Zero);
    }

    [Test]
    public async Task Unknown_and_repeated_acks_are_ignored()
    {
        TestSession client = _server.Connect();
        Task<int> answer = client.Socket.EmitWithAckAsync<int>("question");

        client.ReceiveAck(99, "1");
        client.ReceiveAck(0, "2");
        client.ReceiveAck(0, "3");
        client.Socket.OnAckError(0, "late", "");

        Assert.That(await answer, Is.EqualTo(2));
    }

    [Test]
    public void One_counter_serves_a_namespace()
    {
        _server.Server.Of("/other");
        TestSession one = _server.Connect();
        TestSession two = _server.Connect();
        TestSession other = _server.Connect("/other");

        _ = one.Socket.EmitWithAckAsync<int>("a");
        _ = two.Socket.EmitWithAckAsync<int>("b");
        _ = other.In("/other").EmitWithAckAsync<int>("apart");
        _ = _server.Server.To().EmitWithAckAsync<int>("both");

        Assert.That(one.Events, Is.EqualTo(["a #0", "both #2"]));
        Assert.That(two.Events, Is.EqualTo(["b #1", "both #2"]));
        Assert.That(other.Events, Is.EqualTo(["apart #0"]));
    }

    [Test]
    public async Task Another_client_cannot_answer()
    {
        TestSession client = _server.Connect();
        TestSession other = _server.Connect();
        Task<int> answer = client.Socket.EmitWithAckAsync<int>("question");

        other.ReceiveAck(0, "1");
        Assert.That(answer.IsCompleted, Is.False);
        client.ReceiveAck(0, "2");

        Assert.That(await answer, Is.EqualTo(2));
    }

    [Test]
    public void No_ack_in_time_is_a_timeout()
    {
        TestSession client = _server.Connect();
        Task<int> byDefault = client.Socket.EmitWithAckAsync<int>("a");
        Task<int> shorter = client.Socket.EmitWithAckAsync<int>("b", TimeSpan.FromMilliseconds(500));
        Task<int> never = client.Socket.EmitWithAckAsync<int>("c", Timeout.InfiniteTimeSpan);

        _server.Time.Advance(TimeSpan.FromMilliseconds(499));
        _server.Hub.OnTick();
        Assert.That(shorter.IsCompleted, Is.False);

        _server.Time.Advance(TimeSpan.FromMilliseconds(1));
        _server.Hub.OnTick();
        Assert.That(async () => await shorter, Throws.TypeOf<TimeoutException>());
        Assert.That(byDefault.IsCompleted, Is.False);

        _server.Time.Advance(TimeSpan.FromDays(1));
        _server.Hub.OnTick();
        Assert.That(async () => await byDefault, Throws.TypeOf<TimeoutException>());
        Assert.That(never.IsCompleted, Is.False);
        Assert.That(client.Socket.PendingAcks.Count, Is.EqualTo(1));
        Assert.That(
            () => client.Socket.EmitWithAckAsync<int>("d", TimeSpan.Zero),
            Throws.InstanceOf<ArgumentException>());
    }

    [Test]
    public void An_error_or_an_unfit_answer_is_an_AckException()
    {
        TestSession client = _server.Connect();
        Task<int> error = client.Socket.EmitWithAckAsync<int>("a");
        Task<int> unfit = client.Socket.EmitWithAckAsync<int>("b");
        Task<int> missing = client.Socket.EmitWithAckAsync<int>("c");
        Task<string> nothing = client.Socket.EmitWithAckAsync<string>("d");

        client.Socket.OnAckError(0, "busy", "later");
        client.ReceiveAck(1, "\"x\"");
        client.ReceiveAck(2);
        client.ReceiveAck(3);

        Assert.That(async () => await error,
            Throws.TypeOf<AckException>().With.Property("Code").EqualTo("busy"));
        Assert.That(async () => await unfit,
            Throws.TypeOf<AckException>().With.Property("Code").EqualTo("bad_arguments"));
        Assert.That(async () => await missing, Throws.TypeOf<AckException>());
        Assert.That(async () => await nothing, Is.Null);
    }

    // Of this type the serializer says so by another exception than of an answer that does not fit.
    [Test]
    public void An_answer_of_a_type_that_cannot_be_read_is_a_fault_of_who_asked_alone()
    {
        TestSession client = _server.Connect();
        Task<Type> answer = client.Socket.EmitWithAckAsync<Type>("question");

        Assert.That(() => client.ReceiveAck(0, "\"System.String\""), Throws.Nothing);

        Assert.That(async () => await answer, Throws.TypeOf<AckException>());
        Assert.That(_server.Errors, Is.Empty);
    }

    [Test]
    public void A_disconnect_fails_what_is_pending_and_what_comes_later()
    {
        TestSession client = _server.Connect();
        EventSocket socket = client.Socket;
        Task<int> pending = socket.EmitWithAckAsync<int>("a");

        client.Close(DisconnectReason.PingTimeout);
        Task<int> later = socket.EmitWithAckAsync<int>("b");

        Assert.That(async () => await pending, Throws.TypeOf<AckException>()
            .With.Property("Code").EqualTo(AckException.Disconnected).And.Message.Contains("ping timeout"));
        Assert.That(async () => await later, Throws.TypeOf<AckException>());
        Assert.That(client.Events, Is.EqualTo(["a #0"]));
    }

    [Test]
    public void A_cancelled_call_waits_no_more()
    {
        TestSession client = _server.Connect();
        using var cancellation = new CancellationTokenSource();
        Task<int> pending = client.Socket.EmitWithAckAsync<int>("a", cancellationToken: cancellation.Token);

        cancellation.Cancel();

        Assert.That(async () => await pending, Throws.InstanceOf<OperationCanceledException>());
        Assert.That(client.Socket.PendingAcks.Count, Is.Zero);
        Assert.That(
            client.Socket.EmitWithAckAsync<int>("b", cancellationToken: cancellation.Token).IsCanceled,
            Is.True);
        Assert.That(client.Events, Has.Length.EqualTo(1));
    }

    [Test]
    public void A_client_cannot_owe_more_acks_than_the_bound()
    {
        var server = new TestServer(options => options.MaxPendingAcks = 2);
        TestSession client = server.Connect();
        client.Socket.EmitWithAckAsync<int>("a");
        client.Socket.EmitWithAckAsync<int>("b");

        Assert.That(
            async () => await client.Socket.EmitWithAckAsync<int>("c"), Throws.InvalidOperationException);
        client.ReceiveAck(0, "1");
        Assert.That(client.Socket.EmitWithAckAsync<int>("d").IsFaulted, Is.False);
    }

    [Test]
    public async Task A_broadcast_gathers_the_acks_of_all_receivers()
    {
        TestSession[] clients = [.. Enumerable.Range(0, 4).Select(_ => _server.Connect())];
        Task<BroadcastAnswers<int>> asked =
            _server.Server.To().EmitWithAckAsync<string, int>("question", "q");

        Assert.That(clients.Select(client => client.Events.Single()), Is.All.EqualTo("question \"q\" #0"));
        clients[0].ReceiveAck(0, "1");
        clients[1].Socket.OnAckError(0, "no", "");
        clients[2].Close(DisconnectReason.TransportClose);
        Assert.That(asked.IsCompleted, Is.False);
        _server.Time.Advance(TimeSpan.FromSeconds(10));
        _server.Hub.OnTick();

        BroadcastAnswers<int> answers = await asked;
        Assert.That(answers.Values, Is.EqualTo([1]));
        Assert.That(answers.Missing, Is.EqualTo(3));
        Assert.That(answers.IsComplete, Is.False);
    }

    [Test]
    public async Task A_broadcast_to_nobody_is_answered_at_once()
    {
        BroadcastAnswers<int> answers = await _server.Server.To("empty").EmitWithAckAsync<int>("question");

        Assert.That(answers.IsComplete, Is.True);
    }
}
