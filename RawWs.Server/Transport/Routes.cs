using System.Diagnostics.CodeAnalysis;
using Microsoft.Extensions.FileProviders;
using RawWs.Server.Engine;
using RawWs.Server.Http;

namespace RawWs.Server.Transport;

/// <summary>Which path of the server belongs to what. Filled before the server starts, only read afterwards.</summary>
internal sealed class Routes(ServerOptions options)
{
    private readonly Dictionary<string, WebSocketHandler> _webSockets = [];
    private readonly List<StaticFileSource> _files = [];
    private readonly List<EngineEndpoint> _engines = [];

    /// <summary>The official Socket.IO client's files; null without a path of Socket.IO.</summary>
    public SocketIoClientFiles? Client { get; } =
        options.SocketIoPath is { } path ? new SocketIoClientFiles(path) : null;

    /// <summary>Makes the handler of one event connection, given its namespace.</summary>
    public Func<string, WebSocketHandler>? EventHandlerFactory { get; set; }

    public void Add(string path, WebSocketHandler handler)
    {
        if (!_webSockets.TryAdd(path, handler))
            throw new InvalidOperationException($"The path {path} has a handler already.");
    }

    public void Add(EngineEndpoint engine)
    {
        if (_engines.Any(present => present.Path == engine.Path))
            throw new InvalidOperationException($"The path {engine.Path} has an Engine.IO server already.");
        _engines.Add(engine);
    }

    public void Add(IFileProvider files) => _files.Add(new StaticFileSource(files));

    public bool IsHealth(string path) => path == options.HealthPath;

    public bool IsMetrics(string path) => path == options.MetricsPath;

    /// <summary>Every Engine.IO server.</summary>
    public IReadOnlyList<EngineEndpoint> Engines => _engines;

    /// <summary>The Socket.IO client's files if one of them, there or not, belongs on the decoded path.</summary>
    public SocketIoClientFiles? FindClient(string path) => Client?.Includes(path) == true ? Client : null;

    /// <summary>The Engine.IO server whose path, with or without a trailing slash, begins the decoded path.</summary>
    public EngineEndpoint? FindEngine(string path)
    {
        if (FindClient(path) is not null)
            return null;
        foreach (var engine in _engines)
            if (engine.Includes(path))
                return engine;
        return null;
    }

    /// <summary>Whether WebSocket connections, raw or of events, are at home on the decoded path.</summary>
    public bool TryGetWebSocket(string path, [NotNullWhen(true)] out Func<WebSocketHandler>? open)
    {
        open = null;
        if (_webSockets.TryGetValue(path, out var handler))
            open = () => handler;
        else if (EventHandlerFactory is { } factory && TryGetNamespace(path, out var name))
            open = () => factory(name);
        return open is not null;
    }

    public bool TryGetFile(string path, [NotNullWhen(true)] out StaticFile? file)
    {
        file = null;
        foreach (var source in _files)
            if (file is null)
                source.TryResolve(path, out file);
        return file is not null;
    }

    // The path below the event path names the namespace: /ws is /, and /ws/admin is /admin.
    private bool TryGetNamespace(string path, [NotNullWhen(true)] out string? name)
    {
        name = null;
        if (options.EventPath is not { } eventPath || !path.StartsWith(eventPath, StringComparison.Ordinal))
            return false;
        var rest = path[eventPath.Length..];
        if (rest is "" or "/")
            name = "/";
        else if (rest[0] == '/')
            name = rest;
        return name is not null;
    }
}
