using RawWs.Protocol.WebSockets.Deflate;

namespace RawWs.Tests.Protocol.WebSockets.Deflate;

public sealed class ZlibTests
{
    [Test]
    public void The_runtimes_zlib_is_there_and_does_what_it_should()
    {
        Assert.That(Zlib.IsAvailable, Is.True);
        Assert.That(DeflateNegotiation.IsAvailable, Is.True);
    }

    [Test]
    public void A_missing_or_foreign_library_is_unavailable_and_no_crash()
    {
        Exception[] failures =
        [
            new DllNotFoundException(), new EntryPointNotFoundException(), new BadImageFormatException(),
            new InvalidOperationException(),
        ];
        foreach (Exception failure in failures)
        {
            Assert.That(Zlib.Succeeds(() => throw failure), Is.False, failure.GetType().Name);
        }

        Assert.That(Zlib.Succeeds(() => false), Is.False);
        Assert.That(Zlib.Succeeds(() => true), Is.True);
    }

    [Test]
    public void A_window_of_8_bits_is_refused_by_the_deflater_alone()
    {
        Assert.That(() => new Deflater(8, 6), Throws.InvalidOperationException);
        using var inflater = new Inflater(8);
    }
}
