namespace RawWs.Protocol.WebSockets;

/// <summary>Which end of a connection this is. A client masks its frames, a server does not (RFC 6455 §5.1).</summary>
public enum Role : byte
{
    /// <summary>Receives masked frames, sends unmasked ones.</summary>
    Server,

    /// <summary>Receives unmasked frames, sends masked ones.</summary>
    Client,
}
