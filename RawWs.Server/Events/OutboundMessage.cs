using RawWs.Server.Transport;

namespace RawWs.Server.Events;

/// <summary>
/// One event on its way out: encoded once, framed once per wire format, however many receive it.
/// </summary>
/// <remarks>Immutable once it is sent, and safe to share between threads.</remarks>
internal sealed class OutboundMessage(string namespaceName, string name, EventArguments arguments)
{
    private const int FormatCount = (int)WireFormat.SocketIoPolling + 1;

    // Most receivers speak one format, and most messages have one receiver.
    private WireFormat _firstFormat;
    private ReadOnlyMemory<byte> _firstFrames;
    private ReadOnlyMemory<byte>[]? _otherFrames;
    private CompressedFrames? _compressed;

    /// <summary>The namespace whose event it is.</summary>
    public string NamespaceName { get; } = namespaceName;

    /// <summary>The name of the event.</summary>
    public string Name { get; } = name;

    /// <summary>The arguments, as JSON.</summary>
    public EventArguments Arguments { get; } = arguments;

    /// <summary>May be dropped when the receiver is not ready for it.</summary>
    public bool IsVolatile { get; init; }

    /// <summary>Not worth compressing.</summary>
    public bool IsIncompressible { get; init; }

    /// <summary>The id under which receivers shall answer; null if no ack is wanted.</summary>
    /// <remarks>Unique in the namespace, so that the same bytes serve every receiver.</remarks>
    public long? AckId { get; init; }

    /// <summary>
    /// What a client over Socket.IO is told of its place among the events that it may recover; null if it is none. Set
    /// before the message is sent.
    /// </summary>
    public string? Offset { get; set; }

    /// <summary>The event as it is kept for clients that are cut off; null if it is not.</summary>
    public KeptEvent? Kept { get; set; }

    /// <summary>Who takes the answers to <see cref="AckId"/>.</summary>
    public AckCollector? Acks { get; init; }

    /// <summary>The bytes of every wire format as they are compressed for its receivers.</summary>
    public CompressedFrames Compressed => IsIncompressible
        ? CompressedFrames.Never
        : LazyInitializer.EnsureInitialized(ref _compressed, static () => new());

    /// <summary>
    /// The bytes for one wire format, made by <paramref name="encode"/> at the first call for it.
    /// </summary>
    /// <param name="format">The format of the receiver.</param>
    /// <param name="encode">
    /// Makes the whole frames, never to be written to again. It calls nothing of the user's.
    /// </param>
    public ReadOnlyMemory<byte> GetFrames(
        WireFormat format, Func<OutboundMessage, ReadOnlyMemory<byte>> encode)
    {
        lock (this)
        {
            if (_firstFrames.IsEmpty)
            {
                _firstFormat = format;
                return _firstFrames = encode(this);
            }

            if (_firstFormat == format)
                return _firstFrames;
            ref var frames = ref (_otherFrames ??= new ReadOnlyMemory<byte>[FormatCount])[(int)format];
            if (frames.IsEmpty)
                frames = encode(this);
            return frames;
        }
    }
}
