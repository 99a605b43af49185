using System.Security.Authentication;

namespace RawWs.Server;

/// <summary>The certificates of a server that speaks TLS, and what it allows.</summary>
/// <remarks>
/// The encryption is the runtime's, which on Linux is the system's OpenSSL: its policy of ciphers holds. ALPN offers
/// <c>http/1.1</c> and nothing else; clients are not asked for certificates; there is no renegotiation.
/// </remarks>
public sealed class TlsOptions
{
    /// <summary>
    /// At least one. A client gets the first that has the name it asks for (SNI), else the first with a wildcard that
    /// covers it, else the first of all.
    /// </summary>
    public IList<TlsCertificate> Certificates { get; } = [];

    /// <summary>TLS 1.2 and 1.3, or one of them: everything older is broken.</summary>
    public SslProtocols Protocols { get; set; } = SslProtocols.Tls12 | SslProtocols.Tls13;

    /// <summary>
    /// How often files of certificates are looked at; <see cref="TimeSpan.Zero"/> for never. A renewed one serves the
    /// connections that come after it. It is renewed days before it must be, so a minute is soon.
    /// </summary>
    public TimeSpan ReloadInterval { get; set; } = TimeSpan.FromMinutes(1);

    /// <summary>
    /// Handshakes under way at a time: what one processor computes in about a second, so that whoever waits is served
    /// before giving up. One more ends the one whose client has kept it waiting the longest, if that is a second; if none
    /// has, it is refused itself.
    /// </summary>
    public int MaxHandshakes { get; set; } = 1024;

    /// <summary>
    /// Handshakes that are computed at a time, on threads of the pool: half of the processors remain for the
    /// connections that are established, however many clients come at once.
    /// </summary>
    public int HandshakeThreads { get; set; } = Math.Max(1, Environment.ProcessorCount / 2);

    internal string? Problem
    {
        get
        {
            const SslProtocols Allowed = SslProtocols.Tls12 | SslProtocols.Tls13;
            if (Certificates.Count == 0)
                return $"{nameof(Certificates)} is empty.";
            foreach (var certificate in Certificates)
                if (certificate.Problem is { } problem)
                    return $"{nameof(Certificates)}: {problem}.";
            if ((Protocols & Allowed) == 0 || (Protocols & ~Allowed) != 0)
                return $"{nameof(Protocols)} must be TLS 1.2, TLS 1.3 or both.";
            if (ReloadInterval != TimeSpan.Zero && (ReloadInterval.TotalMilliseconds < 5 || ReloadInterval.TotalDays > 1))
                return $"{nameof(ReloadInterval)} must be zero, or from 5 milliseconds to one day.";
            if (MaxHandshakes < 1)
                return $"{nameof(MaxHandshakes)} must be at least 1.";
            if (HandshakeThreads is < 1 or > 1024)
                return $"{nameof(HandshakeThreads)} must be from 1 to 1024.";
            return null;
        }
    }
}
