using System.Diagnostics.Metrics;
using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using Microsoft.Extensions.FileProviders;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Options;
using RawWs.Server.Diagnostics;
using RawWs.Server.Engine;
using RawWs.Server.Events;
using RawWs.Server.Sessions;
using RawWs.Server.Transport;

namespace RawWs.Server;

/// <summary>A real-time server: WebSocket paths, events with rooms and namespaces, and files, on one TCP port.</summary>
/// <remarks>
/// Paths, files and namespaces are set up before <see cref="StartAsync"/>; everything else may be called from any
/// thread at any time. A server is started once and stopped once.
/// </remarks>
public sealed partial class RawWsServer : IAsyncDisposable
{
    private readonly ServerContext _context;
    private readonly Lock _lock = new();
    private Listener? _listener;
    private Task? _stopping;

    /// <summary>Makes a server that listens once it is started.</summary>
    /// <param name="options">Where to listen, and the limits; the defaults if left out.</param>
    /// <param name="loggerFactory">Where to log; nowhere if left out.</param>
    /// <param name="timeProvider">The clock behind every timeout; the system's if left out.</param>
    /// <param name="meterFactory">Where the meter <c>RawWs</c> is made; a meter of its own if left out.</param>
    /// <exception cref="OptionsValidationException">An option is out of its range.</exception>
    public RawWsServer(
        ServerOptions? options = null,
        ILoggerFactory? loggerFactory = null,
        TimeProvider? timeProvider = null,
        IMeterFactory? meterFactory = null)
    {
        options ??= new ServerOptions();
        if (new ServerOptionsValidator().Validate(null, options) is { Failed: true } invalid)
            throw new OptionsValidationException(nameof(ServerOptions), typeof(ServerOptions), invalid.Failures);
        var logger = (loggerFactory ?? NullLoggerFactory.Instance).CreateLogger("RawWs.Server");
        _context = new ServerContext(
            options, logger, new ServerMetrics(meterFactory), timeProvider ?? TimeProvider.System);
        Hub = new EventHub(
            options.Events,
            logger,
            _context.Metrics,
            _context.TimeProvider,
            _context.Limits,
            _context.Connections.Ticks);
        _context.Routes.EventHandlerFactory = name => new EnvelopeHandler(Hub, name);
        if (options.SocketIoPath is { } path)
        {
            Engine = new EngineEndpoint(_context, path, new SocketIoHandler(Hub), options.Engine);
            _context.Routes.Add(Engine);
        }
    }

    /// <summary>Where the server listens; <c>null</c> before it is started.</summary>
    public IPEndPoint? LocalEndPoint { get; private set; }

    /// <summary>TCP connections that are open.</summary>
    public int ConnectionCount => _context.Connections.Count;

    /// <summary>The Engine.IO server beneath Socket.IO; <c>null</c> if <see cref="ServerOptions.SocketIoPath"/> is.</summary>
    public EngineEndpoint? Engine { get; }

