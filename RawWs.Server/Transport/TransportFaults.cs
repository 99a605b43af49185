using System.Net.Sockets;

namespace RawWs.Server.Transport;

/// <summary>The exceptions by which a carrier of bytes says that it is broken or closed.</summary>
internal static class TransportFaults
{
    public static bool Includes(Exception exception) =>
        exception is SocketException or IOException or ObjectDisposedException or OperationCanceledException;
}
