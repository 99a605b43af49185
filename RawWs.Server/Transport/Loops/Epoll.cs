using System.ComponentModel;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace RawWs.Server.Transport.Loops;

/// <summary>What a socket has become, as epoll tells it.</summary>
[Flags]
internal enum EpollEvents : uint
{
    None = 0,
    In = 0x1,
    Out = 0x4,
    Error = 0x8,
    HangUp = 0x10,
    PeerHangUp = 0x2000,
    EdgeTriggered = 0x8000_0000,
}

/// <summary>Linux's epoll: which of many sockets have something to receive, or room to send.</summary>
/// <remarks>
/// Sockets are watched from any thread; one thread at a time waits and reads the batch that its wait has brought.
/// </remarks>
internal sealed unsafe partial class Epoll : IDisposable
{
    // Each change is told once, so that a socket costs no call of the system beyond those that move its bytes.
    private const EpollEvents Watched = EpollEvents.In | EpollEvents.Out | EpollEvents.PeerHangUp | EpollEvents.EdgeTriggered;

    private const int BatchSize = 256;
    private const int Interrupted = 4;

    // The key of no socket.
    private const ulong WakeKey = ulong.MaxValue;

    // The kernel packs its struct on x86 only.
    private static readonly bool s_isPacked = RuntimeInformation.ProcessArchitecture is Architecture.X64 or Architecture.X86;
    private static readonly int s_eventBytes = s_isPacked ? 12 : 16;
    private static readonly int s_keyAt = s_isPacked ? 4 : 8;

    private readonly byte[] _batch = GC.AllocateUninitializedArray<byte>(BatchSize * s_eventBytes, pinned: true);
    private readonly SafeFileHandle _owner;
    private readonly SafeFileHandle _wakeOwner;
    private readonly int _handle;
    private readonly int _wake;

    /// <exception cref="IOException">The process has no handle left.</exception>
    /// <exception cref="DllNotFoundException">The system's C library is not where it should be.</exception>
    public Epoll()
    {
        _handle = Check(Create(CloseOnExec));
        _owner = new SafeFileHandle(_handle, ownsHandle: true);
        _wake = Check(EventDescriptor(0, CloseOnExec | NonBlocking));
        _wakeOwner = new SafeFileHandle(_wake, ownsHandle: true);
        Control(Add, _wake, EpollEvents.In, WakeKey);
    }

    /// <summary>Tells from now on, by the key, what becomes of the socket, until it is closed.</summary>
    /// <exception cref="IOException">The system watches as many as it can.</exception>
    public void Watch(SafeSocketHandle socket, ulong key) => Control(Add, socket, key);

    /// <summary>Tells anew what the socket is.</summary>
    public void Rewatch(SafeSocketHandle socket, ulong key) => Control(Modify, socket, key);

    /// <summary>Waits until there is something to tell.</summary>
    /// <param name="milliseconds">At most so long; negative for as long as it takes.</param>
    /// <returns>The length of the batch; 0 at the end of the time, after <see cref="Wake"/> or an interruption.</returns>
    public int Wait(int milliseconds = -1)
    {
        fixed (byte* batch = _batch)
        {
            var count = Wait(_handle, batch, BatchSize, milliseconds);
            if (count < 0 && Marshal.GetLastPInvokeError() != Interrupted)
                throw LastFault();
            return Math.Max(count, 0);
        }
    }

    /// <summary>One item of the batch; <c>false</c> if it is about no socket.</summary>
    public bool TryGet(int index, out ulong key, out EpollEvents events)
    {
        var item = _batch.AsSpan(index * s_eventBytes, s_eventBytes);
        events = (EpollEvents)MemoryMarshal.Read<uint>(item);
        key = MemoryMarshal.Read<ulong>(item[s_keyAt..]);
        return key != WakeKey;
    }

    /// <summary>Ends the wait that is under way, and every later one.</summary>
    public void Wake()
    {
        ulong one = 1;
        _ = Write(_wake, &one, sizeof(ulong));
    }

    public void Dispose()
    {
        _wakeOwner.Dispose();
        _owner.Dispose();
    }

    private void Control(int operation, SafeSocketHandle socket, ulong key)
    {
        var isHeld = false;
        try
        {
            socket.DangerousAddRef(ref isHeld);
            Control(operation, (int)socket.DangerousGetHandle(), Watched, key);
        }
        finally
        {
            if (isHeld)
                socket.DangerousRelease();
        }
    }

    private void Control(int operation, int descriptor, EpollEvents events, ulong key)
    {
        Span<byte> item = stackalloc byte[s_eventBytes];
        MemoryMarshal.Write(item, (uint)events);
        MemoryMarshal.Write(item[s_keyAt..], key);
        fixed (byte* pointer = item)
            Check(Control(_handle, operation, descriptor, pointer));
    }

    private static int Check(int result) => result < 0 ? throw LastFault() : result;

    private static IOException LastFault()
    {
        var error = new Win32Exception(Marshal.GetLastPInvokeError());
        return new IOException($"epoll: {error.Message}", error);
    }

    private const int CloseOnExec = 0x80000;
    private const int NonBlocking = 0x800;
    private const int Add = 1;
    private const int Modify = 3;

    [LibraryImport("libc", EntryPoint = "epoll_create1", SetLastError = true)]
    private static partial int Create(int flags);

    [LibraryImport("libc", EntryPoint = "epoll_ctl", SetLastError = true)]
    private static partial int Control(int handle, int operation, int descriptor, byte* item);

    [LibraryImport("libc", EntryPoint = "epoll_wait", SetLastError = true)]
    private static partial int Wait(int handle, byte* batch, int size, int timeout);

    [LibraryImport("libc", EntryPoint = "eventfd", SetLastError = true)]
    private static partial int EventDescriptor(uint value, int flags);

    [LibraryImport("libc", EntryPoint = "write", SetLastError = true)]
    private static partial nint Write(int descriptor, void* bytes, nint count);
}
