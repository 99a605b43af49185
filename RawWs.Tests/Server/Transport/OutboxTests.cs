using Microsoft.Extensions.Logging.Abstractions;
using RawWs.Protocol.Http;
using RawWs.Protocol.WebSockets;
using RawWs.Server;
using RawWs.Server.Diagnostics;
using RawWs.Server.Sessions;
using RawWs.Server.Transport;
using RawWs.Tests.Support;

namespace RawWs.Tests.Server.Transport;

/// <summary>What a connection sends, seen at the carrier: a transport in memory shows every single send.</summary>
public class OutboxTests
{
    private static readonly byte[] Payload = new byte[100];

    [Test]
    public async Task Answers_to_one_read_go_out_in_one_send()
    {
        var (transport, _, running) = Open(Echo());
        transport.Receive([.. WireClient.Frame(Opcode.Text, "a"), .. WireClient.Frame(Opcode.Text, "b"), .. WireClient.Frame(Opcode.Ping, "c")]);
        await Eventually.IsAsync(() => transport.Sends.Count > 0);
        Assert.That(transport.Sends[0], Is.EqualTo(Convert.FromHexString("810161" + "810162" + "8A0163")));
        await EndAsync(transport, running);
    }

    [Test]
    public async Task Broadcasts_within_one_read_go_out_in_one_send_per_receiver()
    {
        var (listener, receiver, listening) = Open(new CallbackHandler());
        var (speaker, _, speaking) = Open(new CallbackHandler
        {
            Message = (_, type, payload) =>
            {
                receiver.Send(type, payload.Span);
                Assert.That(listener.Sends, Is.Empty);
                return default;
            },
        });
        speaker.Receive([.. WireClient.Frame(Opcode.Text, "a"), .. WireClient.Frame(Opcode.Text, "b")]);
        await Eventually.IsAsync(() => listener.Sends.Count > 0);
        Assert.That(listener.Sends[0], Is.EqualTo(Convert.FromHexString("810161810162")));
        await EndAsync(speaker, speaking);
        await EndAsync(listener, listening);
    }

    [Test]
    public async Task Frames_keep_their_order_whether_copied_or_shared()
    {
        var (transport, connection, running) = Open(new CallbackHandler());
        var small = new PreparedMessage(Opcode.Binary, [1]);
        var large = new PreparedMessage(Opcode.Binary, Enumerable.Repeat((byte)2, 20_000).ToArray());
        transport.Hold();
        for (var i = 0; i < 3; i++)
        {
            connection.Send(small);
            connection.Send(large);
        }

        transport.Release();
        await Eventually.IsAsync(() => connection.PendingBytes == 0);
        var sent = transport.Sends.SelectMany(bytes => bytes).ToArray();
        byte[] once = [.. small.Frame.Span, .. large.Frame.Span];
        Assert.That(sent.AsSpan().SequenceEqual((byte[])[.. once, .. once, .. once]), Is.True);
        await EndAsync(transport, running);
    }

    [Test]
    public async Task Bound_is_kept_and_a_message_always_fits_when_little_waits()
    {
        var drained = 0;
        var (transport, connection, running) = Open(
            new CallbackHandler { Drained = _ => Interlocked.Increment(ref drained) },
            new ServerOptions { OutboxHighWaterBytes = 1000, MaxOutboxBytes = 2000 });
        transport.Hold();
        Assert.That(connection.Send(Opcode.Binary, new byte[50_000]), Is.EqualTo(SendResult.Backpressure));
        Assert.That(connection.Send(Opcode.Binary, Payload), Is.EqualTo(SendResult.Dropped));
        transport.Release();
        await Eventually.IsAsync(() => drained == 1);
        Assert.That(connection.Send(Opcode.Binary, Payload), Is.EqualTo(SendResult.Sent));
        await EndAsync(transport, running);
    }

    [Test]
    public async Task Volatile_frames_are_dropped_above_the_high_water_mark()
    {
        var (transport, connection, running) = Open(
            new CallbackHandler(), new ServerOptions { OutboxHighWaterBytes = 1000, MaxOutboxBytes = 200_000 });
        transport.Hold();
        connection.Send(Opcode.Binary, new byte[2000]);
        Assert.That(connection.SendFrames(Payload, isVolatile: true), Is.EqualTo(SendResult.Dropped));
        Assert.That(connection.SendFrames(Payload), Is.EqualTo(SendResult.Backpressure));
        transport.Release();
        await EndAsync(transport, running);
    }

    [Test]
    public async Task Close_frame_goes_out_last_even_over_the_bound_and_nothing_is_accepted_after_it()
    {
        var (transport, connection, running) = Open(
            new CallbackHandler(), new ServerOptions { OutboxHighWaterBytes = 1000, MaxOutboxBytes = 1000 });
        transport.Hold();
        connection.Send(Opcode.Binary, new byte[5000]);
        connection.Close((CloseCode)4000, "bye");
        Assert.That(connection.Send(Opcode.Binary, Payload), Is.EqualTo(SendResult.Dropped));
        transport.Release();
        transport.Receive(WireClient.CloseFrame(4000));
        transport.EndReceive();
        await running.WaitAsync(WireClient.Patience);
        Assert.That(transport.Sends.SelectMany(bytes => bytes).TakeLast(7), Is.EqualTo(Convert.FromHexString("88050FA0627965")));
        Assert.That(transport.IsSendShutDown && transport.IsClosed, Is.True);
    }

    [Test]
    public async Task Send_that_fails_ends_the_connection()
    {
        var closed = new TaskCompletionSource<CloseStatus>();
        var (transport, connection, running) = Open(new CallbackHandler { Close = (_, status) => closed.SetResult(status) });
        transport.Hold();
        connection.Send(Opcode.Binary, Payload);
        transport.Break();
        Assert.That((await closed.Task.WaitAsync(WireClient.Patience)).Cause, Is.EqualTo(DisconnectReason.TransportError));
        await running.WaitAsync(WireClient.Patience);
        Assert.That(connection.Send(Opcode.Binary, Payload), Is.EqualTo(SendResult.Dropped));
        Assert.That(connection.PendingBytes, Is.Zero);
    }

    private static CallbackHandler Echo() => new()
    {
        Message = (connection, type, payload) =>
        {
            connection.Send(type, payload.Span);
            return default;
        },
    };

    private static (MemoryTransport Transport, WebSocketConnection Connection, Task Running) Open(
        WebSocketHandler handler, ServerOptions? options = null)
    {
        var context = new ServerContext(
            options ?? new ServerOptions(), NullLogger.Instance, new ServerMetrics(), TimeProvider.System);
        var transport = new MemoryTransport();
        var connection = new WebSocketConnection(context, transport, handler, context.Connections.Add(new Placeholder()));
        var bytes = System.Text.Encoding.ASCII.GetBytes(WireClient.Handshake("/"));
        new RequestParser(context.HttpLimits).Read(bytes, out var head, out _);
        return (transport, connection, connection.RunAsync(head!, default));
    }

    private static async Task EndAsync(MemoryTransport transport, Task running)
    {
        transport.EndReceive();
        await running.WaitAsync(WireClient.Patience);
        Assert.That(transport.IsClosed, Is.True);
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
