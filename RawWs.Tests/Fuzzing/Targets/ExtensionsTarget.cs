using System.Text;
using RawWs.Protocol.Http;
using RawWs.Protocol.WebSockets.Deflate;
using static RawWs.Tests.Fuzzing.Targets.FuzzInput;

namespace RawWs.Tests.Fuzzing.Targets;

/// <summary>Lines of Sec-WebSocket-Extensions, to a server and to a client.</summary>
internal static class ExtensionsTarget
{
    public static string Run(byte[] input)
    {
        if (input.Length == 0)
            return "";
        string[] lines = Encoding.Latin1.GetString(input, 1, input.Length - 1).Split('\n');
        DeflateOptions options = Options(input[0]);
        string client = DeflateNegotiation.TryReadAnswer(lines, options, out DeflateParameters? answered)
            ? answered is { } agreed ? CheckAnswer(agreed, options) : "plain"
            : "fails";

        List<ExtensionOffer> offers = [];
        if (!lines.All(line => ExtensionListReader.TryRead(line, offers)))
        {
            Must(client == "fails", "a client fails over a malformed answer");
            return "malformed";
        }

        Must(offers.Sum(offer => 1 + offer.Parameters.Count) <= input.Length, "no offer comes from nothing");
        CheckRoundTrip(offers);
        return $"{CheckServer(offers, options)} {client}";
    }

    private static DeflateOptions Options(byte choice) => new()
    {
        ServerNoContextTakeover = (choice & 1) != 0,
        ClientNoContextTakeover = (choice & 2) != 0,
        ServerMaxWindowBits = (choice & 4) != 0 ? 15 : 10,
        ClientMaxWindowBits = (choice & 8) != 0 ? 15 : 12,
    };

    private static void CheckRoundTrip(List<ExtensionOffer> offers)
    {
        List<ExtensionOffer> again = [];
        Must(ExtensionListReader.TryRead(Write(offers), again), "what was read can be written");
        MustEqual(Write(again), Write(offers), "what was written is read");
    }

    private static string CheckServer(List<ExtensionOffer> offers, DeflateOptions options)
    {
        if (!DeflateNegotiation.TryAccept(offers, options, out DeflateParameters agreed, out string answer))
            return "declined";
        List<ExtensionOffer> read = [];
        Must(ExtensionListReader.TryRead(answer, read) && read is [{ Name: "permessage-deflate" }], "an answer is one extension");
        Must(agreed.ServerMaxWindowBits is >= 9 and <= 15, "the server keeps to its window");
        Must(agreed.ServerMaxWindowBits <= options.ServerMaxWindowBits, "the server uses no more than it wants to");
        Must(!options.ServerNoContextTakeover || agreed.ServerNoContextTakeover, "the server forgets if it wants to");

        // RFC 7692 §7.1.2.2: the answer has the parameter only if some offer had it.
        Must(
            !answer.Contains("client_max_window_bits", StringComparison.Ordinal)
                || offers.Any(offer => offer.Parameters.Any(parameter => parameter.Name == "client_max_window_bits")),
            "a client is not asked for what it does not know");
        return "accepted";
    }

    private static string CheckAnswer(DeflateParameters agreed, DeflateOptions options)
    {
        Must(agreed.ServerMaxWindowBits <= options.ServerMaxWindowBits, "no larger window than was asked for");
        Must(agreed.ClientMaxWindowBits is >= 8 and <= 15, "a window is one");
        Must(!options.ServerNoContextTakeover || agreed.ServerNoContextTakeover, "the server grants what was asked");
        return "agreed";
    }

    private static string Write(IEnumerable<ExtensionOffer> offers) => string.Join(
        ", ",
        offers.Select(offer => string.Concat(
            [offer.Name, .. offer.Parameters.Select(p => p.Value is null ? $"; {p.Name}" : $"; {p.Name}={p.Value}")])));
}
