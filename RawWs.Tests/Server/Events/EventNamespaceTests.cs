using System.Text.RegularExpressions;
using RawWs.Server.Events;
using RawWs.Tests.Support;

namespace RawWs.Tests.Server.Events;

[FixtureLifeCycle(LifeCycle.InstancePerTestCase)]
public sealed class EventNamespaceTests
{
    private readonly TestServer _server = new();

    [Test]
    public void An_unknown_namespace_is_a_connect_error()
    {
        var client = new TestSession(_server);

        client.ConnectAsync("/nowhere", default);

        Assert.That(client.Sent, Is.EqualTo(["<connect_error /nowhere Invalid namespace"]));
        Assert.That(client.Find("/nowhere"u8), Is.Null);
    }

    [Test]
    public void Namespaces_are_apart_from_each_other()
    {
        _server.Server.Of("admin");
        TestSession client = _server.Connect();
        client.ConnectAsync("/admin", default);
        client.In("/admin").Join("room");

        _server.Server.Of("/admin").Emit("for admins");
        _server.Server.To("room").Emit("nobody");

        Assert.That(client.Events, Is.EqualTo(["for admins"]));
        Assert.That(client.In("/admin").Id, Is.Not.EqualTo(client.Socket.Id));
        Assert.That(_server.Server.Of("/admin"), Is.SameAs(_server.Server.Of("admin")));
    }

    [Test]
    public void Middleware_runs_in_order_before_the_client_joins()
    {
        var log = new List<string>();
        _server.Server.Use(socket => log.Add($"first {socket.Connected} {socket.Rooms.Count}"));
        _server.Server.Use(async _ =>
        {
            await Task.CompletedTask;
            log.Add("second");
        });
        _server.Server.Use((_, token) =>
        {
            log.Add($"third {token.CanBeCanceled}");
            return Task.CompletedTask;
        });
        _server.Server.OnConnection(socket =>
            log.Add($"connection {socket.Connected} {socket.Rooms.Single() == socket.Id}"));

        TestSession client = _server.Connect();

        Assert.That(log, Is.EqualTo(["first False 0", "second", "third True", "connection True True"]));
        Assert.That(client.Sent, Is.EqualTo(["<connect /"]));
    }

    [Test]
    public void A_refusal_tells_the_client_its_message_and_details()
    {
        var reached = false;
        _server.Server.Use(_ => throw new ConnectionRefusedException("Not authorized", new { Code = 401 }));
        _server.Server.Use(_ => { reached = true; });
        _server.Server.OnConnection(_ => { reached = true; });

        TestSession client = _server.Connect();

        Assert.That(client.Sent, Is.EqualTo(["<connect_error / Not authorized {\"code\":401}"]));
        Assert.That(reached, Is.False);
        Assert.That(_server.Server.Sockets, Is.Empty);
        Assert.That(client.Find("/"u8), Is.Null);
        Assert.That(_server.Errors, Is.Empty);
    }

    [Test]
    public void Any_other_failure_of_middleware_leaks_nothing()
    {
        _server.Server.Use(async _ =>
        {
            await Task.CompletedTask;
            throw new InvalidOperationException("password=1234");
        });

        TestSession client = _server.Connect();

        Assert.That(client.Sent, Is.EqualTo(["<connect_error / Internal error"]));
        Assert.That((_server.Errors.Count(), _server.FailuresCounted), Is.EqualTo((1, 1L)));
    }

    [Test]
    public void A_connection_handler_that_throws_costs_nobody_anything()
    {
        var reached = false;
        _server.Server.OnConnection(_ => throw new InvalidOperationException());
        _server.Server.OnConnection(async _ =>
        {
            await Task.CompletedTask;
            throw new InvalidOperationException();
        });
        _server.Server.OnConnection(_ => reached = true);

        TestSession client = _server.Connect();

        Assert.That(reached, Is.True);
        Assert.That(client.Socket.Connected, Is.True);
        Assert.That((_server.Errors.Count(), _server.FailuresCounted), Is.EqualTo((2, 2L)));
    }

    [Test]
    public async Task An_event_that_comes_before_the_connection_handlers_are_done_waits_for_them()
    {
        var inHandler = new TaskCompletionSource();
        using var go = new ManualResetEventSlim();
        var received = new TaskCompletionSource<int>();
        _server.Server.OnConnection(socket =>
        {
            inHandler.SetResult();
            go.Wait();
            socket.On<int>("early", n => received.SetResult(n));
        });
        var client = new TestSession(_server);
        Task connecting = Task.Run(() => client.ConnectAsync("/", default));
        await inHandler.Task;

        await client.Receive("early", "7");
        Assert.That(received.Task.IsCompleted, Is.False);
        go.Set();

        Assert.That(await received.Task.WaitAsync(TimeSpan.FromSeconds(10)), Is.EqualTo(7));
        await connecting;
    }

