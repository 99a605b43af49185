namespace RawWs.Server.Events;

/// <summary>An event that clients who are cut off may get later.</summary>
/// <param name="sequence">Its place among all kept events of the node.</param>
/// <param name="message">The event.</param>
/// <param name="bytes">What it costs.</param>
/// <param name="keptAt">When it was sent, as a timestamp of the server's clock.</param>
internal sealed class KeptEvent(long sequence, OutboundMessage message, long bytes, long keptAt)
{
    private volatile OutboundMessage? _message = message;

    public long Sequence => sequence;

    public long Bytes => bytes;

    public long KeptAt => keptAt;

    /// <summary>The event; null once it had to go.</summary>
    public OutboundMessage? Message => _message;

    public void Evict() => _message = null;
}
