using RawWs.Protocol;
using RawWs.Protocol.Envelope;
using RawWs.Protocol.SocketIO;
using RawWs.Tests.EndToEnd;
using RawWs.Tests.Fuzzing.Targets;
using RawWs.Tests.Support;

namespace RawWs.Tests.Fuzzing;

/// <summary>The corpus and mutations of it through every target; fuzz.sh does the same guided by
/// coverage.</summary>
public sealed class FuzzCorpusTests
{
    private const int MaxInputBytes = 4096;

    // So many that all targets together take seconds.
    private static readonly int Mutations = LongRun.Or(5_000, 1_000_000);

    private static readonly string[] Reached =
    [
        "http-head: complete incomplete 400 414 431 501 505",
        "http-body: complete incomplete 400 413 431",
        "extensions: malformed declined_fails accepted_fails accepted_agreed",
        "frames: read incomplete " + Names<ProtocolError>(ProtocolError.None, ProtocolError.InvalidDeflate),
        "deflate: read incomplete InvalidDeflate InvalidUtf8 MessageTooBig TooManyFragments ReservedBits",
        "engine-payload: text binary malformed malformed_behind_packets",
        "socket-packet: waiting no_text " + Names(SocketPacketError.None) + Names<SocketPacketType>(),
        // The last three errors are those of EnvelopeRules, which come after reading.
        "envelope: no_text " + Names<EnvelopeKind>() + Names(
            EnvelopeError.None, EnvelopeError.ReservedEvent, EnvelopeError.AlreadyConnected, EnvelopeError.InvalidAuth),
    ];

    public static IEnumerable<string> Targets => FuzzTargets.All.Keys;

    [TestCaseSource(nameof(Targets))]
    public void Every_input_of_the_corpus_keeps_the_rules(string target)
    {
        foreach (string file in Inputs(target))
            _ = Run(target, File.ReadAllBytes(file), Path.GetFileName(file));
    }

    [TestCaseSource(nameof(Targets))]
    public void The_corpus_reaches_every_verdict(string target)
    {
        string row = Reached.Single(line => line.StartsWith(target + ":", StringComparison.Ordinal));
        string[] verdicts = row[(target.Length + 1)..].Split(' ', StringSplitOptions.RemoveEmptyEntries);
        IEnumerable<string> actual = Inputs(target)
            .Select(file => Run(target, File.ReadAllBytes(file), file).Replace(' ', '_'));
        Assert.That(actual.Distinct(), Is.SupersetOf(verdicts));
    }

    [TestCaseSource(nameof(Targets))]
    public void A_mutated_input_keeps_the_rules(string target)
    {
        byte[][] seeds = [.. Inputs(target).Select(File.ReadAllBytes)];
        var random = new Random(seeds.Length);
        for (int round = 0; round < Mutations; round++)
        {
            byte[] input = seeds[random.Next(seeds.Length)];
            for (int count = random.Next(1, 5); count > 0; count--)
                input = Mutate(input, seeds[random.Next(seeds.Length)], random);
            _ = Run(target, input, $"round {round}");
        }
    }

    private static string[] Inputs(string target) =>
        Directory.GetFiles(Path.Combine(Repository.Root, "RawWs.Tests", "Fuzzing", "Corpus", target));

    private static string Run(string target, byte[] input, string name)
    {
        try
        {
            return FuzzTargets.All[target](input);
        }
        catch (Exception e)
        {
            Assert.Fail($"{name}, {Convert.ToHexString(input)}: {e}");
            throw;
        }
    }

    private static byte[] Mutate(byte[] input, byte[] other, Random random)
    {
        int at = random.Next(input.Length + 1);
        int end = Math.Min(input.Length, at + random.Next(1, 9));
        byte[] piece = other[random.Next(other.Length + 1)..];
        byte[] mutated = random.Next(6) switch
        {
            0 => [.. input[..at], .. input[end..]],
            1 => [.. input[..end], .. input[at..]],
            2 => [.. input[..at], .. piece.Take(random.Next(1, 33)), .. input[at..]],
            3 => [.. input[..at], .. piece],
            4 => [.. input[..at], (byte)random.Next(256), .. input[end..]],
            _ => Flipped(input, random),
        };
        return mutated.Length > MaxInputBytes ? mutated[..MaxInputBytes] : mutated;
    }

    private static byte[] Flipped(byte[] input, Random random)
    {
        byte[] flipped = [.. input];
        if (flipped.Length > 0)
            flipped[random.Next(flipped.Length)] ^= (byte)(1 << random.Next(8));
        return flipped;
    }

    private static string Names<T>(params IEnumerable<T> except)
        where T : struct, Enum =>
        string.Join(' ', Enum.GetValues<T>().Except(except)) + " ";
}
