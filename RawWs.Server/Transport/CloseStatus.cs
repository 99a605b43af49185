using RawWs.Protocol.WebSockets;
using RawWs.Server.Sessions;

namespace RawWs.Server.Transport;

/// <summary>How a WebSocket connection ended.</summary>
/// <param name="Code">
/// The code of the first close frame, the peer's or ours; <see cref="CloseCode.NoStatusReceived"/> when it carried
/// none and <see cref="CloseCode.AbnormalClosure"/> when the connection ended without one.
/// </param>
/// <param name="Reason">The reason in that close frame, or an empty string.</param>
/// <param name="Cause">Which party or fault ended it.</param>
public readonly record struct CloseStatus(CloseCode Code, string Reason, DisconnectReason Cause);
