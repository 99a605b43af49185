namespace RawWs.Server.Transport;

/// <summary>What became of a message that was handed to a connection.</summary>
public enum SendResult
{
    /// <summary>Accepted; what waits to be written is below the high-water mark.</summary>
    Sent,

    /// <summary>Accepted, but the peer reads more slowly than it is sent to: wait for the drained callback.</summary>
    Backpressure,

    /// <summary>Not accepted: the outbox is full, or the connection is closing.</summary>
    Dropped,
}
