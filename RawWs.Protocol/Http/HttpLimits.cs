namespace RawWs.Protocol.Http;

/// <summary>The bounds on what one HTTP request may cost.</summary>
/// <remarks>
/// Immutable. Each is at least 0 and, <see cref="MaxBodyBytes"/> apart, at most 16 MiB; another value is an
/// <see cref="ArgumentOutOfRangeException"/>.
/// </remarks>
public sealed class HttpLimits
{
    /// <summary>Bytes of a request line without its CRLF; a longer one is 414.</summary>
    /// <remarks>RFC 9112 §3 recommends at least 8000.</remarks>
    public int MaxRequestLineBytes { get; init => field = Check(value); } = 8192;

    /// <summary>Bytes of all header lines with their CRLFs, without the empty line; more is 431.</summary>
    /// <remarks>The trailers of a chunked body have the same bound of their own.</remarks>
    public int MaxHeaderBytes { get; init => field = Check(value); } = 32768;

    /// <summary>Header lines of a request, and again trailer lines of its body; more is 431.</summary>
    public int MaxHeaders { get; init => field = Check(value); } = 100;

    /// <summary>Decoded bytes of a body; a larger one is 413, from its announced size alone.</summary>
    public long MaxBodyBytes
    {
        get;
        init
        {
            ArgumentOutOfRangeException.ThrowIfNegative(value);
            field = value;
        }
    } = 1_000_000;

    /// <summary>Bytes of chunk extensions in one whole body; more is 400.</summary>
    /// <remarks>
    /// Counted over the body, so that many small extensions cost no more than one large one.
    /// </remarks>
    public int MaxChunkExtensionBytes { get; init => field = Check(value); } = 4096;

    /// <summary>
    /// The bytes of a head that ever have to be kept: with one more it is complete or has failed.
    /// </summary>
    /// <remarks>
    /// 4 KiB over the larger of the two limits, not their sum: a request line that uses up more than 4 KiB
    /// takes the rest from the headers.
    /// </remarks>
    public int MaxHeadBytes => Math.Max(MaxRequestLineBytes, MaxHeaderBytes) + 4096;

    private static int Check(int value)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(value);
        ArgumentOutOfRangeException.ThrowIfGreaterThan(value, 16 << 20);
        return value;
    }
}
