using System.Runtime.InteropServices;

namespace RawWs.Protocol.WebSockets.Deflate;

/// <summary>The zlib that the runtime brings along, for raw deflate (RFC 1951).</summary>
/// <remarks>Its entry points are the runtime's own and no public contract, so they are tried once before
/// compression is negotiated.</remarks>
internal static unsafe partial class Zlib
{
    private const string Library = "libSystem.IO.Compression.Native";

    private static readonly Lazy<bool> _isAvailable = new(() => Succeeds(RoundTrip));

    public enum Flush
    {
        Sync = 2,
        Full = 3,
        Block = 5,
    }

    public enum Result
    {
        BufferError = -5,
        MemoryError = -4,
        DataError = -3,
        Ok = 0,
        StreamEnd = 1,
    }

    /// <summary>Whether the library is there and does what it should.</summary>
    public static bool IsAvailable => _isAvailable.Value;

    internal static bool Succeeds(Func<bool> trial)
    {
        try
        {
            return trial();
        }
        catch (Exception e)
            when (e is TypeLoadException or BadImageFormatException or InvalidOperationException)
        {
            return false;
        }
    }

    // RFC 7692 §7.2.3.1: "Hello" in one block with fixed codes.
    private static bool RoundTrip()
    {
        using var deflater = new Deflater(WindowBits.Max, level: 6);
        using var inflater = new Inflater(WindowBits.Max);
        Span<byte> wire = stackalloc byte[Deflater.MaxSize("Hello"u8.Length)];
        wire = wire[..deflater.Deflate("Hello"u8, wire, keepWindow: false)];
        var text = new PieceBuffer(System.Buffers.ArrayPool<byte>.Shared);
        bool isRead = inflater.Inflate(wire, ref text, limit: 5) == ProtocolError.None
            && inflater.Finish() == ProtocolError.None;
        bool isRight = isRead && text.Join().Span.SequenceEqual("Hello"u8);
        text.Return();
        return isRight && wire.SequenceEqual<byte>([0xF2, 0x48, 0xCD, 0xC9, 0xC9, 0x07, 0x00]);
    }

    [LibraryImport(Library, EntryPoint = "CompressionNative_DeflateInit2_")]
    private static partial Result DeflateInit(
        Stream* stream, int level, int method, int windowBits, int memoryLevel, int strategy);

    [LibraryImport(Library, EntryPoint = "CompressionNative_Deflate")]
    private static partial Result Deflate(Stream* stream, Flush flush);

    [LibraryImport(Library, EntryPoint = "CompressionNative_DeflateEnd")]
    private static partial Result DeflateEnd(Stream* stream);

    [LibraryImport(Library, EntryPoint = "CompressionNative_InflateInit2_")]
    private static partial Result InflateInit(Stream* stream, int windowBits);

    [LibraryImport(Library, EntryPoint = "CompressionNative_Inflate")]
    private static partial Result Inflate(Stream* stream, Flush flush);

    [LibraryImport(Library, EntryPoint = "CompressionNative_InflateReset2_")]
    private static partial Result InflateReset(Handle stream, int windowBits);

    [LibraryImport(Library, EntryPoint = "CompressionNative_InflateEnd")]
    private static partial Result InflateEnd(Stream* stream);

    [StructLayout(LayoutKind.Sequential)]
    private struct Stream
    {
        public byte* NextIn;
        public byte* NextOut;
        public byte* Message;
        public void* State;
        public uint AvailableIn;
        public uint AvailableOut;
    }

    /// <summary>One stream of zlib's, to deflate or to inflate; freed at the latest by the
    /// collector.</summary>
    public sealed class Handle : SafeHandle
    {
        // A negative number of bits is raw deflate: neither header nor checksum.
        private readonly int _windowBits;
        private readonly bool _inflates;

        private Handle(int windowBits, bool inflates)
            : base(0, ownsHandle: true)
        {
            _windowBits = windowBits;
            _inflates = inflates;
            SetHandle((nint)NativeMemory.AllocZeroed((nuint)sizeof(Stream)));
        }

        public override bool IsInvalid => handle == 0;

        private Stream* Native => (Stream*)handle;

        public static Handle ToDeflate(int windowBits, int level)
        {
            const int deflated = 8;
            const int defaultStrategy = 0;

            // A smaller window is asked for to save memory: the rest shrinks with it, from zlib's default of
            // 8.
            int memoryLevel = windowBits - 7;
            var created = new Handle(windowBits, inflates: false);
            return created.Initialised(
                DeflateInit(created.Native, level, deflated, -windowBits, memoryLevel, defaultStrategy));
        }

        public static Handle ToInflate(int windowBits)
        {
            var created = new Handle(windowBits, inflates: true);
            return created.Initialised(InflateInit(created.Native, -windowBits));
        }

        /// <summary>Turns as much of the source into as much of the destination as zlib can.</summary>
        /// <exception cref="ObjectDisposedException"/>
        public Result Run(
            Flush flush,
            ReadOnlySpan<byte> source,
            Span<byte> destination,
            out int consumed,
            out int produced)
        {
            bool isHeld = false;
            try
            {
                DangerousAddRef(ref isHeld);
                Stream* stream = Native;
                fixed (byte* input = source)
                fixed (byte* output = destination)
                {
                    stream->NextIn = input;
                    stream->AvailableIn = (uint)source.Length;
                    stream->NextOut = output;
                    stream->AvailableOut = (uint)destination.Length;
                    Result result = _inflates ? Inflate(stream, flush) : Deflate(stream, flush);
                    consumed = source.Length - (int)stream->AvailableIn;
                    produced = destination.Length - (int)stream->AvailableOut;
                    return result is Result.Ok or Result.StreamEnd or Result.DataError or Result.BufferError
                        ? result
                        : throw Failure(result);
                }
            }
            finally
            {
                if (isHeld)
                {
                    DangerousRelease();
                }
            }
        }

        /// <summary>Forgets the window of an inflating stream and whatever is unfinished.</summary>
        /// <exception cref="ObjectDisposedException"/>
        public void Reset()
        {
            Result result = InflateReset(this, -_windowBits);
            if (result != Result.Ok)
            {
                throw Failure(result);
            }
        }

        protected override bool ReleaseHandle()
        {
            if (Native->State is not null)
            {
                _ = _inflates ? InflateEnd(Native) : DeflateEnd(Native);
            }

            NativeMemory.Free(Native);
            return true;
        }

        private static Exception Failure(Result result) => result == Result.MemoryError
            ? new InsufficientMemoryException("zlib has no memory for a window.")
            : new InvalidOperationException($"zlib answered {(int)result}.");

        private Handle Initialised(Result result)
        {
            if (result == Result.Ok)
            {
                return this;
            }

            Dispose();
            throw Failure(result);
        }
    }
}
