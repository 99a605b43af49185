using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Testing;
using Microsoft.Extensions.Time.Testing;
using RawWs.Protocol.WebSockets;
using RawWs.Server;
using RawWs.Server.Diagnostics;
using RawWs.Server.Transport.Tls;
using RawWs.Tests.Support;

namespace RawWs.Tests.Server.Transport.Tls;

public class CertificateStoreTests
{
    private FakeTimeProvider _clock = null!;
    private FakeLogger _log = null!;
    private readonly ServerMetrics _metrics = new();
    private string _folder = "";

    private string CertificatePath => Path.Combine(_folder, "cert.pem");

    private string KeyPath => Path.Combine(_folder, "key.pem");

    [SetUp]
    public void Begin()
    {
        (_clock, _log) = (new FakeTimeProvider(), new FakeLogger());
        _folder = Directory.CreateTempSubdirectory("rawws-tls-").FullName;
    }

    [TearDown]
    public void RemoveFolder() => Directory.Delete(_folder, recursive: true);

    [OneTimeTearDown]
    public void StopMetrics() => _metrics.Dispose();

    [Test]
    public void PEM_files_are_read([Values] bool isRsa, [Values] bool isEncrypted, [Values] bool isOneFile)
    {
        using var certificate = isRsa ? TestCertificates.CreateRsa("a.example") : TestCertificates.Create("a.example");
        var password = isEncrypted ? "secret" : null;
        var key = TestCertificates.KeyPem(certificate, password);
        File.WriteAllText(CertificatePath, certificate.ExportCertificatePem() + "\n" + (isOneFile ? key : ""));
        File.WriteAllText(KeyPath, key);
        using var store = Open(new TlsCertificate
        {
            Path = CertificatePath,
            KeyPath = isOneFile ? null : KeyPath,
            Password = password,
        });
        Assert.That(SubjectFor(store, "a.example"), Is.EqualTo("CN=a.example"));
    }

    [Test]
    public void PEM_file_with_the_chain_behind_the_certificate_is_read()
    {
        var (_, intermediate, leaf) = TestCertificates.CreateChain("a.example");
        File.WriteAllText(CertificatePath, $"{leaf.ExportCertificatePem()}\n{intermediate.ExportCertificatePem()}\n");
        File.WriteAllText(KeyPath, TestCertificates.KeyPem(leaf));
        using var store = Open(Files());
        var context = store.Select("a.example").ServerCertificateContext!;
        Assert.That(context.TargetCertificate.Subject, Is.EqualTo("CN=a.example"));
        Assert.That(context.IntermediateCertificates.Select(c => c.Subject), Is.EqualTo(["CN=intermediate"]));
    }

    [Test]
    public void PFX_file_is_read_with_its_chain([Values] bool isEncrypted)
    {
        var (_, intermediate, leaf) = TestCertificates.CreateChain("a.example");
        var password = isEncrypted ? "secret" : null;
        var collection = new X509Certificate2Collection { intermediate, leaf };
        File.WriteAllBytes(CertificatePath, collection.Export(X509ContentType.Pfx, password)!);
        using var store = Open(new TlsCertificate { Path = CertificatePath, Password = password });
        var context = store.Select("").ServerCertificateContext!;
        Assert.That(context.TargetCertificate.Subject, Is.EqualTo("CN=a.example"));
        Assert.That(context.IntermediateCertificates.Select(c => c.Subject), Is.EqualTo(["CN=intermediate"]));
    }

    [Test]
    public void What_cannot_be_used_is_a_clear_error()
    {
        using var one = TestCertificates.Create("one.example");
        using var two = TestCertificates.Create("two.example");
        Assert.That(() => Open(Files()), Throws.TypeOf<CryptographicException>().With.Message.Contains(CertificatePath));
        Write(one, keyOf: two);
        Assert.That(() => Open(Files()), Throws.TypeOf<CryptographicException>().With.Message.Contains(CertificatePath));
        File.WriteAllText(CertificatePath, "nothing of the kind");
        Assert.That(() => Open(Files()), Throws.TypeOf<CryptographicException>().With.Message.Contains(CertificatePath));
        File.WriteAllText(CertificatePath, TestCertificates.KeyPem(one));
        Assert.That(() => Open(Files()), Throws.TypeOf<CryptographicException>().With.Message.Contains("no certificate"));
        File.WriteAllBytes(CertificatePath, one.Export(X509ContentType.Pfx, "secret"));
        var wrong = new TlsCertificate { Path = CertificatePath, Password = "wrong" };
        Assert.That(() => Open(wrong), Throws.TypeOf<CryptographicException>().With.Message.Contains(CertificatePath));
    }

