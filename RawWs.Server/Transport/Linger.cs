using System.Buffers;

namespace RawWs.Server.Transport;

/// <summary>The end of a connection that has said its last: it takes in what the peer had still under way.</summary>
internal static class Linger
{
    /// <summary>
    /// Receives and discards until the peer ends its side or the bound is met. A socket that is closed with input
    /// unread sends a reset, and a reset may overtake the last bytes to the peer. The caller bounds the time.
    /// </summary>
    /// <param name="transport">The connection.</param>
    /// <param name="maxBytes">The bound.</param>
    /// <param name="readable">An empty receive that is under way already, if one is.</param>
    public static async Task DrainAsync(ByteTransport transport, long maxBytes, Task<int>? readable = null)
    {
        for (long total = 0; total < maxBytes;)
        {
            // Most peers just end their side: a buffer is held only while there is something to take in.
            if (readable is not null)
                // What has gone wrong with it does not matter any more, if the carrier lives.
                await ((Task)readable).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            else
                await transport.DiscardAsync(Memory<byte>.Empty).ConfigureAwait(false);
            readable = null;
            var buffer = ArrayPool<byte>.Shared.Rent(16 * 1024);
            try
            {
                var count = await transport.DiscardAsync(buffer).ConfigureAwait(false);
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
