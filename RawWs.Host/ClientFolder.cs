namespace RawWs.Host;

/// <summary>The folder of the official Socket.IO client, as npm installs it.</summary>
internal static class ClientFolder
{
    /// <summary>Where npm puts it, seen from where it was called.</summary>
    public const string Usual = "node_modules/socket.io-client/dist";

    /// <summary>The file without which it is not that folder.</summary>
    public const string Script = "socket.io.js";

    /// <summary>Looks in the working directory, then beside the program.</summary>
    /// <returns>Null if the client is in neither.</returns>
    public static string? Find() =>
        new[] { Environment.CurrentDirectory, AppContext.BaseDirectory }
            .Select(parent => Path.Combine(parent, Usual))
            .FirstOrDefault(HasClient);

    /// <summary>Whether a folder holds the client.</summary>
    public static bool HasClient(string folder) => File.Exists(Path.Combine(folder, Script));
}
