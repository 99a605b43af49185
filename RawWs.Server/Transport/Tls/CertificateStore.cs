using System.Globalization;
using System.Net.Security;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Microsoft.Extensions.Logging;
using RawWs.Server.Diagnostics;

namespace RawWs.Server.Transport.Tls;

/// <summary>The certificates of a server: the right one for each client, and the renewed one soon after it is there.</summary>
internal sealed class CertificateStore : IDisposable
{
    private static readonly IdnMapping s_idn = new();

    private readonly TlsOptions _options;
    private readonly ILogger _logger;
    private readonly ServerMetrics _metrics;
    private readonly TimeProvider _timeProvider;
    private readonly Entry[] _entries;
    private readonly ITimer? _timer;
    private Selection _selection;
    private int _isReloading;

    /// <exception cref="CryptographicException">A certificate cannot be used.</exception>
    public CertificateStore(TlsOptions options, ILogger logger, ServerMetrics metrics, TimeProvider timeProvider)
    {
        _options = options;
        _logger = logger;
        _metrics = metrics;
        _timeProvider = timeProvider;
        _entries = [.. options.Certificates.Select(source => new Entry(source))];
        foreach (var entry in _entries)
        {
            try
            {
                entry.Load(options);
            }
            catch (Exception e) when (IsUnusable(e))
            {
                throw new CryptographicException($"The certificate {entry.Source.Name} cannot be used: {e.Message}", e);
            }

            Check(entry);
        }

        _selection = new Selection(_entries);
        var interval = options.ReloadInterval;
        if (interval > TimeSpan.Zero && options.Certificates.Any(source => source.Path is not null))
            _timer = timeProvider.CreateTimer(static store => ((CertificateStore)store!).Reload(), this, interval, interval);
    }

    /// <summary>The server's part of the handshake.</summary>
    public Task AuthenticateAsync(SslStream stream) => stream.AuthenticateAsServerAsync(
        static (_, hello, store, _) => ValueTask.FromResult(((CertificateStore)store!).Select(hello.ServerName)), this);

    /// <summary>What a client gets that asks for a name; an empty one if it asks for none.</summary>
    public SslServerAuthenticationOptions Select(string name) => Volatile.Read(ref _selection).Find(ToAscii(name));

    public void Dispose() => _timer?.Dispose();

    private void Reload()
    {
        // A file system that hangs must not gather threads.
        if (Interlocked.Exchange(ref _isReloading, 1) != 0)
            return;
        try
        {
            foreach (var entry in _entries)
                Reload(entry);
        }
        catch (Exception)
        {
            // What is left can only be a log that fails; a timer that throws would end the process.
            _metrics.Failed("certificate");
        }
        finally
        {
            Volatile.Write(ref _isReloading, 0);
        }
    }

    private void Reload(Entry entry)
    {
        try
        {
            if (!entry.Load(_options))
                return;
            // Before anything is logged: a log that fails must not keep it from being used.
            Volatile.Write(ref _selection, new Selection(_entries));
            Log.CertificateRenewed(_logger, entry.Source.Name, entry.Leaf.NotAfter.ToUniversalTime());
            Check(entry);
        }
        catch (Exception e) when (IsUnusable(e))
        {
            // Once for each change: half of the files may have been replaced so far, and one that is missing stays so.
            if (e is CryptographicException || entry.LastProblem != e.Message)
            {
                Log.CertificateUnusable(_logger, entry.Source.Name, e.Message);
                _metrics.Failed("certificate");
            }

            entry.LastProblem = e.Message;
        }
    }

    private void Check(Entry entry)
    {
        DateTimeOffset from = entry.Leaf.NotBefore.ToUniversalTime();
        DateTimeOffset until = entry.Leaf.NotAfter.ToUniversalTime();
        var now = _timeProvider.GetUtcNow();
        if (now < from || now > until)
            Log.CertificateNotValid(_logger, entry.Source.Name, from, until);
    }

    private static bool IsUnusable(Exception e) =>
        e is CryptographicException or IOException or UnauthorizedAccessException or NotSupportedException;

    // The runtime tells names as people write them, certificates hold them as they are on the wire.
    private static string ToAscii(string name)
    {
        try
        {
            return s_idn.GetAscii(name);
        }
        catch (ArgumentException)
        {
            return name;
        }
    }

    /// <summary>One certificate as it was last read.</summary>
    private sealed class Entry(TlsCertificate source)
    {
        private byte[] _seen = [];

        public TlsCertificate Source => source;

        public X509Certificate2 Leaf { get; private set; } = null!;

        public SslServerAuthenticationOptions Server { get; private set; } = null!;

        public string[] Names { get; private set; } = [];

        public string? LastProblem { get; set; }

        /// <returns>False if its files are as they were, whether they can be used or not.</returns>
        public bool Load(TlsOptions options)
        {
            var (leaf, intermediates) = (source.Certificate!, new X509Certificate2Collection(source.Intermediates.ToArray()));
            if (source.Path is { } path)
            {
                var certificate = File.ReadAllBytes(path);
                var key = source.KeyPath is null ? null : File.ReadAllBytes(source.KeyPath);
                byte[] seen = [.. SHA256.HashData(certificate), .. SHA256.HashData(key ?? [])];
                if (seen.AsSpan().SequenceEqual(_seen))
                    return false;
                _seen = seen;
                (leaf, intermediates) = CertificateFile.Read(certificate, key, source.Password);
            }

            // What cannot be read of it is found before it takes the place of another.
            var names = NamesOf(leaf);
            Server = new SslServerAuthenticationOptions
            {
                // Offline: no certificate is fetched from an address that another certificate names.
                ServerCertificateContext = SslStreamCertificateContext.Create(leaf, intermediates, offline: true),
                EnabledSslProtocols = options.Protocols,
                ApplicationProtocols = [SslApplicationProtocol.Http11],
                AllowRenegotiation = false,
                ClientCertificateRequired = false,
                CertificateRevocationCheckMode = X509RevocationMode.NoCheck,
            };
            (Leaf, Names) = (leaf, names);
            LastProblem = null;
            return true;
        }

        private static string[] NamesOf(X509Certificate2 leaf)
        {
            var names = leaf.Extensions
                .Where(extension => extension.Oid?.Value == "2.5.29.17")
                .SelectMany(extension => new X509SubjectAlternativeNameExtension(extension.RawData).EnumerateDnsNames())
                .ToArray();
            // RFC 6125 §6.4.4: the common name counts only where there is no other.
            return names.Length > 0 ? names : [leaf.GetNameInfo(X509NameType.DnsName, forIssuer: false)];
        }
    }

    /// <summary>Which certificate is for which name.</summary>
    private sealed class Selection
    {
        private readonly Dictionary<string, SslServerAuthenticationOptions> _byName = new(StringComparer.OrdinalIgnoreCase);
        private readonly SslServerAuthenticationOptions _first;

        public Selection(Entry[] entries)
        {
            _first = entries[0].Server;
            foreach (var entry in entries)
                foreach (var name in entry.Names)
                    _byName.TryAdd(name, entry.Server);
        }

        public SslServerAuthenticationOptions Find(string name)
        {
            if (_byName.TryGetValue(name, out var exact))
                return exact;
            // RFC 6125 §6.4.3: a wildcard stands for one label, the leftmost.
            var dot = name.IndexOf('.', StringComparison.Ordinal);
            return dot > 0 && _byName.TryGetValue(string.Concat("*", name.AsSpan(dot)), out var wildcard)
                ? wildcard
                : _first;
        }
    }
}
