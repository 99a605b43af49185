namespace RawWs.Protocol.SocketIO;

/// <summary>Event names that the protocol and its clients keep for themselves.</summary>
public static class ReservedNames
{
    /// <summary>Whether an application may not use the name.</summary>
    public static bool Contains(string name) => name is
        "connect" or "connect_error" or "disconnect" or "disconnecting" or "newListener" or "removeListener";

    /// <inheritdoc cref="Contains(string)"/>
    public static bool Contains(ReadOnlySpan<byte> utf8Name) => utf8Name.Length switch
    {
        7 => utf8Name.SequenceEqual("connect"u8),
        10 => utf8Name.SequenceEqual("disconnect"u8),
        11 => utf8Name.SequenceEqual("newListener"u8),
        13 => utf8Name.SequenceEqual("connect_error"u8) || utf8Name.SequenceEqual("disconnecting"u8),
        14 => utf8Name.SequenceEqual("removeListener"u8),
        _ => false,
    };
}
