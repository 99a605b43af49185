using System.Net.Security;
using System.Net.WebSockets;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using RawWs.Protocol.WebSockets;

namespace RawWs.Bench.Reliability;

/// <summary>The clients of the soak, of every kind.</summary>
internal static class SoakClients
{
    public const string Part = "soak";

    /// <summary>Clients that echo ten times a second or more, unless they wait for their answers.</summary>
    public const int Echoes = 50;

    private const int Members = 50;
    private const int Comers = 4;

    private static readonly TimeSpan _answerLimit = TimeSpan.FromSeconds(10);

    private static long s_exchanges;

    /// <summary>Runs them until a line comes in.</summary>
    public static async Task RunAsync(int port, int securePort)
    {
        using var stop = new CancellationTokenSource();
        var failed = 0;
        var running = new List<Task>();
        Start(Echoes, i => EchoAsync(port, i, stop.Token));
        Start(Members, i => ListenAsync(port, i, stop.Token));
        Start(Comers, i => ComeAndGoAsync(port, i, stop.Token));
        Start(Comers, i => BreakRulesAsync(port, i, stop.Token));
        Start(Comers, i => AskAsync(port, i, stop.Token));
        Start(Comers, i => PollAsync($"http://127.0.0.1:{port}", stop.Token));
        Start(Comers, i => PollAsync($"https://127.0.0.1:{securePort}", stop.Token));
        Start(Comers, i => CompressAsync($"ws://127.0.0.1:{port}", i, stop.Token));
        Start(Comers, i => CompressAsync($"wss://127.0.0.1:{securePort}", i, stop.Token));
        ClientProcess.Answer(running.Count);
        await Console.In.ReadLineAsync();
        await stop.CancelAsync();
        await Task.WhenAny(Task.WhenAll(running), Task.Delay(TimeSpan.FromSeconds(15)));
        ClientProcess.Answer(failed, running.Count(client => !client.IsCompleted), Interlocked.Read(ref s_exchanges));
        await Console.In.ReadLineAsync();

        void Start(int count, Func<int, Task> client)
        {
            for (var i = 0; i < count; i++)
            {
                var index = running.Count;
                running.Add(Task.Run(async () =>
                {
                    try
                    {
                        await client(index);
                    }
                    catch (Exception e) when (!stop.IsCancellationRequested)
                    {
                        await Console.Error.WriteLineAsync(e.ToString());
                        Interlocked.Increment(ref failed);
                    }
                }));
            }
        }
    }

    private static async Task EchoAsync(int port, int index, CancellationToken stop)
    {
        using var connection = await LoadConnection.OpenAsync(port, "/echo", index);
        var random = new Random(index);
        while (!stop.IsCancellationRequested)
        {
            var message = new byte[random.Next(random.Next(2) == 0 ? 200 : 64 * 1024)];
            random.NextBytes(message);
            await ExchangeAsync(connection, message);
            await Task.Delay(50, CancellationToken.None);
        }
    }

    private static async Task ListenAsync(int port, int index, CancellationToken stop)
    {
        using var connection = await LoadConnection.OpenAsync(port, "/ws", index);
        await connection.SendAsync(Opcode.Text, """{"event":"join"}"""u8.ToArray());
        while (!stop.IsCancellationRequested)
            if (await ReceiveAsync(connection) is null)
                throw new IOException("A member was disconnected.");
    }

    private static async Task ComeAndGoAsync(int port, int index, CancellationToken stop)
    {
        for (var i = index; !stop.IsCancellationRequested; i++)
        {
            using var connection = await LoadConnection.OpenAsync(port, "/echo", i);
            await ExchangeAsync(connection, "hi"u8.ToArray());
            if (i % 3 == 0)
                connection.Reset();
            else
                await connection.CloseAsync();
            await Task.Delay(5, CancellationToken.None);
        }
    }

    private static async Task BreakRulesAsync(int port, int index, CancellationToken stop)
    {
        for (var i = index; !stop.IsCancellationRequested; i++)
        {
            using var connection = await LoadConnection.OpenAsync(port, i % 2 == 0 ? "/echo" : "/ws", i);
            // A text that is none: 1007 on both paths.
            await connection.SendAsync(Opcode.Text, new byte[] { 0xC0, 0x80 });
            while (await ReceiveAsync(connection) is not null)
                continue;
            if (connection.CloseCode != (int)CloseCode.InvalidPayloadData)
                throw new InvalidDataException($"Expected 1007, got {connection.CloseCode}.");
            await Task.Delay(20, CancellationToken.None);
        }
    }

