namespace RawWs.Protocol.WebSockets;

/// <summary>The status code of a close frame (RFC 6455 §7.4.1 and the IANA registry).</summary>
/// <remarks>Codes 3000–4999 are legal on the wire too and belong to libraries and applications.</remarks>
public enum CloseCode : ushort
{
    /// <summary>The purpose of the connection is fulfilled.</summary>
    NormalClosure = 1000,

    /// <summary>The endpoint goes away: a server stops, a page is left.</summary>
    GoingAway = 1001,

    /// <summary>A frame or message rule was broken.</summary>
    ProtocolError = 1002,

    /// <summary>A type of data that the endpoint does not accept.</summary>
    UnsupportedData = 1003,

    /// <summary>Never on the wire: the close frame carried no code.</summary>
    NoStatusReceived = 1005,

    /// <summary>Never on the wire: the connection ended without a close frame.</summary>
    AbnormalClosure = 1006,

    /// <summary>Data that does not fit the type of the message: text that is not UTF-8.</summary>
    InvalidPayloadData = 1007,

    /// <summary>A message that breaks a policy of the endpoint.</summary>
    PolicyViolation = 1008,

    /// <summary>A message larger than the endpoint takes.</summary>
    MessageTooBig = 1009,

    /// <summary>The server did not negotiate an extension that the client needs.</summary>
    MandatoryExtension = 1010,

    /// <summary>The server met a condition that it did not expect.</summary>
    InternalError = 1011,

    /// <summary>The service restarts; clients may reconnect.</summary>
    ServiceRestart = 1012,

    /// <summary>The server is overloaded; clients may reconnect later.</summary>
    TryAgainLater = 1013,

    /// <summary>A gateway got an invalid answer from its upstream.</summary>
    BadGateway = 1014,
}
