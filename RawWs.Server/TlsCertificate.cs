using System.Security.Cryptography.X509Certificates;

namespace RawWs.Server;

/// <summary>
/// One certificate with its private key: PEM files, a PFX file, or an object that the application has. Files are
/// looked at again every <see cref="TlsOptions.ReloadInterval"/>.
/// </summary>
public sealed class TlsCertificate
{
    /// <summary>
    /// The file with the certificate: PEM, the server's own first and the intermediate ones behind it, or PFX.
    /// </summary>
    public string? Path { get; set; }

    /// <summary>The PEM file with the private key, RSA or ECDSA; <c>null</c> if it is in the same file.</summary>
    public string? KeyPath { get; set; }

    /// <summary>What the private key, or the PFX file, is encrypted with; <c>null</c> if it is not.</summary>
    public string? Password { get; set; }

    /// <summary>The certificate itself, in the place of files; it must have its private key.</summary>
    public X509Certificate2? Certificate { get; set; }

    /// <summary>What is sent with <see cref="Certificate"/> so that clients find the way to a root that they trust.</summary>
    public IList<X509Certificate2> Intermediates { get; } = [];

    /// <summary>By what a log calls it.</summary>
    internal string Name => Path ?? Certificate?.Subject ?? "";

    internal string? Problem
    {
        get
        {
            if (Path is null == Certificate is null)
                return $"a certificate has either {nameof(Path)} or {nameof(Certificate)}";
            if (Path is null && (KeyPath is not null || Password is not null))
                return $"{nameof(KeyPath)} and {nameof(Password)} belong to {nameof(Path)}";
            if (Certificate is { HasPrivateKey: false })
                return $"the certificate {Name} has no private key";
            return null;
        }
    }
}