    [Test]
    public void Renewed_certificate_is_used_from_the_next_look_on()
    {
        using var old = TestCertificates.Create("old.example");
        using var renewed = TestCertificates.CreateRsa("renewed.example");
        Write(old);
        using var store = Open(Files());
        Write(renewed);
        _clock.Advance(TimeSpan.FromSeconds(59));
        Assert.That(SubjectFor(store, ""), Is.EqualTo("CN=old.example"));
        _clock.Advance(TimeSpan.FromSeconds(1));
        Assert.That(SubjectFor(store, ""), Is.EqualTo("CN=renewed.example"));
        Assert.That(_log.Collector.GetSnapshot().Select(record => record.Level), Is.EqualTo([LogLevel.Information]));
        _clock.Advance(TimeSpan.FromMinutes(5));
        Assert.That(_log.Collector.Count, Is.EqualTo(1), "what stays as it is is not read again");
    }

    [Test]
    public void Half_of_a_renewal_leaves_the_old_certificate_and_is_logged_once()
    {
        using var old = TestCertificates.Create("old.example");
        using var renewed = TestCertificates.Create("renewed.example");
        Write(old);
        using var store = Open(Files());
        Write(renewed, keyOf: old);
        _clock.Advance(TimeSpan.FromMinutes(1));
        _clock.Advance(TimeSpan.FromMinutes(1));
        Assert.That(SubjectFor(store, ""), Is.EqualTo("CN=old.example"));
        Assert.That(_log.Collector.GetSnapshot().Select(record => record.Level), Is.EqualTo([LogLevel.Error]));

        File.Delete(KeyPath);
        _clock.Advance(TimeSpan.FromMinutes(1));
        _clock.Advance(TimeSpan.FromMinutes(1));
        Assert.That(_log.Collector.Count, Is.EqualTo(2), "another change, another line");
        Write(renewed);
        _clock.Advance(TimeSpan.FromMinutes(1));
        Assert.That(SubjectFor(store, ""), Is.EqualTo("CN=renewed.example"));
    }

    [Test]
    public void Renewed_certificate_may_be_for_other_names()
    {
        using var first = TestCertificates.Create("first.example");
        using var old = TestCertificates.Create("old.example");
        using var renewed = TestCertificates.Create("renewed.example");
        Write(old);
        using var store = Open(new TlsCertificate { Certificate = first }, Files());
        Assert.That(SubjectFor(store, "renewed.example"), Is.EqualTo("CN=first.example"));
        Write(renewed);
        _clock.Advance(TimeSpan.FromMinutes(1));
        Assert.That(SubjectFor(store, "renewed.example"), Is.EqualTo("CN=renewed.example"));
        Assert.That(SubjectFor(store, "old.example"), Is.EqualTo("CN=first.example"));
    }

    // Its names are found to be unreadable before anything of it is in the place of the old one.
    [Test]
    public void Renewed_certificate_with_names_that_cannot_be_read_changes_nothing()
    {
        using var old = TestCertificates.Create("old.example");
        using var bad = TestCertificates.CreateWithUnreadableNames("bad.example");
        using var other = TestCertificates.Create("other.example");
        using var renewed = TestCertificates.Create("renewed.example");
        Write(old);
        var (otherPath, otherKeyPath) = (Path.Combine(_folder, "other.pem"), Path.Combine(_folder, "other.key"));
        File.WriteAllText(otherPath, other.ExportCertificatePem());
        File.WriteAllText(otherKeyPath, TestCertificates.KeyPem(other));
        using var store = Open(Files(), new TlsCertificate { Path = otherPath, KeyPath = otherKeyPath });
        Write(bad);
        _clock.Advance(TimeSpan.FromMinutes(1));
        Assert.That(_log.Collector.LatestRecord.Level, Is.EqualTo(LogLevel.Error));
        // The renewal of another makes a new table of all that there are.
        File.WriteAllText(otherPath, renewed.ExportCertificatePem());
        File.WriteAllText(otherKeyPath, TestCertificates.KeyPem(renewed));
        _clock.Advance(TimeSpan.FromMinutes(1));
        Assert.That(SubjectFor(store, "renewed.example"), Is.EqualTo("CN=renewed.example"));
        Assert.That(SubjectFor(store, "old.example"), Is.EqualTo("CN=old.example"));
    }

    [Test]
    public void Renewed_certificate_is_used_although_the_log_fails()
    {
        using var old = TestCertificates.Create("old.example");
        using var renewed = TestCertificates.Create("renewed.example");
        Write(old);
        var log = new FailingLogger();
        using var store = Open(log, Files());
        Write(renewed);
        Assert.That(() => _clock.Advance(TimeSpan.FromMinutes(1)), Throws.Nothing, "a timer would end the process");
        Assert.That(log.Lines, Is.EqualTo(1));
        Assert.That(SubjectFor(store, ""), Is.EqualTo("CN=renewed.example"));
        Write(renewed, keyOf: old);
        _clock.Advance(TimeSpan.FromMinutes(1));
        Assert.That(log.Lines, Is.EqualTo(2), "it still looks");
    }