    // Over Socket.IO, for a while at a time.
    private static async Task AskAsync(int port, int index, CancellationToken stop)
    {
        while (!stop.IsCancellationRequested)
        {
            using var connection = await EventConnection.OpenAsync(port, index, 200);
            using var enough = CancellationTokenSource.CreateLinkedTokenSource(stop);
            enough.CancelAfter(200);
            await connection.RunAsync(enough.Token);
            await Task.Delay(800, CancellationToken.None);
        }
    }

    private static async Task ExchangeAsync(LoadConnection connection, byte[] message)
    {
        await connection.SendAsync(Opcode.Binary, message);
        if (await ReceiveAsync(connection) is not { } echo || !echo.Payload.Span.SequenceEqual(message))
            throw new InvalidDataException("An echo is not what was sent.");
        Interlocked.Increment(ref s_exchanges);
    }

    private static Task<ReceivedMessage?> ReceiveAsync(LoadConnection connection) =>
        connection.ReceiveAsync().AsTask().WaitAsync(_answerLimit);

    // Over Socket.IO by requests: a session, a few events with their answers, a goodbye.
    private static async Task PollAsync(string server, CancellationToken stop)
    {
        using var handler = new SocketsHttpHandler();
        handler.SslOptions.RemoteCertificateValidationCallback = IsOurs;
        using var http = new HttpClient(handler) { Timeout = _answerLimit };
        while (!stop.IsCancellationRequested)
        {
            var target = $"{server}/socket.io/?EIO=4&transport=polling";
            var open = await http.GetStringAsync(target, CancellationToken.None);
            target += "&sid=" + open.Split('"')[3];
            await PostAsync("40");
            await ExpectAsync("42[\"auth\"");
            for (var i = 0; i < 10; i++)
            {
                await PostAsync($"42[\"message\",{i}]");
                await ExpectAsync($"42[\"message-back\",{i}]");
                Interlocked.Increment(ref s_exchanges);
                await Task.Delay(50, CancellationToken.None);
            }

            await PostAsync("1");

            async Task PostAsync(string payload)
            {
                using var content = new StringContent(payload, Encoding.UTF8, "text/plain");
                using var answer = await http.PostAsync(target, content, CancellationToken.None);
                answer.EnsureSuccessStatusCode();
            }

            async Task ExpectAsync(string packet)
            {
                while (!(await http.GetStringAsync(target, CancellationToken.None)).Contains(packet, StringComparison.Ordinal))
                    continue;
            }
        }
    }

    // Compressed both ways, with and without context takeover, some of them in the room.
    private static async Task CompressAsync(string server, int index, CancellationToken stop)
    {
        for (var i = index; !stop.IsCancellationRequested; i++)
        {
            using var socket = new ClientWebSocket();
            socket.Options.RemoteCertificateValidationCallback = IsOurs;
            socket.Options.DangerousDeflateOptions = new WebSocketDeflateOptions
            {
                ClientContextTakeover = i % 2 == 0,
                ServerContextTakeover = i % 2 == 0,
            };
            using var limit = new CancellationTokenSource(_answerLimit);
            var isMember = i % 3 == 0;
            await socket.ConnectAsync(new Uri(server + (isMember ? "/ws" : "/echo")), limit.Token);
            while (isMember && !(await ReceiveAsync(socket, limit.Token)).Contains("auth", StringComparison.Ordinal))
                continue;
            for (var n = 0; n < 100 && !stop.IsCancellationRequested; n++)
            {
                limit.CancelAfter(_answerLimit);
                var text = isMember ? """{"event":"join"}""" : string.Join(",", Enumerable.Range(n, 100 + n));
                await socket.SendAsync(Encoding.UTF8.GetBytes(text), WebSocketMessageType.Text, true, limit.Token);
                var answer = await ReceiveAsync(socket, limit.Token);
                if (isMember ? !answer.Contains("price 99", StringComparison.Ordinal) : answer != text)
                    throw new InvalidDataException($"A compressed answer is not what was sent: {answer}");
                Interlocked.Increment(ref s_exchanges);
            }

            await socket.CloseAsync(WebSocketCloseStatus.NormalClosure, null, limit.Token);
        }
    }

    private static bool IsOurs(object sender, X509Certificate? certificate, X509Chain? chain, SslPolicyErrors errors) =>
        certificate?.Subject == Soak.Subject;

    private static async Task<string> ReceiveAsync(ClientWebSocket socket, CancellationToken limit)
    {
        using var message = new MemoryStream();
        var buffer = new byte[4096];
        while (true)
        {
            var part = await socket.ReceiveAsync(buffer, limit);
            message.Write(buffer, 0, part.Count);
            if (part.EndOfMessage)
                return Encoding.UTF8.GetString(message.ToArray());
        }
    }
}
