using System.Security.Cryptography.X509Certificates;

namespace RawWs.Tests.Support;

/// <summary>A certificate in files, as the host is given it.</summary>
internal sealed class PemFiles : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("rawws-pem-").FullName;

    public PemFiles(X509Certificate2 certificate, bool isOneFile = false)
    {
        var (cert, key) = (Path.Combine(_folder, "cert.pem"), Path.Combine(_folder, "key.pem"));
        var keyPem = TestCertificates.KeyPem(certificate);
        File.WriteAllText(cert, $"{certificate.ExportCertificatePem()}\n{(isOneFile ? keyPem : "")}");
        File.WriteAllText(key, keyPem);
        Options = isOneFile ? ["--cert", cert] : ["--cert", cert, "--key", key];
    }

    /// <summary>What the host is to be started with.</summary>
    public string[] Options { get; }

    public void Dispose() => Directory.Delete(_folder, recursive: true);
}
