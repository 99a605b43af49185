namespace RawWs.Protocol.Http;

/// <summary>A request that cannot be served: the status that answers it and why.</summary>
/// <remarks>
/// The default value means that nothing is wrong. A parser that reports an error has lost the framing of the
/// connection: answer with <see cref="ResponseWriter.WriteError"/> and close.
/// </remarks>
/// <param name="Status">A 4xx or 5xx status code; 0 in the default value.</param>
/// <param name="Message">
/// One ASCII sentence for the body of the answer; it never repeats what the peer sent.
/// </param>
public readonly record struct HttpError(int Status, string Message)
{
    /// <summary>Nothing is wrong.</summary>
    public bool IsNone => Status == 0;
}
