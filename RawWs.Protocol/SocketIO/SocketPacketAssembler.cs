namespace RawWs.Protocol.SocketIO;

/// <summary>Puts packets and the binary messages that follow them together. Not thread-safe.</summary>
/// <remarks>After an error it is of no more use, and holds nothing.</remarks>
public sealed class SocketPacketAssembler(SocketPacketLimits limits)
{
    private SocketPacket _waiting;
    private ReadOnlyMemory<byte>[] _attachments = [];
    private int _received;
    private long _bytes;

    /// <summary>
    /// The attachments of the packet that was completed last; it belongs to the caller, who may keep it.
    /// </summary>
    public ReadOnlyMemory<byte>[] Attachments { get; private set; } = [];

    private bool IsWaiting => _received < _attachments.Length;

    /// <summary>A text message has come in.</summary>
    /// <param name="text">The packet without the type of Engine.IO: valid UTF-8. Copied if it has to wait.</param>
    /// <param name="packet">The packet, if it is complete; it may refer to <paramref name="text"/>.</param>
    /// <param name="isComplete">False if the packet waits for its attachments.</param>
    public SocketPacketError AddText(ReadOnlyMemory<byte> text, out SocketPacket packet, out bool isComplete)
    {
        packet = default;
        isComplete = false;
        if (IsWaiting)
            return Fail(SocketPacketError.AttachmentMissing);
        if (SocketPacketReader.TryRead(text, limits, out packet) is var error and not SocketPacketError.None)
            return Fail(error);
        isComplete = packet.AttachmentCount == 0;
        Attachments = [];
        if (isComplete)
            return SocketPacketError.None;
        if (text.Length > limits.MaxPacketBytes)
            return Fail(SocketPacketError.TooLarge);

        // The text is gone by the time of the last attachment.
        _ = SocketPacketReader.TryRead(text.ToArray(), limits, out _waiting);
        (_attachments, _received, _bytes) =
            (new ReadOnlyMemory<byte>[packet.AttachmentCount], 0, text.Length);
        return SocketPacketError.None;
    }

    /// <summary>A binary message has come in.</summary>
    /// <param name="payload">Copied.</param>
    /// <param name="packet">The packet, if this was the last of its attachments.</param>
    /// <param name="isComplete">Whether it was.</param>
    public SocketPacketError AddBinary(ReadOnlyMemory<byte> payload, out SocketPacket packet, out bool isComplete)
    {
        packet = default;
        isComplete = false;
        if (!IsWaiting)
            return Fail(SocketPacketError.UnexpectedAttachment);
        _bytes += payload.Length;
        if (_bytes > limits.MaxPacketBytes)
            return Fail(SocketPacketError.TooLarge);
        _attachments[_received++] = payload.ToArray();
        if (IsWaiting)
            return SocketPacketError.None;

        isComplete = true;
        packet = _waiting;
        Attachments = _attachments;
        Forget();
        return SocketPacketError.None;
    }

    /// <summary>Forgets what waits.</summary>
    public void Clear() => Fail(SocketPacketError.None);

    private SocketPacketError Fail(SocketPacketError error)
    {
        Forget();
        Attachments = [];
        return error;
    }

    private void Forget() => (_waiting, _attachments, _received, _bytes) = (default, [], 0, 0);
}
