namespace RawWs.Bench;

/// <summary>The checkout that the benchmarks were built from.</summary>
internal static class Repository
{
    /// <summary>The directory that holds the solution.</summary>
    public static string Root { get; } = Find();

    private static string Find()
    {
        var directory = new DirectoryInfo(AppContext.BaseDirectory);
        for (; directory is not null; directory = directory.Parent)
        {
            if (File.Exists(Path.Combine(directory.FullName, "RawWs.sln")))
                return directory.FullName;
        }

        throw new DirectoryNotFoundException($"No RawWs.sln above {AppContext.BaseDirectory}.");
    }
}
