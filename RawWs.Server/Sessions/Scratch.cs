using System.Buffers;

namespace RawWs.Server.Sessions;

/// <summary>The thread's own buffer for a packet that is copied into its frame as soon as it is written.</summary>
internal static class Scratch
{
    private const int FirstBytes = 512;

    // A thread does not keep what one large packet has needed.
    private const int MaxKeptBytes = 64 * 1024;

    [ThreadStatic]
    private static ArrayBufferWriter<byte>? s_ofThread;

    /// <summary>An empty buffer, the caller's until it is given back.</summary>
    public static ArrayBufferWriter<byte> Take()
    {
        var scratch = s_ofThread ?? new ArrayBufferWriter<byte>(FirstBytes);
        s_ofThread = null;
        return scratch;
    }

    /// <summary>Gives a buffer back to whichever thread is the caller's.</summary>
    public static void Return(ArrayBufferWriter<byte> scratch)
    {
        if (scratch.Capacity > MaxKeptBytes)
            return;
        scratch.ResetWrittenCount();
        s_ofThread = scratch;
    }
}
