using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;

namespace RawWs.Server.Transport.Tls;

/// <summary>Reads certificates with their private keys from what files contain.</summary>
internal static class CertificateFile
{
    /// <summary>A certificate with its private key, and what leads from it to a root.</summary>
    /// <exception cref="CryptographicException">It is none, or the key is not its own.</exception>
    public static (X509Certificate2 Leaf, X509Certificate2Collection Intermediates) Read(
        byte[] certificate, byte[]? key, string? password) =>
        certificate.AsSpan().IndexOf("-----BEGIN "u8) >= 0
            ? ReadPem(Encoding.UTF8.GetString(certificate), Encoding.UTF8.GetString(key ?? certificate), password)
            : ReadPfx(certificate, password);

    private static (X509Certificate2, X509Certificate2Collection) ReadPem(string certificate, string key, string? password)
    {
        var chain = new X509Certificate2Collection();
        chain.ImportFromPem(certificate);
        if (chain.Count == 0)
            throw new CryptographicException("There is no certificate in it.");
        X509Certificate2 leaf;
        try
        {
            leaf = password is null
                ? X509Certificate2.CreateFromPem(certificate, key)
                : X509Certificate2.CreateFromEncryptedPem(certificate, key, password);
        }
        catch (ArgumentException e)
        {
            // A key that is not the certificate's, or of a kind that no certificate has.
            throw new CryptographicException(e.Message, e);
        }

        chain[0].Dispose();
        chain.RemoveAt(0);
        return (MakeUsable(leaf), chain);
    }

    private static (X509Certificate2, X509Certificate2Collection) ReadPfx(byte[] pfx, string? password)
    {
        // macOS has no keys outside of its keychain, and Windows gives those to nobody else.
        var flags = OperatingSystem.IsLinux() ? X509KeyStorageFlags.EphemeralKeySet : X509KeyStorageFlags.DefaultKeySet;
        var chain = X509CertificateLoader.LoadPkcs12Collection(pfx, password, flags);
        var leaf = chain.FirstOrDefault(certificate => certificate.HasPrivateKey)
            ?? throw new CryptographicException("There is no certificate with a private key in it.");
        chain.Remove(leaf);
        return (leaf, chain);
    }

    // Windows does not find a key that only this process has.
    private static X509Certificate2 MakeUsable(X509Certificate2 certificate)
    {
        if (!OperatingSystem.IsWindows())
            return certificate;
        using (certificate)
            return X509CertificateLoader.LoadPkcs12(certificate.Export(X509ContentType.Pfx), null);
    }
}
