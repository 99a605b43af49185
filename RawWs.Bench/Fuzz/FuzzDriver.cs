using RawWs.Tests.Fuzzing.Targets;
using SharpFuzz;

namespace RawWs.Bench.Fuzz;

/// <summary>Runs one target under afl-fuzz, or over files that it has found.</summary>
internal static class FuzzDriver
{
    /// <param name="name">The target.</param>
    /// <param name="files">Inputs to run once each, and tell the verdict of; none under afl-fuzz.</param>
    public static int Run(string name, string[] files)
    {
        if (!FuzzTargets.All.TryGetValue(name, out Func<byte[], string>? target))
        {
            Console.Error.WriteLine($"The targets are {string.Join(", ", FuzzTargets.All.Keys)}.");
            return 2;
        }

        foreach (string file in files)
            Console.WriteLine($"{Path.GetFileName(file)}: {target(File.ReadAllBytes(file))}");
        if (files.Length == 0)
            Fuzzer.Run(stream => target(ReadAll(stream)));
        return 0;
    }

    private static byte[] ReadAll(Stream stream)
    {
        using var memory = new MemoryStream();
        stream.CopyTo(memory);
        return memory.ToArray();
    }
}
