using System.Text.Json;
using System.Text.RegularExpressions;
using RawWs.Server;
using RawWs.Server.Events;

namespace RawWs.Host.Conformance;

/// <summary>The Socket.IO application that outside test programs run against.</summary>
internal static partial class ConformanceEvents
{
    private const string Observers = "observers";
    private const string Forbidden = "forbidden";
    private const string DataKey = "value";
    private const double WarnAbove = 0.95;

    private static readonly TimeSpan WarnAfter = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan AnswerWithin = TimeSpan.FromMilliseconds(500);

    public static void Register(RawWsServer server, TimeProvider timeProvider)
    {
        server.OnConnection(socket =>
        {
            socket.Emit("auth", socket.Handshake.Auth);
            RegisterMessages(socket);
            RegisterRooms(server, socket);
            RegisterQuestions(server, socket);
            RegisterState(server, socket, timeProvider);
            RegisterRefusals(socket);
            RegisterEnd(server, socket);
        });

        server.Of("/custom").OnConnection(socket =>
        {
            socket.Emit("auth", socket.Handshake.Auth);
            RegisterMessages(socket);
        });

        var secret = server.Of("/private");
        secret.Use(socket =>
        {
            if (!HasSecret(socket.Handshake.Auth))
                throw new ConnectionRefusedException("Not authorized", new RefusalDetails(401));
        });
        secret.OnConnection(_ => { });

        server.Of(DynamicName()).OnConnection(socket => socket.Emit("hello", socket.Namespace.Name));
    }

    [GeneratedRegex(@"^/dynamic-[0-9]+\z", RegexOptions.NonBacktracking)]
    private static partial Regex DynamicName();

    private static bool HasSecret(JsonElement auth) =>
        auth.ValueKind == JsonValueKind.Object
        && auth.TryGetProperty("token", out var token)
        && token.ValueKind == JsonValueKind.String
        && token.ValueEquals("secret");

    private static void RegisterMessages(EventSocket socket)
    {
        socket.On("message", context => socket.Emit("message-back", context.Arguments));
        socket.On("message-with-ack", context => context.Ack(context.Arguments));
        socket.On("binary-back", context => socket.Emit("binary-back", context.Arguments));
    }

    private static void RegisterRooms(RawWsServer server, EventSocket socket)
    {
        socket.On<string, string>("join", room =>
        {
            socket.Join(room);
            return "ok";
        });
        socket.On<string, string>("leave", room =>
        {
            socket.Leave(room);
            return "ok";
        });
        socket.On("rooms", context => context.Ack(Sorted(socket.Rooms)));
        socket.On("to-room", context => Forward(socket.To(Text(context, 0)), context, 1));
        socket.On("in-room", context => Forward(server.In(Text(context, 0)), context, 1));
        socket.On("except-room", context => Forward(server.Except(Text(context, 0)), context, 1));
        socket.On("broadcast", context => Forward(socket.Broadcast, context, 0));
        socket.On("all", context => Forward(server, context, 0));
        socket.On("fetch-sockets", context =>
            context.Ack(Sorted(server.In(Text(context, 0)).FetchSockets().Select(other => other.Id))));
        socket.On("disconnect-room", context => server.In(Text(context, 0)).DisconnectSockets());
    }

    private static void RegisterQuestions(RawWsServer server, EventSocket socket)
    {
        socket.On("ask-me", async context =>
        {
            try
            {
                var answer = await socket.EmitWithAckAsync<EventArguments, EventArguments>(
                    "question", context.Arguments.Slice(0, 1), AnswerWithin);
                context.Ack(answer.Slice(0, Math.Min(answer.Count, 1)));
            }
            catch (TimeoutException)
            {
                context.Ack(new NoAnswer(true));
            }
        });
        socket.On("ask-room", async context =>
        {
            var answers = await server.In(Text(context, 0)).EmitWithAckAsync<EventArguments, JsonElement>(
                "question", context.Arguments.Slice(1, 1), AnswerWithin);
            context.Ack(new RoomAnswers(answers.Values, !answers.IsComplete));
        });
    }

    private static void RegisterState(RawWsServer server, EventSocket socket, TimeProvider timeProvider)
    {
        socket.On("set-data", context =>
        {
            socket.Data.Set(DataKey, context.Arguments.Slice(0, 1));
            context.Ack("ok");
        });
        socket.On("get-data", context =>
        {
            if (socket.Data.TryGet<EventArguments>(DataKey, out var value))
                context.Ack(value);
            else
                context.Ack<object?>(null);
        });
        socket.On("volatile", context =>
        {
            var count = context.Arguments.Get<int>(0);
            for (var i = 0; i < count; i++)
                socket.Volatile.Emit("tick", i);
        });
        socket.On("handshake", context =>
        {
            var handshake = socket.Handshake;
            context.Ack(new HandshakeReport(
                handshake.Address,
                handshake.IsSecure,
                handshake.Url,
                handshake.Headers.ToDictionary(header => header.Key.ToLowerInvariant(), header => header.Value),
                handshake.Auth));
        });

        var counting = new Lock();
        var warnings = 0;
        socket.On<double>("random", async value =>
        {
            if (value <= WarnAbove)
                return;
            await Task.Delay(WarnAfter, timeProvider);
            // Two that waited side by side must not overtake each other between the count and its emission.
            lock (counting)
                socket.Emit("warn", ++warnings);
        });
    }

    private static void RegisterRefusals(EventSocket socket)
    {
        socket.Use(context =>
        {
            if (context.Name == Forbidden)
                throw new UnauthorizedAccessException(Forbidden);
        });
        socket.OnError(refused =>
        {
            if (refused.Error is UnauthorizedAccessException)
                socket.Emit("middleware-error", refused.Error.Message);
        });
        socket.On(Forbidden, () => socket.Emit("forbidden-handler-ran"));
        socket.On("boom", new Action(() => throw new InvalidOperationException("boom")));
    }

    private static void RegisterEnd(RawWsServer server, EventSocket socket)
    {
        socket.On("disconnect-me", context =>
            socket.Disconnect(context.Arguments is { Count: > 0 } arguments && arguments.GetRaw(0).Span is [(byte)'t', ..]));

        string[] rooms = [];
        socket.OnDisconnecting(_ => rooms = Sorted(socket.Rooms));
        socket.OnDisconnect(reason => server.In(Observers).Emit("gone", new Gone(socket.Id, reason.ToString(), rooms)));
    }

    private static void Forward(Emitter target, EventContext context, int at) =>
        target.Emit(Text(context, at), context.Arguments.Slice(at + 1));

    private static string Text(EventContext context, int index) => context.Arguments.Get<string>(index) ?? "";

    private static string[] Sorted(IEnumerable<string> names) => [.. names.Order(StringComparer.Ordinal)];
}
