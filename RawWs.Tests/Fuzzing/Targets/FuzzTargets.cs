namespace RawWs.Tests.Fuzzing.Targets;

/// <summary>What is fuzzed, by name. A target takes any bytes, and throws <see cref="BrokenRuleException"/>
/// where a parser does not do with them what it promises; any other exception is a fault as well.</summary>
/// <remarks>
/// It answers with the verdict of the parser, so that a corpus can be asked what it reaches. These files know
/// no test framework: the fuzz driver of RawWs.Bench is built from them too.
/// </remarks>
internal static class FuzzTargets
{
    public static IReadOnlyDictionary<string, Func<byte[], string>> All { get; } =
        new SortedDictionary<string, Func<byte[], string>>(StringComparer.Ordinal)
        {
            ["http-head"] = HttpHeadTarget.Run,
            ["http-body"] = HttpBodyTarget.Run,
            ["extensions"] = ExtensionsTarget.Run,
            ["frames"] = FramesTarget.Run,
            ["deflate"] = DeflateTarget.Run,
            ["engine-payload"] = EnginePayloadTarget.Run,
            ["socket-packet"] = SocketPacketTarget.Run,
            ["envelope"] = EnvelopeTarget.Run,
        };
}

/// <summary>A parser has not kept to what it promises.</summary>
internal sealed class BrokenRuleException(string message) : Exception(message);
