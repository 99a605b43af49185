using RawWs.Protocol.WebSockets;
using RawWs.Server.Transport;
using RawWs.Tests.Support;

namespace RawWs.Tests.Reliability;

/// <summary>RFC 6455 §7.4.1, code 1011: a handler that throws costs its connection and nothing else.</summary>
public class HandlerFaultTests
{
    // Some of these are also what a broken carrier throws: a handler's are not to be taken for those.
    private static readonly Type[] _exceptions = [
        typeof(InvalidOperationException), typeof(IOException), typeof(OperationCanceledException),
        typeof(ObjectDisposedException), typeof(System.Net.Sockets.SocketException)];

    [Test]
    public async Task Exception_in_open_is_1011([ValueSource(nameof(_exceptions))] Type type) =>
        await ExpectInternalErrorAsync(close => new CallbackHandler { Open = (_, _) => Throw(type), Close = close });

    [Test]
    public async Task Exception_in_message_is_1011([ValueSource(nameof(_exceptions))] Type type) =>
        await ExpectInternalErrorAsync(close => new CallbackHandler
        {
            Message = (_, _, _) =>
            {
                Throw(type);
                return default;
            },
            Close = close,
        });

    [Test]
    public async Task Exception_in_message_after_an_await_is_1011([ValueSource(nameof(_exceptions))] Type type) =>
        await ExpectInternalErrorAsync(close => new CallbackHandler
        {
            Message = async (_, _, _) =>
            {
                await Task.Yield();
                Throw(type);
            },
            Close = close,
        });

    [Test]
    public async Task Nothing_that_is_ambient_where_the_server_is_started_reaches_a_handler()
    {
        var ambient = new AsyncLocal<string>();
        ambient.Value = "of the starter";
        var heard = new TaskCompletionSource<string?>(TaskCreationOptions.RunContinuationsAsynchronously);
        var handler = new CallbackHandler { Open = (_, _) => heard.SetResult(ambient.Value) };
        await using var server = await TestServer.StartAsync(map: s => s.MapWebSocket("/ambient", handler));
        using var client = await server.OpenAsync("/ambient");
        Assert.That(await heard.Task.WaitAsync(WireClient.Patience), Is.Null);
    }

    [Test]
    public async Task What_was_sent_before_the_exception_arrives_first()
    {
        var handler = new CallbackHandler
        {
            Message = (connection, type, payload) =>
            {
                connection.Send(type, payload.Span);
                if (payload.Span.SequenceEqual("throw"u8))
                    throw new InvalidOperationException("thrown by the test");
                return default;
            },
        };
        await using var server = await TestServer.StartAsync(map: s => s.MapWebSocket("/throw", handler));
        using var client = await server.OpenAsync("/throw");
        await client.SendAsync((byte[])[
            .. WireClient.Frame(Opcode.Text, "good"), .. WireClient.Frame(Opcode.Text, "throw"),
            .. WireClient.Frame(Opcode.Text, "late")]);
        Assert.That((await client.ReadFrameAsync()).Text, Is.EqualTo("good"));
        Assert.That((await client.ReadFrameAsync()).Text, Is.EqualTo("throw"));
        await client.ExpectCloseAsync(CloseCode.InternalError);
    }

    [Test]
    public async Task Exception_in_close_is_logged_and_the_connection_ends([ValueSource(nameof(_exceptions))] Type type)
    {
        var handler = new CallbackHandler { Close = (_, _) => Throw(type) };
        await using var server = await TestServer.StartAsync(map: s => s.MapWebSocket("/throw", handler));
        using (var client = await server.OpenAsync("/throw"))
        {
            await client.SendAsync(WireClient.CloseFrame(1000));
            await client.ExpectCloseAsync(CloseCode.NormalClosure);
        }

        await Eventually.IsTrueAsync(() => server.Server.ConnectionCount == 0, "the connection is gone");
        Assert.That(server.ProblemsLogged, Has.Count.EqualTo(1));
    }

    [Test]
    public async Task Exception_in_drained_is_logged_and_the_connection_lives([ValueSource(nameof(_exceptions))] Type type)
    {
        const int Size = 32 * 1024 * 1024;
        var drained = new TaskCompletionSource();
        var handler = new CallbackHandler
        {
            Open = (connection, _) => connection.Send(Opcode.Binary, new byte[Size]),
            Message = (connection, opcode, payload) =>
            {
                connection.Send(opcode, payload.Span);
                return default;
            },
            Drained = _ =>
            {
                drained.TrySetResult();
                Throw(type);
            },
        };
        await using var server = await TestServer.StartAsync(map: s => s.MapWebSocket("/throw", handler));
        using var client = await server.OpenAsync("/throw");
        Assert.That((await client.ReadFrameAsync()).Payload, Has.Length.EqualTo(Size));
        await drained.Task.WaitAsync(WireClient.Patience);
        await client.SendFrameAsync(Opcode.Text, "alive");
        Assert.That((await client.ReadFrameAsync()).Text, Is.EqualTo("alive"));
        Assert.That(server.ProblemsLogged, Has.Count.EqualTo(1));
    }

