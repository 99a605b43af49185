using System.Globalization;
using System.Text;
using CsCheck;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using RawWs.Protocol.Http;
using RawWs.Protocol.WebSockets;
using RawWs.Server;
using RawWs.Server.Diagnostics;
using RawWs.Server.Engine;
using RawWs.Server.Sessions;
using RawWs.Server.Transport;
using RawWs.Tests.Support;
using Gen = CsCheck.Gen;

namespace RawWs.Tests.Concurrency;

/// <summary>Sessions that move from polling to a WebSocket, or are stopped on the way, while several threads
/// post to them and their client talks.</summary>
public sealed class UpgradeConcurrencyTests
{
    /// <summary>How far a client gets with a WebSocket before it gives it up.</summary>
    public enum Stage
    {
        Opened,
        Probed,
        Answered,
        Upgraded,
    }

    private static readonly Gen<Script> Scripts = Gen.Select(
        Gen.Int[1, 3],
        Gen.Int[1, 120],
        Gen.Enum<Stage>().Where(stage => stage != Stage.Upgraded).Array[0, 3],
        Gen.Bool,
        (posters, messages, aborted, isReset) => new Script(posters, messages, aborted, isReset));

    [Test]
    public void A_session_that_moves_loses_doubles_and_reorders_nothing() =>
        Scripts.Sample(script => Run(script, losesSocket: false), iter: LongRun.Or(60, 10_000), threads: 1);

    [Test]
    public void A_client_that_loses_its_WebSocket_as_it_moves_has_read_a_beginning_or_reads_on() =>
        Scripts.Sample(script => Run(script, losesSocket: true), iter: LongRun.Or(60, 10_000), threads: 1);

    private static void Run(Script script, bool losesSocket)
    {
        using var metrics = new ServerMetrics(null);
        var time = new FakeTimeProvider();
        var context = new ServerContext(new ServerOptions(), NullLogger.Instance, metrics, time);
        RunAsync(script, context, time, losesSocket).GetAwaiter().GetResult();
    }

    private static async Task RunAsync(Script script, ServerContext context, FakeTimeProvider time, bool losesSocket)
    {
        var handler = new Recorder();
        var endpoint = new EngineEndpoint(context, "/engine.io", handler, new EngineOptions { PingInterval = TimeSpan.FromDays(1) });
        var session = new EngineSession(endpoint, "sid", new Handshake());
        Assert.That(endpoint.TryAdd(session), Is.True);
        session.Open();
        context.Connections.Start(() => session.OnTick(context.Now));
        var client = new Client(endpoint, session, time);

        // They go on until the client has moved, so that the move is in the middle of what they say; never so long
        // that what waits exceeds a bound.
        int hasMoved = 0;
        Task<int>[] posting = [.. Enumerable.Range(0, script.Posters).Select(poster => Task.Run(() =>
        {
            int i = 0;
            for (; i < script.Messages || (Volatile.Read(ref hasMoved) == 0 && i < 10 * script.Messages); i++)
            {
                if (session.Send(Opcode.Text, Encoding.ASCII.GetBytes($"{poster}:{i}")) == SendResult.Dropped)
                    break;
                Thread.Yield();
            }

            return i;
        }))];
        foreach (Stage stage in script.Aborted)
        {
            await client.SayAsync();
            await client.TryAsync(stage, script.IsReset);
        }

        await client.SayAsync();
        Task reading = await client.UpgradeAsync(losesSocket);
        await Eventually.IsTrueAsync(() => losesSocket || session.TransportName == "websocket");
        Volatile.Write(ref hasMoved, 1);
        int[] posted = await Task.WhenAll(posting).WaitAsync(WireClient.Patience);
        if (losesSocket)
            await reading.WaitAsync(WireClient.Patience);

        // Lost before the server has read that the client moves, the WebSocket was one that only probed.
        bool isOpen = session.IsOpen;
        if (losesSocket && isOpen)
            client.GoOnPolling();
        if (isOpen)
            await Eventually.IsTrueAsync(() => client.Count == posted.Sum());
        for (int poster = 0; poster < script.Posters; poster++)
        {
            int[] numbers = client.From(poster);
            Assert.That(numbers, Is.EqualTo(Enumerable.Range(0, isOpen ? posted[poster] : numbers.Length)));
        }

        await Eventually.IsTrueAsync(() => handler.Said.Length >= client.Said || losesSocket);
        Assert.That(handler.Said, Is.EqualTo(Enumerable.Range(0, handler.Said.Length)));
        if (losesSocket)
            session.Close();
        else
            client.Leave();
        await reading.WaitAsync(WireClient.Patience);
        await Eventually.IsTrueAsync(() => handler.Ends == 1 && endpoint.SessionCount == 0);
    }

