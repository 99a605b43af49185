using System.Buffers;
using RawWs.Protocol;
using RawWs.Protocol.WebSockets.Deflate;

namespace RawWs.Tests.Protocol.WebSockets.Deflate;

public sealed class InflaterTests
{
    private static readonly byte[] Runs = DeflateCases.Compress(new byte[10_000]);

    [Test]
    public void Each_byte_gives_all_the_output_that_it_can([Values(256, 300, 1000, 2047, 5000)] int limit)
    {
        // A few bits stand for 258 bytes, so that the output is full while there is no more input.
        Assert.That(BytesUntilAbove(limit, limit), Is.EqualTo(BytesUntilAbove(limit, 20_000)));
    }

    [Test]
    public void What_was_inflated_before_the_limit_is_in_the_output()
    {
        using var inflater = new Inflater(15);
        var output = new PieceBuffer(ArrayPool<byte>.Shared);
        byte[] text = DeflateCases.Json(1000);
        ProtocolError error = inflater.Inflate(DeflateCases.Compress(text), ref output, 700);
        Assert.That(error, Is.EqualTo(ProtocolError.MessageTooBig));
        Assert.That(output.Join().ToArray(), Is.EqualTo(text[..700]));
    }

    /// <summary>How many bytes of input it takes until the output is above a mark or over the limit.</summary>
    private static int BytesUntilAbove(int mark, int limit)
    {
        using var inflater = new Inflater(15);
        var output = new PieceBuffer(ArrayPool<byte>.Shared);
        output.GetFree(20_000, 20_000);
        for (int i = 0; i < Runs.Length; i++)
        {
            ProtocolError error = inflater.Inflate(Runs.AsSpan(i, 1), ref output, limit);
            if (error == ProtocolError.MessageTooBig || output.Length > mark)
            {
                return i + 1;
            }
        }

        return -1;
    }
}
