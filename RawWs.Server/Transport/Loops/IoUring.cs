using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace RawWs.Server.Transport.Loops;

/// <summary>Linux's io_uring, as far as it makes many sends that never wait one call of the system.</summary>
/// <remarks>
/// Belongs to the thread that has created it. What that one does not dispose of when it ends, the collector frees; how many there
/// may be is bounded.
/// </remarks>
internal sealed unsafe partial class IoUring : IDisposable
{
    /// <summary>The result of a send that was submitted, and of which the system has not said what became.</summary>
    public const int Unknown = int.MinValue;

    // More than event loops and those who send to many beside them; a thread without one sends to each.
    private static readonly int s_maxRings = Math.Max(16, 4 * Environment.ProcessorCount);

    private static int s_rings;

    // The process may not have any, and need not ask again.
    private static volatile bool s_isForbidden;

    private readonly Descriptor _owner;
    private readonly MappedMemory _ringsOwner;
    private readonly MappedMemory _entriesOwner;
    private readonly Entry* _entries;
    private readonly int _handle;
    private readonly uint* _head;
    private readonly uint* _tail;
    private readonly uint _mask;
    private readonly uint* _completionHead;
    private readonly uint* _completionTail;
    private readonly Completion* _completions;
    private readonly uint _completionMask;

    private IoUring(Descriptor owner, in Parameters parameters)
    {
        _owner = owner;
        _handle = (int)owner.DangerousGetHandle();
        var ringBytes = Math.Max(
            parameters.Submission.Array + (parameters.SubmissionEntries * sizeof(uint)),
            parameters.Completion.Completions + (parameters.CompletionEntries * (uint)sizeof(Completion)));
        _ringsOwner = MappedMemory.Map(ringBytes, owner, RingsOffset);
        _entriesOwner = MappedMemory.Map(parameters.SubmissionEntries * (uint)sizeof(Entry), owner, EntriesOffset);

        var rings = (byte*)_ringsOwner.DangerousGetHandle();
        _entries = (Entry*)_entriesOwner.DangerousGetHandle();
        _head = (uint*)(rings + parameters.Submission.Head);
        _tail = (uint*)(rings + parameters.Submission.Tail);
        _mask = *(uint*)(rings + parameters.Submission.Mask);
        _completionHead = (uint*)(rings + parameters.Completion.Head);
        _completionTail = (uint*)(rings + parameters.Completion.Tail);
        _completionMask = *(uint*)(rings + parameters.Completion.Mask);
        _completions = (Completion*)(rings + parameters.Completion.Completions);
        // Each place of the ring stands for the entry of the same number, once and for all.
        var array = new Span<uint>(rings + parameters.Submission.Array, (int)parameters.SubmissionEntries);
        for (var i = 0; i < array.Length; i++)
            array[i] = (uint)i;
    }

    /// <returns>
    /// Null where the system is too old (before Linux 6.1) or does not allow it, has no handle or memory left, or there are
    /// enough.
    /// </returns>
    public static IoUring? TryCreate(int entries)
    {
        if (s_isForbidden || Volatile.Read(ref s_rings) >= s_maxRings)
            return null;
        if (!OperatingSystem.IsLinux() || !Environment.Is64BitProcess)
        {
            s_isForbidden = true;
            return null;
        }

        Descriptor? owner = null;
        try
        {
            // All are submitted though one fails; one thread does that, and is not interrupted by what completes.
            const uint SubmitAll = 1 << 7;
            const uint SingleIssuer = 1 << 12;
            const uint DeferTaskRun = 1 << 13;
            var parameters = new Parameters { Flags = SubmitAll | SingleIssuer | DeferTaskRun };
            var handle = Call(SetupNumber, entries, (nint)(&parameters), 0, 0, 0, 0);
            if (handle < 0)
            {
                s_isForbidden = Marshal.GetLastPInvokeError() is NotPermitted or AccessDenied or InvalidArgument or NoSuchCall;
                return null;
            }

            owner = new Descriptor(handle);
            return new IoUring(owner, parameters);
        }
        catch (Exception e) when (e is IOException or OutOfMemoryException)
        {
            owner?.Dispose();
            return null;
        }
    }

    /// <summary>Makes the sends, without waiting: each has been made, or not, when this returns.</summary>
    /// <param name="requests">At most as many as the ring has entries. What they point at stays where it is meanwhile.</param>
    /// <returns>False if the result of some is <see cref="Unknown"/>, after which the ring is of no use.</returns>
    public bool Submit(Span<Request> requests)
    {
        var first = *_tail;
        var tail = first;
        for (var i = 0; i < requests.Length; i++)
        {
            if (requests[i].Length > 0)
                _entries[tail++ & _mask] = Entry.Send(requests[i], i);
        }

        Volatile.Write(ref *_tail, tail);
        uint taken;
        while ((taken = Volatile.Read(ref *_head)) != tail)
        {
            const int GetEvents = 1;
            var count = (int)(tail - taken);
            if (Call(EnterNumber, _handle, count, count, GetEvents, 0, 0) <= 0
                && Marshal.GetLastPInvokeError() != SocketCalls.Interrupted)
                break;
        }

        // What the system has not taken now it shall not find later.
        Volatile.Write(ref *_tail, taken);
        for (var i = taken; i != tail; i++)
            requests[(int)_entries[i & _mask].Number].Result = 0;
        return TakeResults(requests) == (int)(taken - first);
    }

