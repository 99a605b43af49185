using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Time.Testing;
using RawWs.Protocol.WebSockets;
using RawWs.Server;
using RawWs.Tests.EndToEnd;
using RawWs.Tests.Support;

namespace RawWs.Tests.Reliability;

/// <summary>Clocks that jump, and processes that stand still: nobody is taken for silent because of it.</summary>
[NonParallelizable]
public class ClockTests
{
    [TestCase(2)]
    [TestCase(-2)]
    [TestCase(24)]
    [TestCase(-24)]
    public async Task Wall_clock_that_jumps_by_hours_ends_no_connection_no_session_and_no_recovery(int hours)
    {
        var clock = new JumpingClock();
        await using var server = await TestServer.StartAsync(
            options => options.Events.Recovery = new RecoveryOptions(),
            s =>
            {
                s.MapEngine("/engine.io/", new EngineEcho());
                new SocketIoApp().Register(s);
            },
            clock);
        using var echo = await server.OpenAsync();
        using var head = await WireClient.ConnectAsync(server.EndPoint);
        await head.SendTextAsync("GET /health HT");
        using var socketIo = await server.JoinAsync();
        var polling = await EngineClient.OpenAsync(server);
        using var poll = await polling.BeginPollAsync();
        await Eventually.IsTrueAsync(() => server.Server.ConnectionCount == 4, "all are connected");

        clock.Jump(TimeSpan.FromHours(hours));
        clock.Inner.Run(TimeSpan.FromSeconds(5));

        await echo.SendFrameAsync(Opcode.Text, "alive");
        Assert.That((await echo.ReadFrameAsync()).Text, Is.EqualTo("alive"));
        await head.SendTextAsync("TP/1.1\r\nHost: a\r\n\r\n");
        Assert.That((await head.ReadResponseAsync()).Head, Does.StartWith("HTTP/1.1 200 "));
        await socketIo.ExpectAliveAsync();
        await polling.PostAsync("4alive");
        Assert.That((await EngineClient.ReadAsync(poll)).Body, Is.EqualTo("4alive"));
    }

    // All owe a pong, and send it, while the server stands still: it must not take its own silence for theirs.
    [Platform("Linux")]
    [TestCase(8)]
    [LongCase(40)]
    public async Task Process_that_was_stopped_goes_on_with_all_its_clients(int seconds)
    {
        await using var host = await HostProcess.StartAsync(
            "conformance", "--port", "0", "--ping-interval", "1000", "--ping-timeout", "5000");
        var endPoint = new IPEndPoint(IPAddress.Loopback, host.Address.Port);
        var clients = new List<WireClient>();
        for (var i = 0; i < 50; i++)
            clients.Add(await WireClient.OpenAsync(endPoint, SocketIoWire.Path));
        var stopped = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var resumed = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        var pinged = new int[clients.Count];
        var living = clients.Select(LiveAsync).ToArray();
        await Eventually.IsTrueAsync(() => pinged.All(count => count == 1), "all have been pinged");

        await SignalAsync(host, "STOP");
        stopped.SetResult();
        await Task.Delay(TimeSpan.FromSeconds(seconds));
        await SignalAsync(host, "CONT");
        resumed.SetResult();

        await Eventually.IsTrueAsync(() => living.Any(life => life.IsCompleted) || pinged.All(count => count >= 3));
        Assert.That(living.Count(life => life.IsCompleted), Is.Zero, "clients that were blamed for the silence");
        clients.ForEach(client => client.Dispose());
        await Task.WhenAll(living);

        async Task LiveAsync(WireClient client, int index)
        {
            try
            {
                while (await client.TryReadFrameAsync() is { } frame && frame.Opcode != Opcode.Close)
                {
                    if (frame.Text != "2")
                        continue;
                    Interlocked.Increment(ref pinged[index]);
                    await stopped.Task;
                    await client.SendFrameAsync(Opcode.Text, "3");
                    // A client that reads is not as patient as the server is stopped.
                    await resumed.Task;
                }
            }
            catch (Exception e) when (e is SocketException or ObjectDisposedException)
            {
                // The test is over.
            }
        }
    }

    private static async Task SignalAsync(HostProcess host, string signal)
    {
        using var kill = Process.Start("kill", [$"-{signal}", $"{host.Id}"]);
        await kill.WaitForExitAsync();
    }

    /// <summary>A clock whose time of day can be set, as an administrator or a time server does.</summary>
    private sealed class JumpingClock : TimeProvider
    {
        private TimeSpan _offset;

        public FakeTimeProvider Inner { get; } = new();

        public override long TimestampFrequency => Inner.TimestampFrequency;

        public void Jump(TimeSpan by) => _offset += by;

        public override DateTimeOffset GetUtcNow() => Inner.GetUtcNow() + _offset;

        public override long GetTimestamp() => Inner.GetTimestamp();

        public override ITimer CreateTimer(TimerCallback callback, object? state, TimeSpan dueTime, TimeSpan period) =>
            Inner.CreateTimer(callback, state, dueTime, period);
    }
}
