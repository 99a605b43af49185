using RawWs.Protocol;
using RawWs.Protocol.WebSockets;
using RawWs.Protocol.WebSockets.Deflate;

namespace RawWs.Tests.Protocol.WebSockets.Deflate;

public sealed class DeflatePoolTests
{
    [Test]
    public void What_comes_back_is_lent_again_by_window_size()
    {
        using var pool = new DeflatePool(new DeflateOptions { MaxPooled = 2 });
        Deflater large = pool.RentDeflater(15);
        pool.Return(large);
        Assert.That(pool.RentDeflater(9), Is.Not.SameAs(large));
        Assert.That(pool.RentDeflater(15), Is.SameAs(large));
        Inflater inflater = pool.RentInflater();
        pool.Return(inflater);
        Assert.That(pool.RentInflater(), Is.SameAs(inflater));
        Assert.That(pool.Count, Is.Zero);
    }

    [TestCase(0)]
    [TestCase(1)]
    [TestCase(3)]
    public void No_more_than_the_option_says_are_kept(int most)
    {
        using var pool = new DeflatePool(new DeflateOptions { MaxPooled = most });
        Deflater[] deflaters = [.. Enumerable.Range(0, 5).Select(_ => pool.RentDeflater(15))];
        Inflater[] inflaters = [.. Enumerable.Range(0, 5).Select(_ => pool.RentInflater())];
        Array.ForEach(deflaters, pool.Return);
        Assert.That(pool.Count, Is.EqualTo(most));
        Array.ForEach(inflaters, pool.Return);
        Assert.That(pool.Count, Is.EqualTo(2 * most));
        Assert.That(deflaters.Count(IsDisposed), Is.EqualTo(5 - most), "the rest is freed");
    }

    [Test]
    public void A_closed_pool_frees_what_it_keeps_and_what_comes_back()
    {
        var pool = new DeflatePool(new DeflateOptions { MaxPooled = 2 });
        Deflater kept = pool.RentDeflater(15);
        Deflater lent = pool.RentDeflater(15);
        pool.Return(kept);
        pool.Dispose();
        pool.Return(lent);
        Assert.That(pool.Count, Is.Zero);
        Assert.That((IsDisposed(kept), IsDisposed(lent)), Is.EqualTo((true, true)));
    }

    [Test]
    public void An_inflater_comes_back_clean_whatever_was_done_with_it(
        [Values("F248", "FF", "F348CDC9C90700")] string rubbish)
    {
        using var pool = new DeflatePool(new DeflateOptions { MaxPooled = 1 });
        var inflater = new MessageInflater(pool, DeflateCases.NoTakeover, Role.Server);
        var before = new MessageReader(Role.Server, new MessageLimits(), inflater: inflater);
        before.Append(DeflateCases.Frame(Opcode.Text, Convert.FromHexString(rubbish), fin: false));
        before.TryRead(out _);
        before.Dispose();
        Assert.That(pool.Count, Is.EqualTo(1));
        string outcome = ReaderCases.Read(
            DeflateCases.Frame(Opcode.Text, DeflateCases.Compress("Hello"u8)),
            inflater: () => new MessageInflater(pool, DeflateCases.NoTakeover, Role.Server));
        Assert.That(outcome, Is.EqualTo("Text:48656C6C6F"));
    }

    [Test]
    public void Nobody_sees_the_window_of_another_connection()
    {
        using var pool = new DeflatePool(new DeflateOptions { MaxPooled = 1, MinMessageBytes = 0 });
        var first = new MessageInflater(pool, DeflateCases.NoTakeover, Role.Server);
        ReaderCases.ReadChunks(DeflateCases.Frame(Opcode.Text, Convert.FromHexString("F248CDC9C90700")), [13],
            Role.Server, new MessageLimits(), () => first);
        Assert.That((first.HoldsInflater, pool.Count), Is.EqualTo((false, 1)));

        // RFC 7692 §7.2.3.2: "Hello" by reference to the message before it.
        string outcome = ReaderCases.Read(
            DeflateCases.Frame(Opcode.Text, Convert.FromHexString("F200110000")),
            inflater: () => new MessageInflater(pool, DeflateCases.NoTakeover, Role.Server));
        Assert.That(outcome, Is.EqualTo($"!{ProtocolError.InvalidDeflate}"));
    }

    [Test]
    public void Threads_may_share_it_and_a_sender_without_takeover()
    {
        using var pool = new DeflatePool(new DeflateOptions { MaxPooled = 2 });
        using var shared = new MessageDeflater(pool, DeflateCases.NoTakeover, Role.Server);
        Parallel.For(0, 200, new ParallelOptions { MaxDegreeOfParallelism = 8 }, i =>
        {
            byte[] payload = DeflateCases.Json(500 + i, i);
            byte[] frame = new byte[MessageDeflater.MaxFrameSize(payload.Length)];
            int size = shared.Write(frame, Opcode.Binary, payload);
            string outcome = ReaderCases.ReadChunks(
                frame, [size], Role.Client, new MessageLimits(),
                () => new MessageInflater(pool, DeflateCases.NoTakeover, Role.Client));
            Assert.That(outcome, Is.EqualTo($"Binary:{Convert.ToHexString(payload)}"));
        });
        Assert.That(pool.Count, Is.InRange(2, 4));
    }

    private static bool IsDisposed(Deflater deflater)
    {
        try
        {
            deflater.Deflate([1], new byte[100], keepWindow: false);
            return false;
        }
        catch (ObjectDisposedException)
        {
            return true;
        }
    }
}
