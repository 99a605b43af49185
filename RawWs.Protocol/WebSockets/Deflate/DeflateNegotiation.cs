using System.Globalization;
using System.Text;
using RawWs.Protocol.Http;

namespace RawWs.Protocol.WebSockets.Deflate;

/// <summary>The negotiation of permessage-deflate in Sec-WebSocket-Extensions (RFC 7692 §5 and
/// §7.1).</summary>
public static class DeflateNegotiation
{
    /// <summary>The name of the header.</summary>
    public const string HeaderName = "Sec-WebSocket-Extensions";

    private const string Extension = "permessage-deflate";
    private const string ServerNoContextTakeover = "server_no_context_takeover";
    private const string ClientNoContextTakeover = "client_no_context_takeover";
    private const string ServerMaxWindowBits = "server_max_window_bits";
    private const string ClientMaxWindowBits = "client_max_window_bits";

    /// <summary>Whether this process can compress at all; if not, nothing must be offered, and
    /// <see cref="TryAccept"/> declines every offer.</summary>
    public static bool IsAvailable => Zlib.IsAvailable;

    /// <summary>Server: accepts the first offer that can be kept to.</summary>
    /// <param name="offers">The client's offers, its favourite first; those of other extensions are passed
    /// over.</param>
    /// <param name="options">What the server wants.</param>
    /// <param name="agreed">What both ends now keep to.</param>
    /// <param name="answer">The value of the header that tells the client.</param>
    /// <returns>False if every offer is declined: the header is left out, the connection is
    /// uncompressed.</returns>
    public static bool TryAccept(
        IReadOnlyList<ExtensionOffer> offers,
        DeflateOptions options,
        out DeflateParameters agreed,
        out string answer)
    {
        ArgumentNullException.ThrowIfNull(offers);
        ArgumentNullException.ThrowIfNull(options);
        foreach (ExtensionOffer offer in offers)
        {
            // RFC 7692 §7.1.2.1: a window of 8 bits, which zlib cannot keep to, is declined.
            if (offer.Name == Extension
                && Terms.TryRead(offer.Parameters, out Terms terms)
                && terms.ServerBits != WindowBits.MinOnWire
                && IsAvailable)
            {
                Terms accepted = Accept(terms, options);
                agreed = accepted.Agreed();
                answer = accepted.ToString();
                return true;
            }
        }

        agreed = default;
        answer = "";
        return false;
    }

    /// <summary>Client: the value of the header that offers what the options want.</summary>
    public static string WriteOffer(DeflateOptions options) => Offer(options).ToString();

    /// <summary>Client: checks the server's answer to <see cref="WriteOffer"/>.</summary>
    /// <param name="lines">The values of all lines of the header.</param>
    /// <param name="options">What was offered.</param>
    /// <param name="agreed">What both ends now keep to; null if the connection is uncompressed.</param>
    /// <returns>False if the client must fail the connection (RFC 6455 §4.1, RFC 7692 §7.1).</returns>
    public static bool TryReadAnswer(
        IEnumerable<string> lines, DeflateOptions options, out DeflateParameters? agreed)
    {
        ArgumentNullException.ThrowIfNull(lines);
        Terms offer = Offer(options);
        agreed = null;
        List<ExtensionOffer> answers = [];
        if (!lines.All(line => ExtensionListReader.TryRead(line, answers)))
        {
            return false;
        }

        if (answers is [])
        {
            return true;
        }

        if (answers is not [{ Name: Extension } answer]
            || !Terms.TryRead(answer.Parameters, out Terms terms)
            || !IsWithin(terms, offer))
        {
            return false;
        }

        // §7.1.1.2 and §7.1.2.2: a client keeps to its own hints even if the server does not repeat them.
        agreed = (terms with
        {
            ClientForgets = terms.ClientForgets || offer.ClientForgets,
            ClientBits = terms.ClientBits ?? options.ClientMaxWindowBits,
        }).Agreed();
        return true;
    }

