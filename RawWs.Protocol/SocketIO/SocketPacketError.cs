namespace RawWs.Protocol.SocketIO;

/// <summary>How a peer can break a rule of Socket.IO's packets. Each ends the connection.</summary>
public enum SocketPacketError
{
    /// <summary>None.</summary>
    None,

    /// <summary>The packet is empty, or its type is no digit from 0 to 6.</summary>
    UnknownType,

    /// <summary>The number of attachments is missing, malformed or zero.</summary>
    InvalidAttachmentCount,

    /// <summary>More attachments than the limit.</summary>
    TooManyAttachments,

    /// <summary>The ack id is above 2^53 − 1, or an answer in binary has none.</summary>
    InvalidAckId,

    /// <summary>The payload is not JSON, or nested too deep.</summary>
    InvalidJson,

    /// <summary>The payload is not what packets of this type carry.</summary>
    InvalidPayload,

    /// <summary>The name of the event is kept for the protocol itself, is too long, or cannot be decoded.</summary>
    InvalidName,

    /// <summary>A placeholder is malformed, or names an attachment that the packet does not have.</summary>
    InvalidPlaceholder,

    /// <summary>A text packet came where an attachment was due.</summary>
    AttachmentMissing,

    /// <summary>A binary message came that no packet has announced.</summary>
    UnexpectedAttachment,

    /// <summary>The packet with its attachments is larger than the limit.</summary>
    TooLarge,
}
