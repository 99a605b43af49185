namespace RawWs.Tests.Support;

/// <summary>The open handles of this process that can leak: sockets, pipes, epolls and their like.</summary>
internal static class Handles
{
    /// <summary>How many there are.</summary>
    public static int Count() => ByKind().Values.Sum();

    /// <summary>How many there are of each kind; files and devices, which the runtime loads as it goes, do not count.</summary>
    public static SortedDictionary<string, int> ByKind()
    {
        var kinds = new SortedDictionary<string, int>(StringComparer.Ordinal);
        foreach (var handle in Directory.EnumerateFiles("/proc/self/fd"))
        {
            // socket:[123], pipe:[456], anon_inode:[eventpoll]
            if (TargetOf(handle) is not { } target || target.IndexOf(':', StringComparison.Ordinal) is not (> 0 and var end))
                continue;
            var kind = target.StartsWith("anon_inode", StringComparison.Ordinal) ? target : target[..end];
            kinds[kind] = kinds.GetValueOrDefault(kind) + 1;
        }

        return kinds;
    }

    private static string? TargetOf(string handle)
    {
        try
        {
            return File.ResolveLinkTarget(handle, returnFinalTarget: false)?.Name;
        }
        catch (IOException)
        {
            // Closed since it was listed.
            return null;
        }
    }
}