    [Test]
    public void A_family_makes_its_members_on_demand_and_lets_them_go()
    {
        EventNamespace family = _server.Server.Of(
            name => name.StartsWith("/dynamic-", StringComparison.Ordinal));
        family.OnConnection(socket => socket.Emit("hello", socket.Namespace.Name));

        TestSession one = _server.Connect("/dynamic-1");
        TestSession again = _server.Connect("/dynamic-1");
        TestSession two = _server.Connect("/dynamic-2");
        TestSession none = _server.Connect("/other");

        Assert.That(one.Sent, Is.EqualTo(["<connect /dynamic-1", "hello \"/dynamic-1\""]));
        Assert.That(none.Sent, Is.EqualTo(["<connect_error /other Invalid namespace"]));
        Assert.That(again.In("/dynamic-1").Namespace, Is.SameAs(one.In("/dynamic-1").Namespace));
        Assert.That(_server.Hub.NamespaceCount, Is.EqualTo(3));

        family.Emit("all");
        one.In("/dynamic-1").Broadcast.Emit("others");
        Assert.That(again.Events, Is.EqualTo(["hello \"/dynamic-1\"", "all", "others"]));
        Assert.That(two.Events, Is.EqualTo(["hello \"/dynamic-2\"", "all"]));

        foreach (TestSession client in new[] { one, again, two })
            client.Close(RawWs.Server.Sessions.DisconnectReason.TransportClose);

        Assert.That(_server.Hub.NamespaceCount, Is.EqualTo(1));
        Assert.That(family.Sockets, Is.Empty);
    }

    [Test]
    public void A_member_of_a_family_goes_too_when_its_only_client_is_refused()
    {
        EventNamespace family = _server.Server.Of(_ => true);
        family.Use(_ => throw new ConnectionRefusedException("no"));

        for (var i = 0; i < 10; i++)
            _server.Connect($"/x{i}");

        Assert.That(_server.Hub.NamespaceCount, Is.EqualTo(1));
    }

    [Test]
    public void A_name_that_a_pattern_matches_is_a_member_of_its_family_whoever_asks_for_it()
    {
        EventNamespace family = _server.Server.Of(new Regex("^/room-[0-9]$"));
        family.Use(socket => socket.Data.Set("asked", "family"));
        family.OnConnection(socket => socket.Emit("family"));
        EventNamespace room = _server.Server.Of("room-1");
        room.Use(socket => socket.Data.Set("asked", socket.Data.Get<string>("asked") + ", room"));
        room.OnConnection(socket => socket.Emit("room", socket.Data.Get<string>("asked")));
        EventNamespace other = _server.Server.Of("/other");

        TestSession client = _server.Connect("/room-1");
        family.Emit("all");

        Assert.That(client.Events, Is.EqualTo(["family", "room \"family, room\"", "all"]));
        Assert.That(_server.Server.Of("/room-1"), Is.SameAs(room));
        Assert.That(_server.Connect("/other").In("/other").Namespace, Is.SameAs(other));
    }

    [Test]
    public void A_name_that_a_predicate_accepts_stands_for_itself_when_the_application_says_it()
    {
        _server.Server.Of(_ => true).OnConnection(socket => socket.Emit("family"));
        _server.Server.Of("/admin");

        Assert.That(_server.Connect("/admin").Events, Is.Empty);
        Assert.That(_server.Connect("/x").Events, Is.EqualTo(["family"]));
    }

    [Test]
    public void The_application_is_told_of_every_namespace_but_the_first()
    {
        var made = new List<string>();
        _server.Server.OnNewNamespace(space => made.Add(space.Name));
        _server.Server.OnNewNamespace(_ => throw new InvalidOperationException());
        _server.Server.Of(_ => true);

        _server.Server.Of("/");
        _server.Server.Of("/a");
        _server.Server.Of("/a");
        _server.Connect("/b");

        Assert.That(made, Is.EqualTo(["/a", "/b"]));
        Assert.That(_server.Errors.Count(), Is.EqualTo(2));
    }

