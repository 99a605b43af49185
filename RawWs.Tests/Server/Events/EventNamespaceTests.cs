using RawWs.Server.Events;

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
        Assert.That(_server.Errors.Count(), Is.EqualTo(1));
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
        Assert.That(_server.Errors.Count(), Is.EqualTo(2));
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
    public void A_predicate_that_throws_has_not_accepted()
    {
        _server.Server.Of(new Func<string, bool>(_ => throw new InvalidOperationException()));

        Assert.That(_server.Connect("/x\r\n").Sent[0], Does.EndWith("Invalid namespace"));
        Assert.That(_server.Errors.Single().Message, Does.Contain("/x\\u000D\\u000A"));
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
        string[] ids = [.. Enumerable.Range(0, 100).Select(_ => _server.Connect().Socket.Id)];

        Assert.That(ids, Is.Unique);
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
