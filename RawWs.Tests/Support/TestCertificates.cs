using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using RawWs.Server;

namespace RawWs.Tests.Support;

/// <summary>Certificates that are made as they are needed and kept nowhere.</summary>
internal static class TestCertificates
{
    // Whatever clock a test has, they are valid.
    private static readonly DateTimeOffset _from = new(1990, 1, 1, 0, 0, 0, TimeSpan.Zero);
    private static readonly DateTimeOffset _until = new(2090, 1, 1, 0, 0, 0, TimeSpan.Zero);

    /// <summary>The one for <c>localhost</c> that servers have whose certificate does not matter.</summary>
    public static X509Certificate2 Localhost { get; } = Create("localhost");

    /// <summary>Signs itself, with an ECDSA key.</summary>
    public static X509Certificate2 Create(params string[] names)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        return Request(new CertificateRequest($"CN={names[0]}", key, HashAlgorithmName.SHA256), names)
            .CreateSelfSigned(_from, _until);
    }

    /// <summary>Signs itself, with an RSA key.</summary>
    public static X509Certificate2 CreateRsa(params string[] names)
    {
        using var key = RSA.Create(2048);
        var request = new CertificateRequest($"CN={names[0]}", key, HashAlgorithmName.SHA256, RSASignaturePadding.Pkcs1);
        return Request(request, names).CreateSelfSigned(_from, _until);
    }

    /// <summary>Signs itself; the extension that should list its names is cut short.</summary>
    public static X509Certificate2 CreateWithUnreadableNames(string name)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest($"CN={name}", key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509Extension("2.5.29.17", [0x30, 0x09, 0x82], critical: false));
        return request.CreateSelfSigned(_from, _until);
    }

    /// <summary>A root, an intermediate authority, and a certificate that the intermediate one has signed.</summary>
    public static (X509Certificate2 Root, X509Certificate2 Intermediate, X509Certificate2 Leaf) CreateChain(string name)
    {
        var root = CreateAuthority("CN=root", issuer: null);
        var intermediate = CreateAuthority("CN=intermediate", root);
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = Request(new CertificateRequest($"CN={name}", key, HashAlgorithmName.SHA256), [name]);
        using var signed = request.Create(intermediate, _from, _until, RandomNumberGenerator.GetBytes(8));
        // The keys of the authorities are elsewhere.
        return (Bare(root), Bare(intermediate), signed.CopyWithPrivateKey(key));
    }

    /// <summary>The private key as PEM, encrypted if there is a password.</summary>
    public static string KeyPem(X509Certificate2 certificate, string? password = null)
    {
        using AsymmetricAlgorithm key =
            certificate.GetECDsaPrivateKey() as AsymmetricAlgorithm ?? certificate.GetRSAPrivateKey()!;
        return password is null
            ? key.ExportPkcs8PrivateKeyPem()
            : key.ExportEncryptedPkcs8PrivateKeyPem(
                password, new PbeParameters(PbeEncryptionAlgorithm.Aes256Cbc, HashAlgorithmName.SHA256, 1000));
    }

    /// <summary>Options with these certificates.</summary>
    public static TlsOptions Options(params X509Certificate2[] certificates)
    {
        var options = new TlsOptions();
        foreach (var certificate in certificates)
            options.Certificates.Add(new TlsCertificate { Certificate = certificate });
        return options;
    }

    private static X509Certificate2 Bare(X509Certificate2 certificate) =>
        X509CertificateLoader.LoadCertificate(certificate.RawData);

    private static X509Certificate2 CreateAuthority(string subject, X509Certificate2? issuer)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest(subject, key, HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        request.CertificateExtensions.Add(new X509SubjectKeyIdentifierExtension(request.PublicKey, false));
        if (issuer is null)
            return request.CreateSelfSigned(_from, _until);
        using var signed = request.Create(issuer, _from, _until, RandomNumberGenerator.GetBytes(8));
        return signed.CopyWithPrivateKey(key);
    }

    private static CertificateRequest Request(CertificateRequest request, string[] names)
    {
        var alternatives = new SubjectAlternativeNameBuilder();
        foreach (var name in names)
            alternatives.AddDnsName(name);
        request.CertificateExtensions.Add(alternatives.Build());
        return request;
    }
}
