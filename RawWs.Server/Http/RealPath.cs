using System.Diagnostics.CodeAnalysis;

namespace RawWs.Server.Http;

/// <summary>Where a path really leads, once every symbolic link on the way is followed.</summary>
internal static class RealPath
{
    // As many as Linux follows; a cycle ends here.
    private const int MaxLinks = 40;

    private static readonly char[] Separators = [Path.DirectorySeparatorChar, Path.AltDirectorySeparatorChar];

    /// <summary>Resolves a full path, segment by segment: a link may stand anywhere, also in the target of another.</summary>
    /// <returns>False if there are too many links, as in a cycle.</returns>
    public static bool TryResolve(string fullPath, [NotNullWhen(true)] out string? real)
    {
        var pending = new Stack<string>();
        string current = Path.GetPathRoot(fullPath) ?? "";
        Push(pending, fullPath[current.Length..]);
        int links = 0;
        while (pending.TryPop(out string? segment))
        {
            if (segment is ".")
                continue;

            if (segment is "..")
            {
                // Of a link's target: what is above is real already.
                current = Path.GetDirectoryName(current) ?? current;
                continue;
            }

            string next = Path.Join(current, segment);
            string? target = new FileInfo(next).LinkTarget;
            if (target is null)
            {
                current = next;
                continue;
            }

            if (++links > MaxLinks)
            {
                real = null;
                return false;
            }

            string root = Path.GetPathRoot(target) ?? "";
            if (root.Length > 0)
                current = root;
            Push(pending, target[root.Length..]);
        }

        real = current;
        return true;
    }

    private static void Push(Stack<string> pending, string path)
    {
        string[] segments = path.Split(Separators, StringSplitOptions.RemoveEmptyEntries);
        for (int i = segments.Length - 1; i >= 0; i--)
            pending.Push(segments[i]);
    }
}
