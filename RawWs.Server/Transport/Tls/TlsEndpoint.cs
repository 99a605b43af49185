using System.Security.Cryptography;

namespace RawWs.Server.Transport.Tls;

/// <summary>What all TLS connections of one port share.</summary>
internal sealed class TlsEndpoint : IDisposable
{
    private readonly CertificateStore _certificates;
    private readonly HandshakeGate _gate;

    private TlsEndpoint(ServerContext context, TlsOptions options)
    {
        _certificates = new CertificateStore(options, context.Logger, context.Metrics, context.TimeProvider);
        _gate = new HandshakeGate(options.MaxHandshakes, options.HandshakeThreads, context.Metrics, context.TimeProvider);
    }

    /// <returns>Null if the server speaks plain TCP.</returns>
    /// <exception cref="CryptographicException">A certificate cannot be used.</exception>
    public static TlsEndpoint? TryStart(ServerContext context) =>
        context.Options.Tls is { } options ? new TlsEndpoint(context, options) : null;

    public TlsTransport Secure(ByteTransport transport) => new(transport, _gate, _certificates.AuthenticateAsync);

    public void Dispose() => _certificates.Dispose();
}
