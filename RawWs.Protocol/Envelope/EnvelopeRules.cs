namespace RawWs.Protocol.Envelope;

/// <summary>The rules of the dialect that reach beyond one envelope: who may say what, and when.</summary>
public static class EnvelopeRules
{
    /// <summary>Whether an event name belongs to the dialect, so that no application may emit or receive it.</summary>
    public static bool IsReserved(ReadOnlySpan<byte> name) => name.Length switch
    {
        7 => name.SequenceEqual("connect"u8),
        10 => name.SequenceEqual("disconnect"u8),
        11 => name.SequenceEqual("newListener"u8),
        13 => name.SequenceEqual("connect_error"u8) || name.SequenceEqual("disconnecting"u8),
        14 => name.SequenceEqual("removeListener"u8),
        _ => false,
    };

    /// <summary>Checks a client's envelope against the state of its connection.</summary>
    /// <param name="packet">The envelope as it was read.</param>
    /// <param name="connected">Whether the client is connected to the namespace.</param>
    /// <param name="action">What the client wants, if there is no error.</param>
    /// <returns>The rule that it breaks, or <see cref="EnvelopeError.None"/>.</returns>
    public static EnvelopeError Check(in EnvelopePacket packet, bool connected, out EnvelopeAction action)
    {
        ReadOnlySpan<byte> name = packet.Name.Span;
        if (packet.Kind != EnvelopeKind.Event)
        {
            action = EnvelopeAction.Ack;
            return EnvelopeError.None;
        }

        if (!IsReserved(name))
        {
            action = EnvelopeAction.Event;
            return EnvelopeError.None;
        }

        if (name.SequenceEqual("disconnect"u8))
        {
            action = EnvelopeAction.Disconnect;
            return EnvelopeError.None;
        }

        action = EnvelopeAction.Connect;
        if (!name.SequenceEqual("connect"u8))
            return EnvelopeError.ReservedEvent;
        if (connected)
            return EnvelopeError.AlreadyConnected;

        bool isAuth = packet.Count == 0 || (packet.Count == 1 && packet.Values.Span[0] == (byte)'{');
        return isAuth ? EnvelopeError.None : EnvelopeError.InvalidAuth;
    }
}
