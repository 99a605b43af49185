using RawWs.Protocol.WebSockets;

namespace RawWs.Server.Transport;

/// <summary>
/// One message, framed once, and compressed once for all that can share it, that can be sent to any number of connections.
/// </summary>
/// <remarks>Immutable, so safe to use from any thread.</remarks>
public sealed class PreparedMessage
{
    /// <summary>Frames a message; the payload is copied.</summary>
    /// <param name="type"><see cref="Opcode.Text"/> or <see cref="Opcode.Binary"/>.</param>
    /// <param name="payload">For a text message, UTF-8: the caller vouches for it.</param>
    /// <exception cref="ArgumentOutOfRangeException">The type is not one of a message.</exception>
    public PreparedMessage(Opcode type, ReadOnlySpan<byte> payload)
    {
        if (type is not (Opcode.Text or Opcode.Binary))
            throw new ArgumentOutOfRangeException(nameof(type), type, "A message is Text or Binary.");
        var frame = new byte[FrameWriter.FrameSize(payload.Length, Role.Server)];
        FrameWriter.Write(frame, type, payload);
        Frame = frame;
    }

    internal ReadOnlyMemory<byte> Frame { get; }

    internal CompressedFrames Compressed { get; } = new();
}