    public void Dispose()
    {
        _entriesOwner.Dispose();
        _ringsOwner.Dispose();
        _owner.Dispose();
    }

    /// <returns>How many there were.</returns>
    private int TakeResults(Span<Request> requests)
    {
        var first = *_completionHead;
        var end = Volatile.Read(ref *_completionTail);
        for (var i = first; i != end; i++)
        {
            var completion = _completions[i & _completionMask];
            requests[(int)completion.Number].Result = completion.Result;
        }

        Volatile.Write(ref *_completionHead, end);
        return (int)(end - first);
    }

    private const int NotPermitted = 1;
    private const int AccessDenied = 13;
    private const int InvalidArgument = 22;
    private const int NoSuchCall = 38;
    private const int SetupNumber = 425;
    private const int EnterNumber = 426;
    private const long RingsOffset = 0;
    private const long EntriesOffset = 0x1000_0000;

    [LibraryImport("libc", EntryPoint = "syscall", SetLastError = true)]
    private static partial nint Call(nint number, nint a, nint b, nint c, nint d, nint e, nint f);

    /// <summary>One send.</summary>
    /// <param name="socket">The handle.</param>
    /// <param name="bytes">What to send.</param>
    /// <param name="length">How much; of 0 nothing is sent.</param>
    public struct Request(int socket, byte* bytes, int length)
    {
        public int Socket { get; } = socket;

        public byte* Bytes { get; } = bytes;

        public int Length { get; } = length;

        /// <summary>How many bytes the system has taken; negative for a fault.</summary>
        public int Result { get; set; } = length > 0 ? Unknown : 0;
    }

    /// <summary>struct io_uring_sqe.</summary>
    [StructLayout(LayoutKind.Explicit, Size = 64)]
    private struct Entry
    {
        [FieldOffset(0)]
        public byte Operation;

        [FieldOffset(4)]
        public int Handle;

        [FieldOffset(16)]
        public ulong Address;

        [FieldOffset(24)]
        public uint Length;

        [FieldOffset(28)]
        public uint Flags;

        [FieldOffset(32)]
        public ulong Number;

        public static Entry Send(in Request request, int number) => new()
        {
            Operation = 26,
            Handle = request.Socket,
            Address = (ulong)request.Bytes,
            Length = (uint)request.Length,
            Flags = SocketCalls.DontWait | SocketCalls.NoSignal,
            Number = (ulong)number,
        };
    }

    /// <summary>struct io_uring_cqe.</summary>
    [StructLayout(LayoutKind.Explicit, Size = 16)]
    private struct Completion
    {
        [FieldOffset(0)]
        public ulong Number;

        [FieldOffset(8)]
        public int Result;
    }

    /// <summary>struct io_uring_params.</summary>
    [StructLayout(LayoutKind.Explicit, Size = 120)]
    private struct Parameters
    {
        [FieldOffset(0)]
        public uint SubmissionEntries;

        [FieldOffset(4)]
        public uint CompletionEntries;

        [FieldOffset(8)]
        public uint Flags;

        [FieldOffset(40)]
        public RingOffsets Submission;

        [FieldOffset(80)]
        public RingOffsets Completion;
    }

    /// <summary>struct io_sqring_offsets, and io_cqring_offsets, which is the same but for its last field.</summary>
    [StructLayout(LayoutKind.Explicit, Size = 40)]
    private struct RingOffsets
    {
        [FieldOffset(0)]
        public uint Head;

        [FieldOffset(4)]
        public uint Tail;

        [FieldOffset(8)]
        public uint Mask;

        [FieldOffset(20)]
        public uint Completions;

        [FieldOffset(24)]
        public uint Array;
    }

    /// <summary>The handle of a ring, which counts.</summary>
    private sealed partial class Descriptor : SafeHandleMinusOneIsInvalid
    {
        public Descriptor(nint handle)
            : base(ownsHandle: true)
        {
            Interlocked.Increment(ref s_rings);
            SetHandle(handle);
        }

        protected override bool ReleaseHandle()
        {
            Interlocked.Decrement(ref s_rings);
            return Close((int)handle) == 0;
        }

        [LibraryImport("libc", EntryPoint = "close")]
        private static partial int Close(int handle);
    }

    /// <summary>What the system shares with us.</summary>
    private sealed partial class MappedMemory() : SafeHandleZeroOrMinusOneIsInvalid(ownsHandle: true)
    {
        private nuint _size;

        /// <exception cref="IOException">There is no memory left.</exception>
        public static MappedMemory Map(uint size, Descriptor file, long offset)
        {
            const int ReadWrite = 1 | 2;
            const int SharedAndPopulated = 0x1 | 0x8000;
            var memory = new MappedMemory { _size = size };
            memory.SetHandle(Map(0, size, ReadWrite, SharedAndPopulated, file, offset));
            if (!memory.IsInvalid)
                return memory;
            memory.SetHandleAsInvalid();
            throw new IOException("The memory of an io_uring cannot be mapped.");
        }

        protected override bool ReleaseHandle() => Unmap(handle, _size) == 0;

        [LibraryImport("libc", EntryPoint = "mmap")]
        private static partial nint Map(nint address, nuint size, int protection, int flags, Descriptor file, long offset);

        [LibraryImport("libc", EntryPoint = "munmap")]
        private static partial int Unmap(nint address, nuint size);
    }
}
