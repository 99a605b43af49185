namespace RawWs.Tests.Support;

/// <summary>Whether the tests may take as long as they like: <c>RAWWS_TESTS_LONG=1</c>.</summary>
internal static class LongRun
{
    public static bool IsWanted { get; } = Environment.GetEnvironmentVariable("RAWWS_TESTS_LONG") == "1";

    /// <summary>How often to try what chance decides.</summary>
    public static int Or(int usual, int @long) => IsWanted ? @long : usual;
}
