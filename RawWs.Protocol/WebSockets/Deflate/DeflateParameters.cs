namespace RawWs.Protocol.WebSockets.Deflate;

/// <summary>What both ends of a connection have agreed on (RFC 7692 §7.1).</summary>
/// <param name="ServerNoContextTakeover">Whether each message of the server stands alone.</param>
/// <param name="ClientNoContextTakeover">Whether each message of the client stands alone.</param>
/// <param name="ServerMaxWindowBits">The largest window of the server's as a power of two, 8 to 15.</param>
/// <param name="ClientMaxWindowBits">The largest window of the client's as a power of two, 8 to 15.</param>
public readonly record struct DeflateParameters(
    bool ServerNoContextTakeover,
    bool ClientNoContextTakeover,
    int ServerMaxWindowBits,
    int ClientMaxWindowBits)
{
    internal bool ForgetsWindow(Role sender) =>
        sender == Role.Server ? ServerNoContextTakeover : ClientNoContextTakeover;

    internal int MaxWindowBits(Role sender) =>
        sender == Role.Server ? ServerMaxWindowBits : ClientMaxWindowBits;
}
