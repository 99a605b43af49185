using System.Net.Sockets;
using System.Runtime.InteropServices;

namespace RawWs.Server.Transport;

/// <summary>The last handles of the process, which connections leave to everything else.</summary>
/// <remarks>
/// The runtime needs handles of its own, for each of its threads among others, and ends the process where it gets
/// none. The system always gives the lowest free one, so its number tells how many are left.
/// </remarks>
internal sealed partial class HandleReserve(int size)
{
    private const int OpenFiles = 7;

    private readonly long _end = LimitOfProcess() - size;
    private long _last;

    /// <exception cref="IOException">Only the reserve is left.</exception>
    public void ThrowIfReached()
    {
        if (_last < _end)
            return;
        using var probe = File.OpenHandle("/dev/null");
        _last = probe.DangerousGetHandle();
        if (_last >= _end)
            throw new IOException("Too few open handles are left.");
    }

    public void OnAccepted(Socket socket) => _last = socket.Handle;

    private static long LimitOfProcess() =>
        OperatingSystem.IsLinux() && GetLimit(OpenFiles, out var limit) == 0
            ? (long)Math.Min(limit.Current, int.MaxValue)
            : long.MaxValue;

    [LibraryImport("libc", EntryPoint = "getrlimit")]
    private static partial int GetLimit(int resource, out Limit limit);

    private readonly record struct Limit(ulong Current, ulong Most);
}
