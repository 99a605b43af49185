using RawWs.Server.Events;
using RawWs.Server.Sessions;
using RawWs.Tests.Server.Events;
using RawWs.Tests.Support;
using TestServer = RawWs.Tests.Server.Events.TestServer;

namespace RawWs.Tests.Concurrency;

/// <summary>Waits for acks that several threads answer, expire, cancel and close at the same time.</summary>
public sealed class PendingAcksConcurrencyTests
{
    private const int Waits = 40;
    private static readonly int Rounds = LongRun.Or(100, 20_000);

    [Test]
    public void A_wait_ends_once_however_many_want_to_end_it()
    {
        var server = new TestServer();
        var random = new Random(1);
        for (int round = 0; round < Rounds; round++)
        {
            var table = new PendingAcks(server.Hub);
            Wait[] waits = [.. Enumerable.Range(0, Waits).Select(i => new Wait { Deadline = i })];
            bool[] isAdded = new bool[Waits];
            bool closes = random.Next(2) == 0;
            int[] ids = [.. Enumerable.Range(0, Waits)];
            random.Shuffle(ids);
            Together(
                () =>
                {
                    for (int id = 0; id < Waits; id++)
                        isAdded[id] = table.TryAdd(id, waits[id]) == AckAdded.Added;
                },
                () => AnswerAll(table, ids, server),
                () => AnswerAll(table, [.. ids.Reverse()], server),
                () =>
                {
                    for (int now = 0; now < Waits / 2; now++)
                        table.ExpireBefore(now);
                },
                () =>
                {
                    if (closes)
                        table.Close(DisconnectReason.TransportClose);
                });
            AnswerAll(table, ids, server);
            Assert.That(table.Count, Is.Zero);
            Assert.That(waits.Select(wait => wait.Ends), Is.EqualTo(isAdded.Select(added => added ? 1 : 0)));
        }
    }

    [Test]
    public async Task A_call_is_answered_times_out_is_cancelled_or_loses_its_client()
    {
        for (int round = 0; round < Rounds / 10; round++)
        {
            var server = new TestServer();
            TestSession client = server.Connect();
            EventSocket socket = client.Socket;
            using var cancellation = new CancellationTokenSource();
            Task<int>[] calls = [.. Enumerable.Range(0, Waits).Select(i => socket.EmitWithAckAsync<int>(
                "question", TimeSpan.FromMilliseconds(1 + (i % 4)), cancellationToken: i % 5 == 0 ? cancellation.Token : default))];
            Together(
                () => Answer(socket, Enumerable.Range(0, Waits), 1),
                () => Answer(socket, Enumerable.Range(0, Waits).Reverse(), 2),
                () =>
                {
                    for (int i = 0; i < 3; i++)
                    {
                        server.Time.Advance(TimeSpan.FromMilliseconds(1));
                        server.Hub.OnTick();
                    }
                },
                cancellation.Cancel,
                () => client.Close(DisconnectReason.TransportClose));

            foreach (Task<int> call in calls)
            {
                try
                {
                    Assert.That(await call.WaitAsync(WireClient.Patience), Is.AnyOf(1, 2));
                }
                catch (Exception e) when (e is TimeoutException or OperationCanceledException or AckException)
                {
                    Assert.That(call.IsCompleted, Is.True, "the wait itself has ended");
                }
            }

            Assert.That(socket.PendingAcks.Count, Is.Zero);
        }
    }

    [Test]
    public async Task A_broadcast_counts_each_receiver_once()
    {
        for (int round = 0; round < Rounds / 10; round++)
        {
            var server = new TestServer();
            TestSession[] clients = [.. Enumerable.Range(0, 8).Select(_ => server.Connect())];
            EventSocket[] sockets = [.. clients.Select(client => client.Socket)];
            Task<BroadcastAnswers<int>> asked = server.Server.To().EmitWithAckAsync<int>("question");
            Together(
                () => AnswerEach(sockets),
                () => AnswerEach(sockets.Reverse()),
                () => sockets[3].OnAckError(0, "no", ""),
                () =>
                {
                    foreach (TestSession client in clients.Take(4))
                        client.Close(DisconnectReason.TransportClose);
                });
            BroadcastAnswers<int> answers = await asked.WaitAsync(WireClient.Patience);
            Assert.That(answers.Values.Count + answers.Missing, Is.EqualTo(clients.Length));
            Assert.That(answers.Values, Is.All.EqualTo(1));
            Assert.That(answers.Values, Has.Count.GreaterThanOrEqualTo(4), "those who stayed have answered");
        }
    }

    private static void AnswerEach(IEnumerable<EventSocket> sockets)
    {
        foreach (EventSocket socket in sockets)
            socket.OnAck(0, "1"u8, []);
    }

    private static void Answer(EventSocket socket, IEnumerable<int> ids, int value)
    {
        byte[] json = [(byte)('0' + value)];
        foreach (int id in ids)
            socket.OnAck(id, json, []);
    }

    private static void AnswerAll(PendingAcks table, int[] ids, TestServer server)
    {
        foreach (int id in ids)
            table.Take(id)?.Answer(server.Hub.Json, "1"u8, []);
    }

    private static void Together(params Action[] actions)
    {
        using var start = new Barrier(actions.Length);
        Thread[] threads = [.. actions.Select(action => new Thread(() =>
        {
            start.SignalAndWait();
            action();
        }))];
        foreach (Thread thread in threads)
            thread.Start();
        foreach (Thread thread in threads)
            thread.Join();
    }

    private sealed class Wait : PendingAck
    {
        private int _ends;

        public int Ends => Volatile.Read(ref _ends);

        public override void Answer(
            EventJson codec, ReadOnlySpan<byte> arguments, ReadOnlyMemory<byte>[] attachments) =>
            Interlocked.Increment(ref _ends);

        public override void Fail(Exception reason) => Interlocked.Increment(ref _ends);
    }
}
