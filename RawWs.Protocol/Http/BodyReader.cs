namespace RawWs.Protocol.Http;

/// <summary>
/// Decodes the body of one request, by its Content-Length or in chunks (RFC 9112 §6, §7.1).
/// </summary>
/// <remarks>
/// The bytes may be split anywhere. Chunk extensions and trailers are checked and dropped. Not thread-safe.
/// </remarks>
public sealed class BodyReader
{
    // 16 digits hold every size below 2^64; more can only be leading zeros or an overflow.
    private const int MaxSizeDigits = 16;

    private enum Stage : byte
    {
        Size,
        Extension,
        SizeEnd,
        Chunk,
        ChunkCr,
        ChunkLf,
        Trailers,
        Counted,
        Done,
        Failed,
    }

    private readonly HttpLimits _limits;
    private Stage _stage;
    private long _remaining;
    private ulong _size;
    private int _sizeDigits;
    private int _extensionBytes;
    private FieldScanner _trailers;

    /// <summary>A reader for the body that follows a head.</summary>
    /// <remarks>A Content-Length over the limit fails at the first call of <see cref="Read"/>.</remarks>
    public BodyReader(RequestHead head, HttpLimits limits)
    {
        ArgumentNullException.ThrowIfNull(head);
        ArgumentNullException.ThrowIfNull(limits);
        _limits = limits;
        _trailers = new FieldScanner(limits.MaxHeaderBytes, limits.MaxHeaders);
        _remaining = head.ContentLength ?? 0;
        _stage = head.IsChunked ? Stage.Size : Stage.Counted;
        if (_remaining > limits.MaxBodyBytes) FailTooLarge();
    }

    /// <summary>What is wrong, after <see cref="HttpParseStatus.Failed"/>.</summary>
    public HttpError Error { get; private set; }

    /// <summary>The decoded bytes so far.</summary>
    public long Received { get; private set; }

    /// <summary>
    /// Decodes as much as <paramref name="source"/> has and <paramref name="destination"/> takes.
    /// </summary>
    /// <param name="source">The bytes that follow those consumed so far.</param>
    /// <param name="destination">Where decoded bytes go; it may be shorter than what is to come.</param>
    /// <param name="consumed">How many bytes of the source are done with.</param>
    /// <param name="written">How many bytes of the destination were filled, also when it fails.</param>
    /// <returns>
    /// <see cref="HttpParseStatus.Incomplete"/> either when the whole source is consumed or when the
    /// destination is full.
    /// </returns>
    public HttpParseStatus Read(
        ReadOnlySpan<byte> source, Span<byte> destination, out int consumed, out int written)
    {
        consumed = 0;
        written = 0;
        while (true)
        {
            switch (_stage)
            {
                case Stage.Done:
                    return HttpParseStatus.Complete;
                case Stage.Failed:
                    return HttpParseStatus.Failed;
                case Stage.Chunk or Stage.Counted:
                    var length = Copy(source[consumed..], destination[written..]);
                    consumed += length;
                    written += length;
                    if (_remaining > 0) return HttpParseStatus.Incomplete;
                    _stage = _stage == Stage.Chunk ? Stage.ChunkCr : Stage.Done;
                    break;
                case Stage.Trailers:
                    var scan = _trailers.Scan(source, ref consumed);
                    if (scan == FieldScan.More) return HttpParseStatus.Incomplete;
                    if (scan == FieldScan.End) _stage = Stage.Done;
                    if (scan == FieldScan.Failed) Fail(_trailers.Error);
                    break;
                default:
                    if (consumed == source.Length) return HttpParseStatus.Incomplete;
                    Step(source[consumed++]);
                    break;
            }
        }
    }

    private int Copy(ReadOnlySpan<byte> source, Span<byte> destination)
    {
        var length = (int)Math.Min(_remaining, Math.Min(source.Length, destination.Length));
        source[..length].CopyTo(destination);
        _remaining -= length;
        Received += length;
        return length;
    }

    /// <summary>One byte between the data of two chunks.</summary>
    private void Step(byte next)
    {
        switch (_stage)
        {
            case Stage.Size:
                ReadSize(next);
                break;
            case Stage.Extension when next == HttpChars.Cr:
                _stage = Stage.SizeEnd;
                break;
            case Stage.Extension when HttpChars.FieldValue.Contains(next):
                CountExtension();
                break;
            case Stage.SizeEnd when next == HttpChars.Lf:
                _stage = _remaining > 0 ? Stage.Chunk : Stage.Trailers;
                break;
            case Stage.ChunkCr when next == HttpChars.Cr:
                _stage = Stage.ChunkLf;
                break;
            case Stage.ChunkLf when next == HttpChars.Lf:
                _stage = Stage.Size;
                _size = 0;
                _sizeDigits = 0;
                break;
            default:
                Fail(new(400, "A chunk is malformed."));
                break;
        }
    }

    // RFC 9112 §7.1: chunk-size = 1*HEXDIG, and nothing but an extension between it and the CRLF.
    private void ReadSize(byte next)
    {
        var digit = HttpChars.HexValue(next);
        if (digit >= 0 && _sizeDigits < MaxSizeDigits)
        {
            _sizeDigits++;
            _size = (_size << 4) | (uint)digit;
        }
        else if (_sizeDigits == 0 || _size > long.MaxValue || next is not (HttpChars.Cr or (byte)';'))
        {
            Fail(new(400, "A chunk size is malformed."));
        }
        else if ((long)_size > _limits.MaxBodyBytes - Received)
        {
            FailTooLarge();
        }
        else
        {
            _remaining = (long)_size;
            _stage = next == HttpChars.Cr ? Stage.SizeEnd : Stage.Extension;
            if (_stage == Stage.Extension) CountExtension();
        }
    }

    // RFC 9112 §7.1.1: a recipient ignores extensions it does not know, within a limit on their length.
    private void CountExtension()
    {
        if (++_extensionBytes > _limits.MaxChunkExtensionBytes)
            Fail(new(400, "The chunk extensions are too long."));
    }

    private void FailTooLarge() => Fail(new(413, "The body is too large."));

    private void Fail(HttpError error)
    {
        Error = error;
        _stage = Stage.Failed;
    }
}