    private sealed record Script(int Posters, int Messages, Stage[] Aborted, bool IsReset);

    private sealed class Recorder : EngineHandler
    {
        private readonly List<int> _said = [];
        private int _ends;

        public int Ends => Volatile.Read(ref _ends);

        public int[] Said
        {
            get
            {
                lock (_said)
                    return [.. _said];
            }
        }

        public override async ValueTask OnMessageAsync(
            EngineSession session, Opcode type, ReadOnlyMemory<byte> payload)
        {
            int number = int.Parse(payload.Span, CultureInfo.InvariantCulture);

            // Half of them push back, so that an upgrade meets a request that is still being handled.
            if (number % 2 == 0)
                await Task.Yield();
            lock (_said)
                _said.Add(number);
        }

        public override void OnClose(EngineSession session, DisconnectReason reason) =>
            Interlocked.Increment(ref _ends);
    }

    /// <summary>A client as the official one is: it polls, probes, and moves when its poll has been
    /// answered.</summary>
    private sealed class Client(EngineEndpoint endpoint, EngineSession session, FakeTimeProvider time)
    {
        private static readonly RequestHead Request = Read("GET / HTTP/1.1\r\nHost: a\r\n\r\n"u8);

        private readonly List<string> _received = [];
        private MemoryTransport? _peer;
        private Task _poll = Task.CompletedTask;
        private volatile bool _isPausing;

        public int Count
        {
            get
            {
                lock (_received)
                    return _received.Count;
            }
        }

        public int Said { get; private set; }

        public int[] From(int poster)
        {
            lock (_received)
            {
                return [.. _received.Select(text => text.Split(':'))
                    .Where(parts => parts[0] == $"{poster}")
                    .Select(parts => int.Parse(parts[1], CultureInfo.InvariantCulture))];
            }
        }

        /// <summary>Says three things in one request.</summary>
        public async Task SayAsync()
        {
            string payload = string.Join('\x1e', Enumerable.Range(Said, 3).Select(number => $"4{number}"));
            Said += 3;
            PostTurn turn = session.BeginPost(isRead: true)!;
            Assert.That(await session.ReceiveAsync(Encoding.ASCII.GetBytes(payload), limits: null), Is.True);
            turn.End();
        }

        /// <summary>Takes one more WebSocket so far and no farther; polling goes on.</summary>
        public async Task TryAsync(Stage stage, bool isReset)
        {
            StartPolling();
            (MemoryTransport peer, Task running) = Connect();
            if (stage >= Stage.Probed)
                await SendAsync(peer, "2probe");
            if (stage >= Stage.Answered)
            {
                using var frames = new Frames(peer);
                Assert.That(await frames.ReadAsync(), Is.EqualTo("3probe"));
            }

            if (isReset)
                peer.Reset();
            else
                peer.Close();
            await running.WaitAsync(WireClient.Patience);
        }

