using System.Diagnostics.CodeAnalysis;
using System.Net;
using System.Net.Security;
using System.Security.Authentication;

namespace RawWs.Tests.Support;

/// <summary>Where a server speaks TLS: whoever connects to it with a <see cref="WireClient"/> does so over TLS.</summary>
internal sealed class SecureEndPoint(IPEndPoint server) : IPEndPoint(server.Address, server.Port)
{
    /// <summary>What a client offers; every certificate is good enough for it.</summary>
    public SslClientAuthenticationOptions Options { get; init; } = ClientOptions("localhost");

    [SuppressMessage("Security", "CA5359", Justification = "Nobody vouches for a certificate that a test has made.")]
    public static SslClientAuthenticationOptions ClientOptions(
        string name, SslProtocols protocols = SslProtocols.Tls12 | SslProtocols.Tls13) => new()
        {
            TargetHost = name,
            EnabledSslProtocols = protocols,
            RemoteCertificateValidationCallback = static (_, _, _, _) => true,
        };
}
