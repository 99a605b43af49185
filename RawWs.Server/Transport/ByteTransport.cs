using System.Net;
using RawWs.Server.Transport.Loops;

namespace RawWs.Server.Transport;

/// <summary>The two byte streams of one connection: the seam between the protocol and what carries it.</summary>
/// <remarks>
/// One receive and one send may be under way at a time, each from any thread. A fault of the carrier is an
/// <see cref="IOException"/>, a <see cref="System.Net.Sockets.SocketException"/> or an <see cref="ObjectDisposedException"/>.
/// </remarks>
internal abstract class ByteTransport
{
    /// <summary>The peer's address, if the carrier knows it.</summary>
    public abstract EndPoint? RemoteEndPoint { get; }

    /// <summary>Whether the bytes are encrypted.</summary>
    public abstract bool IsSecure { get; }

    /// <summary>
    /// Receives at least one byte, or 0 at the end of the stream. With an empty buffer it completes with 0 when
    /// there is something to receive, and takes nothing; seldom also when there is nothing any more.
    /// </summary>
    /// <remarks>
    /// A cancelled receive has taken nothing, and another may follow. A carrier that cannot promise that does not cancel.
    /// </remarks>
    public abstract ValueTask<int> ReceiveAsync(Memory<byte> buffer, CancellationToken cancellationToken = default);

    /// <summary>
    /// Receives as <see cref="ReceiveAsync"/> does what nobody will look at, at the end of a connection: there is no
    /// other receive after it.
    /// </summary>
    public virtual ValueTask<int> DiscardAsync(Memory<byte> scratch) => ReceiveAsync(scratch);

    /// <summary>Whether a receive would complete at once: there are bytes, or the end of the stream.</summary>
    public abstract bool IsReadable { get; }

    /// <summary>Whether to wait with an empty buffer costs nothing, so that nobody needs to hold one meanwhile.</summary>
    public virtual bool WaitsWithoutBuffer => false;

    /// <summary>
    /// Goes on on the thread on which its receives complete, if the carrier has one. No send may be under way.
    /// </summary>
    public virtual LoopAwaitable ReturnToLoop() => default;

    /// <summary>Sends what is taken at once of two buffers, as if they were one.</summary>
    /// <returns>How many bytes, always 0 if the carrier has no such way; the caller sends the rest.</returns>
    public virtual int TrySend(ReadOnlySpan<byte> first, ReadOnlySpan<byte> second) => 0;

    /// <summary>Sends the whole buffer.</summary>
    public abstract ValueTask SendAsync(ReadOnlyMemory<byte> buffer);

    /// <summary>Ends the sending direction after what was sent; receiving goes on.</summary>
    public abstract void ShutdownSend();

    /// <summary>Ends the receiving direction: a receive that waits completes with 0.</summary>
    /// <remarks>Where the carrier cannot do that, the receive goes on until <see cref="Close"/>.</remarks>
    public abstract void ShutdownReceive();

    /// <summary>Ends both directions and frees the carrier; what waits fails, and what was not sent yet is lost.
    /// May be called more than once.</summary>
    public abstract void Close();
}