        /// <summary>Moves to a WebSocket, and reads on there until the task that it returns is done.</summary>
        public async Task<Task> UpgradeAsync(bool losesSocket)
        {
            StartPolling();
            (_peer, Task running) = Connect();
            var frames = new Frames(_peer);
            await SendAsync(_peer, "2probe");
            Assert.That(await frames.ReadAsync(), Is.EqualTo("3probe"));
            _isPausing = true;

            // None follows the poll that waits, which the server answers soon.
            await Eventually.IsTrueAsync(() =>
            {
                time.Advance(TimeSpan.FromMilliseconds(20));
                return _poll.IsCompleted;
            });
            await _poll;
            Task saying = SayWhileUpgradingAsync();
            await SendAsync(_peer, "5");
            await SendAsync(_peer, $"4{Said}");
            Said++;
            if (losesSocket)
                _peer.Reset();
            await saying;
            return ReadToEndAsync(frames, running);
        }

        public void GoOnPolling()
        {
            _isPausing = false;
            StartPolling();
        }

        public void Leave() => _peer!.Close();

        // A request whose packets are still being handled when the client has moved.
        private async Task SayWhileUpgradingAsync()
        {
            string payload = string.Join('\x1e', Enumerable.Range(Said, 3).Select(number => $"4{number}"));
            Said += 3;
            PostTurn turn = session.BeginPost(isRead: true)!;
            await Task.Yield();
            Assert.That(await session.ReceiveAsync(Encoding.ASCII.GetBytes(payload), limits: null), Is.True);
            turn.End();
        }

        private async Task ReadToEndAsync(Frames frames, Task running)
        {
            using (frames)
            {
                while (await frames.ReadAsync() is { } text)
                    Receive(text);
            }

            await running;
        }

        private void StartPolling()
        {
            if (_poll.IsCompleted)
                _poll = Task.Run(PollAsync);
        }

        private async Task PollAsync()
        {
            while (!_isPausing && session.BeginPoll() is { } poll)
            {
                PollAnswer answer = await poll;
                foreach (string packet in Encoding.ASCII.GetString(answer.Payload.Span).Split('\x1e'))
                    Receive(packet);
            }
        }

        private void Receive(string packet)
        {
            if (packet[0] != '4')
                return;
            lock (_received)
                _received.Add(packet[1..]);
        }

        private (MemoryTransport Peer, Task Running) Connect()
        {
            (MemoryTransport transport, MemoryTransport peer) = MemoryTransport.CreatePair();
            int slot = endpoint.Context.Connections.Add(new Placeholder());
            var handler = new EngineConnection(endpoint, session, isUpgrade: true, isBase64: false);
            var connection = new WebSocketConnection(endpoint.Context, transport, handler, slot);
            endpoint.Context.Connections.Replace(slot, connection);
            return (peer, Task.Run(() => connection.RunAsync(Request, default, null)));
        }

        private static async Task SendAsync(MemoryTransport peer, string text) =>
            await peer.SendAsync(WireClient.Frame(Opcode.Text, Encoding.ASCII.GetBytes(text)));

        private static RequestHead Read(ReadOnlySpan<byte> wire)
        {
            new RequestParser(new HttpLimits()).Read(wire, out RequestHead? head, out _);
            return head!;
        }
    }

    /// <summary>What a client reads on its WebSocket.</summary>
    private sealed class Frames(MemoryTransport peer) : IDisposable
    {
        private readonly MessageReader _reader = new(Role.Client, new MessageLimits());

        public void Dispose() => _reader.Dispose();

        /// <summary>The next text; null at the end.</summary>
        public async Task<string?> ReadAsync()
        {
            ReceivedMessage message;
            while (!_reader.TryRead(out message))
            {
                try
                {
                    int count = await peer.ReceiveAsync(_reader.GetMemory());
                    if (count == 0)
                        return null;
                    _reader.Advance(count);
                }
                catch (IOException)
                {
                    return null;
                }
            }

            return message.Opcode == Opcode.Text ? Encoding.ASCII.GetString(message.Payload.Span) : null;
        }
    }

    private sealed class Placeholder : ITimedConnection
    {
        public void OnTick(long now)
        {
        }

        public void Stop()
        {
        }

        public void Abort()
        {
        }
    }
}