    /// <summary>Serves raw Engine.IO sessions on a path and everything below it: messages only, no events.</summary>
    /// <param name="path">The path, with or without a trailing slash.</param>
    /// <param name="handler">What is done with the sessions.</param>
    /// <param name="options">Transports, times and limits; the defaults if left out.</param>
    /// <exception cref="InvalidOperationException">The path is taken, or the server has been started.</exception>
    public EngineEndpoint MapEngine(string path, EngineHandler handler, EngineOptions? options = null)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        ArgumentNullException.ThrowIfNull(handler);
        ThrowIfStarted();
        var endpoint = new EngineEndpoint(_context, path, handler, options ?? new EngineOptions());
        _context.Routes.Add(endpoint);
        return endpoint;
    }

    /// <summary>Serves raw WebSocket connections on a path: messages only, no events.</summary>
    /// <exception cref="InvalidOperationException">The path is taken, or the server has been started.</exception>
    public void MapWebSocket(string path, WebSocketHandler handler)
    {
        ArgumentException.ThrowIfNullOrEmpty(path);
        ArgumentNullException.ThrowIfNull(handler);
        ThrowIfStarted();
        _context.Routes.Add(path, handler);
    }

    /// <summary>Serves the files of a folder, or of embedded resources, on every path that nothing else is at.</summary>
    /// <exception cref="InvalidOperationException">The server has been started.</exception>
    public void MapFiles(IFileProvider files)
    {
        ArgumentNullException.ThrowIfNull(files);
        ThrowIfStarted();
        _context.Routes.Add(files);
    }

    /// <summary>
    /// Serves the official Socket.IO client for browsers, below <see cref="ServerOptions.SocketIoPath"/>:
    /// <c>socket.io.js</c>, <c>.min.js</c>, <c>.esm.min.js</c>, <c>.msgpack.min.js</c> and their source maps.
    /// </summary>
    /// <param name="files">The folder <c>dist</c> of the npm package <c>socket.io-client</c>.</param>
    /// <remarks>
    /// The files are public: no middleware of <see cref="Engine"/> is asked. Without them the paths answer 404, and what
    /// to install. Compressed copies, at most one of each, are kept in memory.
    /// </remarks>
    /// <exception cref="InvalidOperationException">
    /// There is no path of Socket.IO, the files are mapped already, or the server has been started.
    /// </exception>
    public void MapSocketIoClient(IFileProvider files)
    {
        ArgumentNullException.ThrowIfNull(files);
        ThrowIfStarted();
        if (_context.Routes.Client is not { } client)
            throw new InvalidOperationException($"{nameof(ServerOptions.SocketIoPath)} is null.");
        client.Serve(files);
    }

    /// <summary>Starts to listen and to serve.</summary>
    /// <exception cref="SocketException">The address is in use, or not one of this machine.</exception>
    /// <exception cref="CryptographicException">A certificate of <see cref="ServerOptions.Tls"/> cannot be used.</exception>
    /// <exception cref="InvalidOperationException">The server has been started before.</exception>
    public async Task StartAsync(CancellationToken cancellationToken = default)
    {
        var options = _context.Options;
        if (!IPAddress.TryParse(options.Host, out var address))
        {
            var addresses = await Dns.GetHostAddressesAsync(options.Host, cancellationToken).ConfigureAwait(false);
            address = addresses[0];
        }

        lock (_lock)
        {
            ThrowIfStarted();
            var listener = new Listener(_context, new IPEndPoint(address, options.Port));
            LocalEndPoint = listener.Start();
            _listener = listener;
        }

        _context.Connections.Start(OnTick);
        Log.Listening(_context.Logger, LocalEndPoint);
    }

    /// <summary>
    /// Stops in good order: accepts nothing more, closes every WebSocket with 1001, waits until all have taken what
    /// was queued for them, and aborts what is left when the token is cancelled or the close timeout has passed.
    /// </summary>
    /// <remarks>Calls after the first wait for the same stop.</remarks>
    public Task StopAsync(CancellationToken cancellationToken = default)
    {
        lock (_lock)
            return _listener is null ? Task.CompletedTask : _stopping ??= StopAsync(_listener, cancellationToken);
    }

    /// <summary>Disconnects every client and stops the server: another name of <see cref="StopAsync(CancellationToken)"/>.</summary>
    public Task CloseAsync() => StopAsync();

    /// <summary>Stops the server if it runs, and frees what it holds.</summary>
    public async ValueTask DisposeAsync()
    {
        await StopAsync().ConfigureAwait(false);
        _context.Connections.Dispose();
        _context.Deflate?.Dispose();
        _context.Prometheus?.Dispose();
        _context.Metrics.Dispose();
    }

    private async Task StopAsync(Listener listener, CancellationToken cancellationToken)
    {
        // Leaves the caller's lock before anything else is called.
        await Task.CompletedTask.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        Log.Stopping(_context.Logger, _context.Connections.Count);
        await listener.StopAsync().ConfigureAwait(false);
        foreach (var engine in _context.Routes.Engines)
            engine.Stop();
        _context.Connections.StopAll();
        // Every connection keeps its own timeouts; this bounds those whose handler never returns.
        using var longest = new CancellationTokenSource(
            _context.Options.CloseTimeout + 2 * _context.Options.LingerTimeout, _context.TimeProvider);
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken, longest.Token);
        try
        {
            await _context.Connections.WaitForFewerThanAsync(1, limit.Token).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            Log.Aborted(_context.Logger, _context.Connections.Count);
            _context.Connections.AbortAll();
            // A handler of the application that never returns must not keep the server from stopping.
            using var deadline = new CancellationTokenSource(_context.Options.LingerTimeout, _context.TimeProvider);
            await _context.Connections.WaitForFewerThanAsync(1, deadline.Token)
                .ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
        finally
        {
            listener.Dispose();
        }
    }

    private void OnTick()
    {
        Hub.OnTick();
        _context.Addresses?.OnTick(_context.Now);
        foreach (var engine in _context.Routes.Engines)
            engine.OnTick();
    }

    private void ThrowIfStarted()
    {
        if (_listener is not null)
            throw new InvalidOperationException("The server has been started.");
    }
}
