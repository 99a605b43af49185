using System.Collections.Frozen;
using System.Diagnostics.CodeAnalysis;
using System.IO.Compression;
using Microsoft.Extensions.FileProviders;

namespace RawWs.Server.Http;

/// <summary>The official Socket.IO client for browsers: its scripts and their source maps, below the path of Socket.IO.</summary>
/// <remarks>The files are given before the server starts; afterwards all members may be called from any thread.</remarks>
internal sealed class SocketIoClientFiles
{
    /// <summary>What whoever asks for a script is told where there is none.</summary>
    public const string Hint =
        "The Socket.IO client is not installed on this server: run `npm install socket.io-client`, then start it again.";

    // Several times the size of the largest; nothing larger is held in memory.
    private const int MaxCompressedSource = 1024 * 1024;

    private static readonly FrozenSet<string> s_names = FrozenSet.Create(
        StringComparer.Ordinal,
        "socket.io.js", "socket.io.js.map",
        "socket.io.min.js", "socket.io.min.js.map",
        "socket.io.esm.min.js", "socket.io.esm.min.js.map",
        "socket.io.msgpack.min.js", "socket.io.msgpack.min.js.map");

    private readonly string _folder;
    private readonly Lock _lock = new();
    private readonly Dictionary<string, Compressed> _compressed = [];
    private StaticFileSource? _source;

    /// <param name="socketIoPath">The path of Socket.IO, with or without a trailing slash.</param>
    public SocketIoClientFiles(string socketIoPath) => _folder = socketIoPath.TrimEnd('/') + '/';

    /// <summary>Gives the files.</summary>
    /// <exception cref="InvalidOperationException">They have been given before.</exception>
    public void Serve(IFileProvider files)
    {
        if (_source is not null)
            throw new InvalidOperationException("The Socket.IO client is mapped already.");
        _source = new StaticFileSource(files);
    }

    /// <summary>Whether a decoded path is that of one of the client's files, be it there or not.</summary>
    public bool Includes(string path) =>
        path.StartsWith(_folder, StringComparison.Ordinal) && s_names.Contains(path[_folder.Length..]);

    /// <summary>Finds a file of the client, compressed if the one who asks takes that.</summary>
    /// <param name="path">A path that is included.</param>
    /// <param name="acceptEncoding">The value of Accept-Encoding, if any.</param>
    /// <param name="file">The file, not yet opened.</param>
    public bool TryGet(string path, string? acceptEncoding, [NotNullWhen(true)] out StaticFile? file)
    {
        file = null;
        var name = path[_folder.Length..];
        if (_source is null || !_source.TryResolve('/' + name, out var plain))
            return false;
        var content = ContentCoding.Accepts(acceptEncoding, "gzip") && plain.Length <= MaxCompressedSource
            ? GetCompressed(name, plain)
            : null;
        file = content is null
            ? new StaticFile(plain.ContentType, plain.Length, plain.LastModified, plain.ETag, plain.Open)
            {
                VariesByEncoding = true,
            }
            : new StaticFile(
                plain.ContentType, content.Length, plain.LastModified, WeakTag(plain.ETag),
                () => new MemoryStream(content, writable: false))
            {
                VariesByEncoding = true,
                ContentEncoding = "gzip",
            };
        return true;
    }

    // RFC 9110 §8.8.3.3: the codings of one file may share a tag only if it is weak.
    private static string WeakTag(string tag) => tag.StartsWith("W/", StringComparison.Ordinal) ? tag : "W/" + tag;

    private byte[] GetCompressed(string name, StaticFile plain)
    {
        // Many may ask at once for what has not been compressed yet: one does it, the others wait for that.
        lock (_lock)
        {
            if (!_compressed.TryGetValue(name, out var kept) || kept.ETag != plain.ETag)
                _compressed[name] = kept = new Compressed(plain.ETag, Compress(plain));
            return kept.Content;
        }
    }

    private static byte[] Compress(StaticFile plain)
    {
        var content = new byte[plain.Length];
        using var source = plain.Open();
        var length = source.ReadAtLeast(content, content.Length, throwOnEndOfStream: false);
        using var compressed = new MemoryStream();
        using (var gzip = new GZipStream(compressed, CompressionLevel.SmallestSize, leaveOpen: true))
            gzip.Write(content, 0, length);
        return compressed.ToArray();
    }

    private readonly record struct Compressed(string ETag, byte[] Content);
}
