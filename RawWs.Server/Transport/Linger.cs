using System.Buffers;

namespace RawWs.Server.Transport;

/// <summary>The end of a connection that has said its last: it takes in what the peer had still under way.</summary>
internal static class Linger
{
    /// <summary>
    /// Receives and discards until the peer ends its side or the bound is met. A socket that is closed with input
    /// unread sends a reset, and a reset may overtake the last bytes to the peer. The caller bounds the time.
    /// </summary>
    public static async Task DrainAsync(ByteTransport transport, long maxBytes)
    {
        for (long total = 0; total < maxBytes;)
        {
            // Most peers just end their side: a buffer is held only while there is something to take in.
            await transport.ReceiveAsync(Memory<byte>.Empty).ConfigureAwait(false);
            var buffer = ArrayPool<byte>.Shared.Rent(16 * 1024);
            try
            {
                var count = await transport.ReceiveAsync(buffer).ConfigureAwait(false);
                if (count == 0)
                    return;
                total += count;
            }
            finally
            {
                ArrayPool<byte>.Shared.Return(buffer);
            }
        }
    }
}