    [Test]
    public async Task Middleware_of_a_new_namespace_asks_everyone_who_comes_at_the_same_time()
    {
        var isTold = new TaskCompletionSource();
        _server.Server.Of(_ => true);
        _server.Server.OnNewNamespace(space =>
        {
            isTold.SetResult();
            SpinWait.SpinUntil(() => space.Users == 2, TimeSpan.FromSeconds(10));
            // What the callback itself asks for is there already.
            _server.Server.Of(space.Name).Use(_ => throw new ConnectionRefusedException("no"));
        });

        Task<TestSession> first = Task.Run(() => _server.Connect("/x"));
        await isTold.Task;
        Task<TestSession> second = Task.Run(() => _server.Connect("/x"));

        Assert.That((await first).Sent, Is.EqualTo(["<connect_error /x no"]));
        Assert.That((await second).Sent, Is.EqualTo(["<connect_error /x no"]));
        Assert.That(_server.Errors, Is.Empty);
    }

    [Test]
    public void The_whole_namespace_can_be_moved_and_disconnected()
    {
        TestSession one = _server.Connect();
        TestSession two = _server.Connect();

        _server.Server.SocketsJoin("a", "b");
        _server.Server.SocketsLeave("b");
        Assert.That(_server.Server.To("a").FetchSockets(), Is.EqualTo(_server.Server.FetchSockets()));
        Assert.That(_server.Server.To("b").FetchSockets(), Is.Empty);

        _server.Server.DisconnectSockets();
        Assert.That(_server.Server.FetchSockets(), Is.Empty);
        Assert.That(one.Sent[^1] + two.Sent[^1], Is.EqualTo("<disconnect /<disconnect /"));
    }

    [Test]
    public void A_predicate_that_throws_has_not_accepted()
    {
        _server.Server.Of(new Func<string, bool>(_ => throw new InvalidOperationException()));

        Assert.That(_server.Connect("/x\r\n").Sent[0], Does.EndWith("Invalid namespace"));
        Assert.That(_server.Errors.Single().Message, Does.Contain("/x\\u000D\\u000A"));
    }

    [TestCase("\r\n")]
    [TestCase("\u001b[31m")]
    [TestCase("\u2028")]
    public void What_clients_choose_is_one_line_in_the_log(string text)
    {
        _server.Server.OnNewNamespace(_ => throw new InvalidOperationException());
        _server.Server.Of(_ => true).Use(socket => throw (socket.Namespace.Name[1] == 'r'
            ? new ConnectionRefusedException("no" + text)
            : new InvalidOperationException()));

        _server.Connect("/refused" + text);
        _server.Connect("/failed" + text);

        string[] lines = [.. _server.Logs.GetSnapshot().Select(record => record.Message)];
        Assert.That(lines, Has.Length.EqualTo(4).And.All.Match(@"^[^\u0000-\u001f\u2028]*\\u[0-9A-F]{4}"));
        Assert.That(lines, Has.None.Match(@"[\u0000-\u001f\u2028]"));
    }

    [Test]
    public void A_connection_can_only_be_in_so_many_namespaces()
    {
        var server = new TestServer(options => options.MaxNamespacesPerConnection = 2);
        server.Server.Of(_ => true);
        TestSession client = server.Connect("/a");
        client.ConnectAsync("/b", default);
        client.ConnectAsync("/c", default);

        Assert.That(client.Sent[^1], Is.EqualTo("<connect_error /c Too many namespaces"));
        Assert.That(() => client.ConnectAsync("/a", default), Throws.InvalidOperationException);
    }

    [Test]
    public void Ids_are_unguessable_names_of_twenty_characters()
    {
        string[] ids = [.. Enumerable.Range(0, RandomIds.Enough).Select(_ => _server.Connect().Socket.Id)];

        RandomIds.Expect(ids, bytes: 15);
        Assert.That(ids, Is.All.Match("^[A-Za-z0-9_-]{20}$"));
    }

    [Test]
    public void The_handshake_carries_what_the_client_brought()
    {
        var client = new TestSession(_server);
        client.ConnectAsync("/", """{"token":"secret"}"""u8);

        Assert.That(client.Socket.Handshake.Auth.GetProperty("token").GetString(), Is.EqualTo("secret"));
        Assert.That(
            client.Socket.Handshake.GetAuth<Dictionary<string, string>>()!["token"], Is.EqualTo("secret"));
        Assert.That(_server.Connect().Socket.Handshake.Auth.GetRawText(), Is.EqualTo("{}"));
    }
}
