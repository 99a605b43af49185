using System.Globalization;
using System.Text;
using RawWs.Protocol.Http;
using static RawWs.Tests.Fuzzing.Targets.FuzzInput;

namespace RawWs.Tests.Fuzzing.Targets;

/// <summary>The body of one request, chunked or counted.</summary>
internal static class HttpBodyTarget
{
    private const int MaxBodyBytes = 300;

    private static readonly HttpLimits Limits = new()
    {
        MaxBodyBytes = MaxBodyBytes,
        MaxHeaderBytes = 64,
        MaxHeaders = 3,
        MaxChunkExtensionBytes = 40,
    };

    private static readonly RequestHead Chunked = Head("Transfer-Encoding: chunked");

    public static string Run(byte[] input)
    {
        if (!TryRead(input, out FuzzInput? fuzz))
            return "";

        // Bit 0: counted, the other bits are the length. Otherwise they are the room that a call has.
        bool isCounted = (fuzz.Options & 1) != 0;
        int number = fuzz.Options >> 1;
        RequestHead head = isCounted ? Head($"Content-Length: {number * 3}") : Chunked;
        int room = isCounted ? 7 : number + 1;
        string outcome = fuzz.Agree(chunks => Read(head, fuzz.Wire, chunks, room));
        if (!isCounted)
            MustEqual(outcome.Split('\n')[0], NaiveChunks(fuzz.Wire), "a naive reader's body");
        return outcome[(outcome.LastIndexOf('\n') + 1)..];
    }

    private static string Read(RequestHead head, byte[] wire, IEnumerable<int> chunks, int room)
    {
        var reader = new BodyReader(head, Limits);
        var body = new StringBuilder();
        byte[] buffer = new byte[room];
        int position = 0;
        int end = 0;
        int calls = 0;
        var status = HttpParseStatus.Incomplete;
        foreach (int chunk in chunks.Prepend(0))
        {
            end += chunk;
            int consumed;
            int written;
            do
            {
                status = reader.Read(wire.AsSpan(position..end), buffer, out consumed, out written);
                position += consumed;
                body.Append(Convert.ToHexString(buffer, 0, written));
                calls++;
            }
            while (status == HttpParseStatus.Incomplete && consumed + written > 0);
            if (status != HttpParseStatus.Incomplete)
                break;
            Must(position == end, "an unfinished body takes all that is there");
        }

        Must(reader.Received == body.Length / 2 && reader.Received <= MaxBodyBytes, "the limit is kept");
        Must(calls <= (2 * wire.Length) + 4, "each call gets on");
        string verdict = status switch
        {
            HttpParseStatus.Complete => string.Create(CultureInfo.InvariantCulture, $"{position}\ncomplete"),
            HttpParseStatus.Failed => string.Create(CultureInfo.InvariantCulture, $"\n{reader.Error.Status}"),
            _ => "\nincomplete",
        };
        return $"{body}\n{verdict}";
    }

    // Follows the chunks without any state; what is malformed ends it.
    private static string NaiveChunks(byte[] wire)
    {
        var body = new StringBuilder();
        string rest = Encoding.Latin1.GetString(wire);
        int extensions = 0;
        while (true)
        {
            int end = rest.IndexOf("\r\n", StringComparison.Ordinal);
            string line = end < 0 ? "" : rest[..end];
            string digits = line.Split(';')[0];
            extensions += line.Length - digits.Length;
            bool isSize = uint.TryParse(
                digits, NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out uint size)
                && digits.Length <= 16
                && digits.All(char.IsAsciiHexDigit)
                && size <= MaxBodyBytes - (body.Length / 2);
            if (!isSize || size == 0 || !IsExtension(line[digits.Length..], extensions))
                return body.ToString();
            string data = rest[(end + 2)..];
            body.Append(Convert.ToHexString(Encoding.Latin1.GetBytes(data[..Math.Min(data.Length, (int)size)])));
            if (data.Length < (int)size + 2 || data.Substring((int)size, 2) != "\r\n")
                return body.ToString();
            rest = data[((int)size + 2)..];
        }
    }

    private static bool IsExtension(string text, int total) =>
        total <= Limits.MaxChunkExtensionBytes && text.All(c => c is '\t' or (>= ' ' and not '\x7F'));

    private static RequestHead Head(string line)
    {
        byte[] wire = Encoding.ASCII.GetBytes($"POST / HTTP/1.1\r\nHost: a\r\n{line}\r\n\r\n");
        new RequestParser(new HttpLimits()).Read(wire, out RequestHead? head, out _);
        return head!;
    }
}
