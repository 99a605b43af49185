using RawWs.Protocol.Http;
using RawWs.Protocol.WebSockets;
using RawWs.Protocol.WebSockets.Deflate;
using RawWs.Server;
using RawWs.Server.Diagnostics;
using RawWs.Server.Transport;
using RawWs.Tests.Protocol.WebSockets.Deflate;

namespace RawWs.Tests.Server.Transport;

/// <summary>What a server grants of compression, and what its connections share.</summary>
public class ServerDeflateTests
{
    private readonly ServerMetrics _metrics = new();

    [OneTimeTearDown]
    public void DisposeMetrics() => _metrics.Dispose();

    [Test]
    public void Context_takeover_is_granted_while_the_bound_allows_it_and_again_when_a_connection_has_ended()
    {
        using var server = Create(takeover: true, maxContexts: 3);
        var first = Accept(server);
        Assert.That(first.Answer, Is.EqualTo("permessage-deflate"));
        Assert.That((first.Own, first.Shared), Is.EqualTo((first.Own, (MessageDeflater?)null)));
        Assert.That(Accept(server).Answer, Does.EndWith("; server_no_context_takeover; client_no_context_takeover"));
        // One direction still fits.
        Assert.That(
            Accept(server, "permessage-deflate; server_no_context_takeover").Answer,
            Is.EqualTo("permessage-deflate; server_no_context_takeover"));

        first.Dispose();
        first.Dispose();
        Assert.That(Accept(server).Answer, Is.EqualTo("permessage-deflate"));
        Assert.That(Accept(server).Answer, Does.Contain("no_context_takeover"), "disposed of twice, it counts once");
    }

    [Test]
    public void Connections_without_takeover_share_the_deflater_of_their_window()
    {
        using var server = Create(takeover: false, maxContexts: 0);
        var one = Accept(server);
        Assert.That(one.Own, Is.Null);
        Assert.That(Accept(server).Shared, Is.SameAs(one.Shared));
        Assert.That(Accept(server, "permessage-deflate; server_max_window_bits=9").Shared, Is.Not.SameAs(one.Shared));
    }

    [Test]
    public void Frames_are_compressed_once_for_all_that_share_a_deflater()
    {
        using var server = Create(takeover: false, maxContexts: 0);
        var (wide, narrow) = (Accept(server).Shared!, Accept(server, "permessage-deflate; server_max_window_bits=9").Shared!);
        var plain = new PreparedMessage(Opcode.Text, DeflateCases.Json(5000)).Frame;
        var forms = new CompressedFrames();
        var compressed = CompressedFrames.Get(forms, plain, wide);
        Assert.That(compressed.Length, Is.LessThan(plain.Length));
        Assert.That(CompressedFrames.Get(forms, plain, wide), Is.EqualTo(compressed), "the same memory");
        Assert.That(CompressedFrames.Get(forms, plain, narrow), Is.Not.EqualTo(compressed));
        Assert.That(CompressedFrames.Get(null, plain, wide).Span.SequenceEqual(compressed.Span), Is.True);
        Assert.That(CompressedFrames.Get(CompressedFrames.Never, plain, wide), Is.EqualTo(plain));
    }

    [Test]
    public void Several_frames_are_compressed_each_and_small_ones_stay_as_they_are()
    {
        using var server = Create(takeover: false, maxContexts: 0);
        byte[] tiny = [.. new PreparedMessage(Opcode.Text, "451-[\"x\"]"u8).Frame.Span];
        var large = new PreparedMessage(Opcode.Binary, DeflateCases.Json(5000)).Frame;
        var compressed = CompressedFrames.Get(null, (byte[])[.. tiny, .. large.Span], Accept(server).Shared!).Span;
        Assert.That(compressed[..tiny.Length].SequenceEqual(tiny), Is.True);
        compressed = compressed[tiny.Length..];
        Assert.That(FrameHeader.TryRead(compressed, out var header), Is.True);
        Assert.That((header.Opcode, header.ReservedBits), Is.EqualTo((Opcode.Binary, FrameHeader.Rsv1)));
        Assert.That(header.Size + header.PayloadLength, Is.EqualTo(compressed.Length));
        Assert.That(DeflateCases.Decompress(compressed[header.Size..]), Is.EqualTo(DeflateCases.Json(5000)));
        Assert.That(CompressedFrames.Get(null, tiny, Accept(server).Shared!), Is.EqualTo((ReadOnlyMemory<byte>)tiny));
    }

    [Test]
    public void Server_that_wants_none_has_none() =>
        Assert.That(ServerDeflate.TryCreate(new ServerOptions(), _metrics), Is.Null);

    private static ConnectionDeflate Accept(ServerDeflate server, string offer = "permessage-deflate")
    {
        List<ExtensionOffer> offers = [];
        Assert.That(ExtensionListReader.TryRead(offer, offers), Is.True);
        return server.TryAccept(offers)!;
    }

    private ServerDeflate Create(bool takeover, int maxContexts) => ServerDeflate.TryCreate(
        new ServerOptions
        {
            Deflate = new DeflateOptions { ServerNoContextTakeover = !takeover, ClientNoContextTakeover = !takeover },
            MaxDeflateContexts = maxContexts,
        },
        _metrics)!;
}
