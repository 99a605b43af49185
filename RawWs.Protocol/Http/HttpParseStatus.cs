namespace RawWs.Protocol.Http;

/// <summary>How far an incremental reader has come.</summary>
public enum HttpParseStatus
{
    /// <summary>More bytes, or more room for decoded ones, are needed.</summary>
    Incomplete,

    /// <summary>The head, or the body, is read to its end.</summary>
    Complete,

    /// <summary>The bytes break a rule or a limit; the reader's error says which. It stays failed.</summary>
    Failed,
}
