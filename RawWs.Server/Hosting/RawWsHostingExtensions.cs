using System.Diagnostics.Metrics;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace RawWs.Server.Hosting;

/// <summary>Adds a <see cref="RawWsServer"/> to an application on the generic host.</summary>
public static class RawWsHostingExtensions
{
    /// <summary>
    /// Adds one server, which starts and stops with the host. It uses the host's logging, its <see cref="IMeterFactory"/>
    /// and, where one is registered, its <see cref="TimeProvider"/>.
    /// </summary>
    /// <param name="services">The services of the host.</param>
    /// <param name="configureServer">Maps paths and registers handlers, before the server starts.</param>
    /// <param name="configureOptions">Sets the options; a value out of its range fails the start.</param>
    public static IServiceCollection AddRawWs(
        this IServiceCollection services,
        Action<RawWsServer> configureServer,
        Action<ServerOptions>? configureOptions = null)
    {
        ArgumentNullException.ThrowIfNull(services);
        ArgumentNullException.ThrowIfNull(configureServer);
        var options = services.AddOptions<ServerOptions>();
        if (configureOptions is not null)
            options.Configure(configureOptions);
        services.TryAddEnumerable(
            ServiceDescriptor.Singleton<IValidateOptions<ServerOptions>, ServerOptionsValidator>());
        services.AddSingleton(provider =>
        {
            var server = new RawWsServer(
                provider.GetRequiredService<IOptions<ServerOptions>>().Value,
                provider.GetService<ILoggerFactory>(),
                provider.GetService<TimeProvider>(),
                provider.GetService<IMeterFactory>());
            configureServer(server);
            return server;
        });
        return services.AddHostedService<RawWsHostedService>();
    }

    private sealed class RawWsHostedService(RawWsServer server) : IHostedService
    {
        public Task StartAsync(CancellationToken cancellationToken) => server.StartAsync(cancellationToken);

        public Task StopAsync(CancellationToken cancellationToken) => server.StopAsync(cancellationToken);
    }
}
