using System.Globalization;
using System.Text;
using RawWs.Protocol.EngineIO;
using RawWs.Protocol.Http;
using static RawWs.Tests.Fuzzing.Targets.FuzzInput;

namespace RawWs.Tests.Fuzzing.Targets;

/// <summary>Heads of requests, one behind the other, and all that is read from them.</summary>
internal static class HttpHeadTarget
{
    private static readonly HttpLimits[] Limits =
        [new(), new() { MaxRequestLineBytes = 48, MaxHeaderBytes = 160, MaxHeaders = 6 }];

    public static string Run(byte[] input)
    {
        if (!TryRead(input, out FuzzInput? fuzz))
            return "";
        HttpLimits limits = Limits[fuzz.Options & 1];
        string outcome = fuzz.Agree(chunks => Read(fuzz.Wire, chunks, limits));
        return outcome[(outcome.LastIndexOf('\n') + 1)..];
    }

    private static string Read(byte[] wire, IEnumerable<int> chunks, HttpLimits limits)
    {
        var parser = new RequestParser(limits);
        var outcome = new StringBuilder();
        int start = 0;
        int end = 0;
        foreach (int chunk in chunks)
        {
            end += chunk;
            HttpParseStatus status;
            RequestHead? head;
            while ((status = parser.Read(wire.AsSpan(start..end), out head, out int consumed))
                == HttpParseStatus.Complete)
            {
                CheckAgainstWire(head!, wire.AsSpan(start, consumed));
                CheckRoundTrip(head!, limits);
                outcome.Append(Describe(head!)).Append('\n');
                start += consumed;
            }

            Must(head is null, "there is a head only when it is complete");
            if (status == HttpParseStatus.Failed)
                return outcome.Append(CultureInfo.InvariantCulture, $"{parser.Error.Status}").ToString();
            Must(end - start <= limits.MaxHeadBytes, "no more has to be kept than the limit says");
        }

        return outcome.Append(start == wire.Length ? "complete" : "incomplete").ToString();
    }

    // RFC 9112 §2.2, §5: what another recipient would read from the same lines.
    private static void CheckAgainstWire(RequestHead head, ReadOnlySpan<byte> wire)
    {
        string text = Encoding.Latin1.GetString(wire);
        if (text.StartsWith("\r\n", StringComparison.Ordinal))
            text = text[2..];
        string[] lines = text.Split("\r\n");
        Must(lines.Length == head.Headers.Count + 3, "each line is a header");
        Must(lines[^1].Length == 0 && lines[^2].Length == 0, "an empty line ends the head");
        Must(lines.All(line => line.AsSpan().IndexOfAny("\r\n\0") < 0), "only CRLF ends a line");
        MustEqual(RequestLine(head), lines[0], "the request line");
        for (int i = 0; i < head.Headers.Count; i++)
        {
            (string name, string value) = head.Headers[i];
            string[] parts = lines[i + 1].Split(':', 2);
            MustEqual(name, parts[0], "the name of a header");
            MustEqual(value, parts[1].Trim(' ', '\t'), "the value of a header");
        }
    }

    private static void CheckRoundTrip(RequestHead head, HttpLimits limits)
    {
        IEnumerable<string> lines = head.Headers.Select(line => $"{line.Key}:{line.Value}");
        byte[] wire = Encoding.Latin1.GetBytes(string.Join("\r\n", [RequestLine(head), .. lines, "", ""]));
        HttpParseStatus status = new RequestParser(limits).Read(wire, out RequestHead? again, out int consumed);
        Must(status == HttpParseStatus.Complete && consumed == wire.Length, "what was read can be written");
        MustEqual(Describe(again!), Describe(head), "what was written is read");
    }

    private static string RequestLine(RequestHead head) =>
        $"{head.Method} {head.Target} HTTP/1.{(head.IsHttp11 ? 1 : 0)}";

    private static string Describe(RequestHead head)
    {
        Must(!head.IsChunked || head.ContentLength is null, "a body has one framing");
        Must(head.Host.Length > 0 || !head.IsHttp11, "HTTP/1.1 has a host");
        string path = PathDecoder.TryDecode(head.Path, out string decoded) ? decoded : "refused";
        Must(!path.Split('/').Contains("..") && path.AsSpan().IndexOfAny("\\\0:") < 0, "a path leads nowhere else");
        string upgrade = WebSocketUpgrade.TryRead(head, out WebSocketUpgrade? handshake, out HttpError error)
            ? $"{handshake.Origin} {string.Join(',', handshake.Subprotocols)} {handshake.Extensions.Count}"
            : $"{error.Status}";
        Must(handshake is null || Convert.FromBase64String(handshake.Key).Length == 16, "a key has 16 bytes");
        return string.Join(
            ' ',
            RequestLine(head), head.Host, head.KeepAlive, head.IsChunked, head.ContentLength, head.ExpectsContinue,
            path, upgrade, EngineQuery.Read(head.Query), string.Join('&', QueryString.Enumerate(head.Query)),
            string.Join('|', head.Headers)).Replace('\n', ' ');
    }
}
