using System.Net.Sockets;
using System.Runtime.InteropServices;

namespace RawWs.Server.Transport.Loops;

/// <summary>Linux's recv and send as calls that never wait, whatever the mode of the socket.</summary>
/// <remarks>
/// <see cref="Socket"/>'s own need it in non-blocking mode, and then keep with every socket what they would need to wait: 220
/// bytes for which an event loop has no use.
/// </remarks>
internal static partial class SocketCalls
{
    public const int DontWait = 0x40;
    public const int NoSignal = 0x4000;
    public const int Interrupted = 4;

    /// <summary>Receives what there is.</summary>
    /// <returns>How many bytes, 0 at the end of the stream; -1 if there is nothing yet.</returns>
    /// <exception cref="SocketException">The connection is broken.</exception>
    /// <exception cref="ObjectDisposedException">The socket is closed.</exception>
    public static int Receive(SafeSocketHandle socket, Span<byte> buffer)
    {
        while (true)
        {
            var count = Receive(socket, ref MemoryMarshal.GetReference(buffer), buffer.Length, DontWait);
            if (count >= 0 || !MustRepeat())
                return (int)count;
        }
    }

    /// <summary>Sends as much as the system takes at once.</summary>
    /// <returns>How many bytes; -1 if there is no room yet.</returns>
    /// <exception cref="SocketException">The connection is broken.</exception>
    /// <exception cref="ObjectDisposedException">The socket is closed.</exception>
    public static int Send(SafeSocketHandle socket, ReadOnlySpan<byte> bytes)
    {
        while (true)
        {
            var count = Send(socket, ref MemoryMarshal.GetReference(bytes), bytes.Length, DontWait | NoSignal);
            if (count >= 0 || !MustRepeat())
                return (int)count;
        }
    }

    /// <summary>Sends as much of two buffers, one behind the other, as the system takes at once.</summary>
    /// <inheritdoc cref="Send(SafeSocketHandle, ReadOnlySpan{byte})"/>
    public static unsafe int Send(SafeSocketHandle socket, ReadOnlySpan<byte> first, ReadOnlySpan<byte> second)
    {
        fixed (byte* firstBytes = first, secondBytes = second)
        {
            var buffers = stackalloc Buffer[2];
            (buffers[0], buffers[1]) = (new(firstBytes, first.Length), new(secondBytes, second.Length));
            var message = new Message { Buffers = buffers, BufferCount = 2 };
            while (true)
            {
                var count = Send(socket, &message, DontWait | NoSignal);
                if (count >= 0 || !MustRepeat())
                    return (int)count;
            }
        }
    }

    // What a call that has returned -1 means.
    private static bool MustRepeat() => Marshal.GetLastPInvokeError() switch
    {
        Interrupted => true,
        TryAgain => false,
        BrokenPipe => throw new SocketException((int)SocketError.Shutdown),
        ConnectionReset => throw new SocketException((int)SocketError.ConnectionReset),
        TimedOut => throw new SocketException((int)SocketError.TimedOut),
        HostUnreachable => throw new SocketException((int)SocketError.HostUnreachable),
        _ => throw new SocketException((int)SocketError.SocketError),
    };

    private const int TryAgain = 11;
    private const int BrokenPipe = 32;
    private const int ConnectionReset = 104;
    private const int TimedOut = 110;
    private const int HostUnreachable = 113;

    [LibraryImport("libc", EntryPoint = "recv", SetLastError = true)]
    private static partial nint Receive(SafeSocketHandle socket, ref byte buffer, nint size, int flags);

    [LibraryImport("libc", EntryPoint = "send", SetLastError = true)]
    private static partial nint Send(SafeSocketHandle socket, ref byte buffer, nint size, int flags);

    [LibraryImport("libc", EntryPoint = "sendmsg", SetLastError = true)]
    private static unsafe partial nint Send(SafeSocketHandle socket, Message* message, int flags);

    /// <summary>struct iovec.</summary>
    private unsafe struct Buffer(byte* bytes, nint length)
    {
        public byte* Bytes = bytes;
        public nint Length = length;
    }

    /// <summary>struct msghdr, whose lengths are padded to the size of a pointer.</summary>
    private unsafe struct Message
    {
        public void* Name;
        public nint NameLength;
        public Buffer* Buffers;
        public nint BufferCount;
        public void* Control;
        public nint ControlLength;
        public nint Flags;
    }
}