    // Send and close from inside every callback, the last one too: no deadlock, and the order that was asked for.
    [Test]
    public async Task Every_callback_may_send_and_close()
    {
        var results = new List<SendResult>();
        var closed = new TaskCompletionSource<CloseStatus>();
        var handler = new CallbackHandler
        {
            Open = (connection, _) => results.Add(connection.Send(Opcode.Text, "open"u8)),
            Message = (connection, _, _) =>
            {
                results.Add(connection.Send(Opcode.Text, "message"u8));
                connection.Close((CloseCode)4000, "done");
                results.Add(connection.Send(Opcode.Text, "late"u8));
                connection.Close((CloseCode)4001, "late");
                return default;
            },
            Close = (connection, status) =>
            {
                results.Add(connection.Send(Opcode.Text, "later"u8));
                connection.Close((CloseCode)4002, "later");
                closed.SetResult(status);
            },
        };
        await using var server = await TestServer.StartAsync(map: s => s.MapWebSocket("/all", handler));
        using var client = await server.OpenAsync("/all");
        await client.SendFrameAsync(Opcode.Text, "go");
        Assert.That((await client.ReadFrameAsync()).Text, Is.EqualTo("open"));
        Assert.That((await client.ReadFrameAsync()).Text, Is.EqualTo("message"));
        Assert.That((await client.ReadFrameAsync()).CloseCode, Is.EqualTo((CloseCode)4000));
        await client.SendAsync(WireClient.CloseFrame(4000));
        await client.ExpectEndAsync();
        Assert.That((await closed.Task.WaitAsync(WireClient.Patience)).Code, Is.EqualTo((CloseCode)4000));
        Assert.That(
            results,
            Is.EqualTo((SendResult[])[SendResult.Sent, SendResult.Sent, SendResult.Dropped, SendResult.Dropped]));
    }

    [Test]
    public async Task Every_callback_may_abort([Values("open", "message", "drained", "close")] string callback)
    {
        var closed = new TaskCompletionSource();
        var handler = new CallbackHandler
        {
            Open = (connection, _) =>
            {
                connection.Send(Opcode.Binary, new byte[1024 * 1024]);
                AbortIf("open", connection);
            },
            Message = (connection, _, _) =>
            {
                AbortIf("message", connection);
                return default;
            },
            Drained = connection => AbortIf("drained", connection),
            Close = (connection, _) =>
            {
                AbortIf("close", connection);
                closed.SetResult();
            },
        };
        await using var server = await TestServer.StartAsync(map: s => s.MapWebSocket("/abort", handler));
        using var client = await WireClient.ConnectAsync(server.EndPoint);
        await client.SendAsync((byte[])[
            .. System.Text.Encoding.ASCII.GetBytes(WireClient.Handshake("/abort")),
            .. WireClient.Frame(Opcode.Text, "go"), .. WireClient.CloseFrame(1000)]);
        await client.ReadUntilOverAsync();
        await closed.Task.WaitAsync(WireClient.Patience);
        client.Dispose();
        await Eventually.IsTrueAsync(() => server.Server.ConnectionCount == 0, "the connection is gone");
        Assert.That(server.ProblemsLogged, Is.Empty);

        void AbortIf(string here, WebSocketConnection connection)
        {
            if (here == callback)
                connection.Abort();
        }
    }

    private static void Throw(Type type) => throw (Exception)Activator.CreateInstance(
        type, type == typeof(System.Net.Sockets.SocketException) ? [] : ["thrown by the test"])!;

    private static async Task ExpectInternalErrorAsync(Func<Action<WebSocketConnection, CloseStatus>, WebSocketHandler> make)
    {
        var closed = new TaskCompletionSource<CloseStatus>();
        var handler = make((_, status) => closed.SetResult(status));
        await using var server = await TestServer.StartAsync(map: s => s.MapWebSocket("/throw", handler));
        using var other = await server.OpenAsync();
        using (var client = await server.OpenAsync("/throw"))
        {
            await client.TrySendAsync(WireClient.Frame(Opcode.Text, "go"));
            await client.ExpectCloseAsync(CloseCode.InternalError);
        }

        Assert.That((await closed.Task.WaitAsync(WireClient.Patience)).Code, Is.EqualTo(CloseCode.InternalError));
        Assert.That(server.ProblemsLogged, Has.Count.EqualTo(1));
        await other.SendFrameAsync(Opcode.Text, "alive");
        Assert.That((await other.ReadFrameAsync()).Text, Is.EqualTo("alive"));
    }
}