    private static Terms Accept(Terms offer, DeflateOptions options)
    {
        // §7.1.2.1: the server may answer a smaller window than was asked for, or one when none was.
        int serverBits = Math.Min(offer.ServerBits ?? WindowBits.Max, options.ServerMaxWindowBits);

        // §7.1.2.2: without the parameter in the offer it must not be in the answer; without a value it is
        // only a hint that it may be.
        int clientBits = Math.Min(offer.ClientBits ?? WindowBits.Max, options.ClientMaxWindowBits);
        bool namesClientBits = offer.ClientBits is not null || clientBits < WindowBits.Max;
        return new Terms
        {
            ServerForgets = offer.ServerForgets || options.ServerNoContextTakeover,
            ClientForgets = offer.ClientForgets || options.ClientNoContextTakeover,
            ServerBits = offer.ServerBits is not null || serverBits < WindowBits.Max ? serverBits : null,
            ClientBits = offer.KnowsClientBits && namesClientBits ? clientBits : null,
        };
    }

    private static Terms Offer(DeflateOptions options)
    {
        ArgumentNullException.ThrowIfNull(options);
        return new Terms
        {
            ServerForgets = options.ServerNoContextTakeover,
            ClientForgets = options.ClientNoContextTakeover,
            ServerBits = options.ServerMaxWindowBits < WindowBits.Max ? options.ServerMaxWindowBits : null,
            KnowsClientBits = true,
            ClientBits = options.ClientMaxWindowBits < WindowBits.Max ? options.ClientMaxWindowBits : null,
        };
    }

    // §7.1.1.1, §7.1.2: the server must grant what was asked of it, may grant more, and
    // client_max_window_bits needs a value in an answer.
    private static bool IsWithin(in Terms answer, in Terms offer) =>
        (answer.ServerForgets || !offer.ServerForgets)
        && (offer.ServerBits is not int serverBits || answer.ServerBits <= serverBits)
        && (answer.ClientBits is not null || !answer.KnowsClientBits)
        && (answer.ClientBits ?? 0) <= (offer.ClientBits ?? WindowBits.Max);

    /// <summary>The parameters of one offer or answer, null for a window that is not mentioned.</summary>
    private readonly record struct Terms
    {
        public bool ServerForgets { get; init; }

        public bool ClientForgets { get; init; }

        public int? ServerBits { get; init; }

        public int? ClientBits { get; init; }

        /// <summary>Whether client_max_window_bits is there, be it with or without a value.</summary>
        public bool KnowsClientBits { get; init; }

        // §7.1: an unknown parameter, one given twice, or an invalid value declines the offer.
        public static bool TryRead(IReadOnlyList<ExtensionParameter> parameters, out Terms terms)
        {
            terms = default;
            foreach ((string name, string? value) in parameters)
            {
                int? bits = ReadBits(value);
                Terms? next = name switch
                {
                    ServerNoContextTakeover when value is null && !terms.ServerForgets =>
                        terms with { ServerForgets = true },
                    ClientNoContextTakeover when value is null && !terms.ClientForgets =>
                        terms with { ClientForgets = true },
                    ServerMaxWindowBits when bits is not null && terms.ServerBits is null =>
                        terms with { ServerBits = bits },
                    ClientMaxWindowBits when value is null == bits is null && !terms.KnowsClientBits =>
                        terms with { ClientBits = bits, KnowsClientBits = true },
                    _ => null,
                };
                if (next is null)
                {
                    return false;
                }

                terms = next.Value;
            }

            return true;
        }

        public DeflateParameters Agreed() => new(
            ServerForgets, ClientForgets, ServerBits ?? WindowBits.Max, ClientBits ?? WindowBits.Max);

        public override string ToString()
        {
            var text = new StringBuilder(Extension);
            AppendIf(ServerForgets, ServerNoContextTakeover, null);
            AppendIf(ClientForgets, ClientNoContextTakeover, null);
            AppendIf(ServerBits is not null, ServerMaxWindowBits, ServerBits);
            AppendIf(KnowsClientBits || ClientBits is not null, ClientMaxWindowBits, ClientBits);
            return text.ToString();

            void AppendIf(bool condition, string name, int? value)
            {
                if (condition)
                {
                    text.Append("; ").Append(name);
                    text.Append(CultureInfo.InvariantCulture, $"{(value is null ? "" : "=")}{value}");
                }
            }
        }

        // §7.1.2: "a decimal integer value without leading zeroes between 8 to 15, inclusive".
        private static int? ReadBits(string? value) => value switch
        {
            "8" => 8,
            "9" => 9,
            "10" => 10,
            "11" => 11,
            "12" => 12,
            "13" => 13,
            "14" => 14,
            "15" => 15,
            _ => null,
        };
    }
}