    [Test]
    public void Nothing_is_looked_at_where_that_is_off()
    {
        using var old = TestCertificates.Create("old.example");
        using var renewed = TestCertificates.Create("renewed.example");
        Write(old);
        using var store = Open(TimeSpan.Zero, Files());
        Write(renewed);
        _clock.Advance(TimeSpan.FromDays(1));
        Assert.That(SubjectFor(store, ""), Is.EqualTo("CN=old.example"));
    }

    [Test]
    public void Certificate_that_is_over_is_used_with_a_warning()
    {
        _clock.SetUtcNow(new DateTimeOffset(2095, 1, 1, 0, 0, 0, TimeSpan.Zero));
        using var store = Open(new TlsCertificate { Certificate = TestCertificates.Localhost });
        Assert.That(SubjectFor(store, ""), Is.EqualTo("CN=localhost"));
        Assert.That(_log.Collector.LatestRecord.Level, Is.EqualTo(LogLevel.Warning));
    }

    // As the runtime tells a name that came in as xn--…; certificates hold it so.
    [Test]
    public void International_name_is_found()
    {
        using var first = TestCertificates.Create("first.example");
        using var umlaut = TestCertificates.Create("grüße.example");
        using var store = Open(
            new TlsCertificate { Certificate = first }, new TlsCertificate { Certificate = umlaut });
        Assert.That(SubjectFor(store, "grüße.example"), Is.EqualTo(umlaut.Subject));
    }

    // Names of any kind come from the peer, before anything about it is known.
    [TestCase(".")]
    [TestCase("..")]
    [TestCase("a..b")]
    [TestCase("*")]
    [TestCase("xn--\ud800")]
    [TestCase("\0")]
    public void Name_that_is_none_gets_the_first_certificate(string name)
    {
        using var first = TestCertificates.Create("first.example");
        using var store = Open(new TlsCertificate { Certificate = first });
        Assert.That(SubjectFor(store, name), Is.EqualTo("CN=first.example"));
    }

    [Test]
    public async Task Server_goes_on_with_the_renewed_certificate_and_keeps_its_connections()
    {
        using var old = TestCertificates.Create("old.example");
        using var renewed = TestCertificates.Create("renewed.example");
        Write(old);
        await using var server = await TestServer.StartAsync(
            options => options.Tls = new TlsOptions { Certificates = { Files() } }, timeProvider: _clock);
        using var before = await server.OpenAsync();
        Write(renewed);
        _clock.Advance(TimeSpan.FromMinutes(1));
        using var after = await server.OpenAsync();
        Assert.That(before.Tls.RemoteCertificate!.Subject, Is.EqualTo("CN=old.example"));
        Assert.That(after.Tls.RemoteCertificate!.Subject, Is.EqualTo("CN=renewed.example"));
        await before.SendFrameAsync(Opcode.Text, "still here");
        WireFrame frame;
        do
            frame = await before.ReadFrameAsync();
        while (frame.Opcode == Opcode.Ping);
        Assert.That(frame.Text, Is.EqualTo("still here"));
    }

    private void Write(X509Certificate2 certificate, X509Certificate2? keyOf = null)
    {
        File.WriteAllText(CertificatePath, certificate.ExportCertificatePem());
        File.WriteAllText(KeyPath, TestCertificates.KeyPem(keyOf ?? certificate));
    }

    private TlsCertificate Files() => new() { Path = CertificatePath, KeyPath = KeyPath };

    private CertificateStore Open(params TlsCertificate[] certificates) => Open(TimeSpan.FromMinutes(1), certificates);

    private CertificateStore Open(TimeSpan interval, params TlsCertificate[] certificates) =>
        Open(interval, _log, certificates);

    private CertificateStore Open(ILogger log, TlsCertificate certificate) =>
        Open(TimeSpan.FromMinutes(1), log, certificate);

    private CertificateStore Open(TimeSpan interval, ILogger log, params TlsCertificate[] certificates)
    {
        var options = new TlsOptions { ReloadInterval = interval };
        foreach (var certificate in certificates)
            options.Certificates.Add(certificate);
        return new CertificateStore(options, log, _metrics, _clock);
    }

    private static string SubjectFor(CertificateStore store, string name) =>
        store.Select(name).ServerCertificateContext!.TargetCertificate.Subject;
}
