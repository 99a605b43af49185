using System.Buffers;
using System.Buffers.Text;
using System.Collections.Concurrent;
using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Security.Cryptography;
using Microsoft.Extensions.FileProviders;

namespace RawWs.Server.Http;

/// <summary>The files of a folder, or of an assembly, that may be served.</summary>
/// <remarks>
/// Nothing outside the root is reached, whatever the path: no segment may begin with a dot, and a symbolic link
/// that leads out of the root is not followed. All members may be called from any thread.
/// </remarks>
internal sealed class StaticFileSource
{
    private const string DefaultDocument = "index.html";

    // A hash costs one read of the file; above these bounds the tag is made of size and time instead.
    private const int MaxHashedLength = 1024 * 1024;
    private const int MaxHashes = 1024;

    // Control characters and backslashes are separators or worse to somebody; a colon is one to Windows.
    private static readonly SearchValues<char> ForbiddenCharacters =
        SearchValues.Create([.. Enumerable.Range(0, 0x20).Select(unit => (char)unit), '\x7f', '\\', ':']);

    private readonly IFileProvider _files;
    private readonly ConcurrentDictionary<HashKey, string> _hashes = new();

    /// <summary>Serves what the provider offers, a physical folder or resources of an assembly.</summary>
    public StaticFileSource(IFileProvider files) => _files = files;

    /// <summary>Finds the file for the path of a request: for a directory its <c>index.html</c>.</summary>
    /// <param name="decodedPath">The path, percent-decoded once, with its leading slash and without its query.</param>
    /// <param name="file">The file, not yet opened.</param>
    /// <returns>False if there is no such file, or none that may be served; nothing tells which.</returns>
    public bool TryResolve(string decodedPath, [NotNullWhen(true)] out StaticFile? file)
    {
        file = null;
        if (!IsSafe(decodedPath))
            return false;

        string path = decodedPath[1..];
        if (path.Length == 0 || path.EndsWith('/'))
            return TryFind(path + DefaultDocument, out file);

        return TryFind(path, out file) || TryFind($"{path}/{DefaultDocument}", out file);
    }

    private static bool IsSafe(ReadOnlySpan<char> path)
    {
        if (!path.StartsWith('/') || path.ContainsAny(ForbiddenCharacters))
            return false;

        // What begins with a dot is "." or ".." or hidden. Nothing between two slashes is no name either.
        ReadOnlySpan<char> segments = path[1..];
        return !segments.StartsWith('.')
            && !segments.StartsWith('/')
            && !segments.Contains("/.", StringComparison.Ordinal)
            && !segments.Contains("//", StringComparison.Ordinal);
    }

    private bool TryFind(string path, [NotNullWhen(true)] out StaticFile? file)
    {
        file = null;
        try
        {
            IFileInfo info = _files.GetFileInfo(path);
            if (!info.Exists || info.IsDirectory)
                return false;

            string contentType = ContentTypes.ForFile(path);
            long length = info.Length;
            DateTimeOffset lastModified = ToWholeSeconds(info.LastModified);
            if (info.PhysicalPath is null)
            {
                string eTag = HashedTag(path, info) ?? WeakTag(length, info.LastModified);
                file = new StaticFile(contentType, length, lastModified, eTag, info.CreateReadStream);
                return true;
            }

            if (!TryStayInside(path, info.PhysicalPath, out string? real))
                return false;

            // The target of a link has a size and a time of its own.
            var target = new FileInfo(real);
            length = target.Length;
            DateTimeOffset written = target.LastWriteTimeUtc;
            file = new StaticFile(
                contentType, length, ToWholeSeconds(written), WeakTag(length, written), () => OpenPhysical(real));
            return true;
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            // Removed while it was looked at, a directory that may not be searched, a name too long.
            return false;
        }
    }

    private static bool TryStayInside(string path, string physicalPath, [NotNullWhen(true)] out string? real)
    {
        real = null;
        string full = Path.GetFullPath(physicalPath);
        string below = Path.DirectorySeparatorChar + path.Replace('/', Path.DirectorySeparatorChar);
        if (!full.EndsWith(below, StringComparison.Ordinal))
            return false;

        if (!RealPath.TryResolve(full[..^below.Length] + Path.DirectorySeparatorChar, out string? root))
            return false;

        string inside = Path.EndsInDirectorySeparator(root) ? root : root + Path.DirectorySeparatorChar;
        return RealPath.TryResolve(full, out real) && real.StartsWith(inside, StringComparison.Ordinal);
    }

    private static FileStream OpenPhysical(string path) => new(path, new FileStreamOptions
    {
        Mode = FileMode.Open,
        Access = FileAccess.Read,
        Share = FileShare.ReadWrite | FileShare.Delete,
        BufferSize = 0,
        Options = FileOptions.Asynchronous | FileOptions.SequentialScan,
    });

    private string? HashedTag(string path, IFileInfo info)
    {
        if (info.Length > MaxHashedLength)
            return null;

        var key = new HashKey(path, info.Length, info.LastModified.UtcTicks);
        if (_hashes.TryGetValue(key, out string? tag))
            return tag;
        if (_hashes.Count >= MaxHashes)
            return null;

        Span<byte> hash = stackalloc byte[SHA256.HashSizeInBytes];
        using (Stream content = info.CreateReadStream())
            SHA256.HashData(content, hash);
        return _hashes.GetOrAdd(key, $"\"{Base64Url.EncodeToString(hash[..16])}\"");
    }

    // RFC 9110 §8.8.1: size and time cannot promise the same bytes, so this tag is weak.
    private static string WeakTag(long length, DateTimeOffset lastModified) =>
        string.Create(CultureInfo.InvariantCulture, $"W/\"{length:x}-{lastModified.UtcTicks:x}\"");

    private static DateTimeOffset ToWholeSeconds(DateTimeOffset time) =>
        new(time.UtcTicks - (time.UtcTicks % TimeSpan.TicksPerSecond), TimeSpan.Zero);

    private readonly record struct HashKey(string Path, long Length, long Ticks);
}
