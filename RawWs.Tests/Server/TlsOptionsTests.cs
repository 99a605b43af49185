using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using Microsoft.Extensions.Options;
using RawWs.Server;
using RawWs.Tests.Support;

namespace RawWs.Tests.Server;

public class TlsOptionsTests
{
    [Test]
    public void Default_is_valid_once_there_is_a_certificate() =>
        Assert.That(ProblemOf(_ => { }), Is.Null);

    [Test]
    public void No_certificate_is_refused() =>
        Assert.That(ProblemOf(options => options.Certificates.Clear()), Does.Contain("Certificates is empty"));

    // By their numbers: TLS 1.1 and SSL 3 have no good names any more.
    [TestCase(0)]
    [TestCase(0x300)]
    [TestCase(0x30 | 0xC00)]
    public void Version_that_is_broken_or_unknown_is_refused(int protocols) => Assert.That(
        ProblemOf(options => options.Protocols = (SslProtocols)protocols), Does.Contain("Protocols must be TLS 1.2"));

    [TestCase(-1)]
    [TestCase(0.001)]
    [TestCase(86_401)]
    public void Interval_out_of_its_range_is_refused(double seconds) => Assert.That(
        ProblemOf(options => options.ReloadInterval = TimeSpan.FromSeconds(seconds)), Does.Contain("ReloadInterval"));

    [Test]
    public void Limits_out_of_their_range_are_refused()
    {
        Assert.That(ProblemOf(options => options.MaxHandshakes = 0), Does.Contain("MaxHandshakes"));
        Assert.That(ProblemOf(options => options.HandshakeThreads = 0), Does.Contain("HandshakeThreads"));
    }

    [Test]
    public void Certificate_is_either_a_file_or_an_object()
    {
        Assert.That(ProblemOf(new TlsCertificate()), Does.Contain("either Path or Certificate"));
        Assert.That(
            ProblemOf(new TlsCertificate { Path = "a", Certificate = TestCertificates.Localhost }),
            Does.Contain("either Path or Certificate"));
        Assert.That(
            ProblemOf(new TlsCertificate { KeyPath = "a", Certificate = TestCertificates.Localhost }),
            Does.Contain("KeyPath and Password belong to Path"));
    }

    [Test]
    public void Certificate_without_a_private_key_is_refused()
    {
        using var bare = X509CertificateLoader.LoadCertificate(TestCertificates.Localhost.RawData);
        Assert.That(ProblemOf(new TlsCertificate { Certificate = bare }), Does.Contain("no private key"));
    }

    private static string? ProblemOf(TlsCertificate certificate) =>
        ProblemOf(options => options.Certificates.Add(certificate));

    private static string? ProblemOf(Action<TlsOptions> change)
    {
        var tls = TestCertificates.Options(TestCertificates.Localhost);
        change(tls);
        try
        {
            _ = new RawWsServer(new ServerOptions { Tls = tls });
            return null;
        }
        catch (OptionsValidationException e)
        {
            return e.Message;
        }
    }
}
