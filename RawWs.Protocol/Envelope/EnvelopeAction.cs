namespace RawWs.Protocol.Envelope;

/// <summary>What a client wants with an envelope.</summary>
public enum EnvelopeAction : byte
{
    /// <summary>To connect: the auth data is the only value, an object, or absent.</summary>
    Connect,

    /// <summary>To have an event of the application handled.</summary>
    Event,

    /// <summary>To answer an event of the server.</summary>
    Ack,

    /// <summary>To leave. Values are ignored.</summary>
    Disconnect,
}
