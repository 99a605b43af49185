using RawWs.Protocol.Http;
using RawWs.Protocol.WebSockets.Deflate;

namespace RawWs.Tests.Protocol.WebSockets.Deflate;

public sealed class DeflateNegotiationTests
{
    private const string Name = "permessage-deflate";

    private static readonly DeflateOptions Takeover =
        new() { ServerNoContextTakeover = false, ClientNoContextTakeover = false };

    [TestCase("", "")]
    [TestCase("server_no_context_takeover", "server_no_context_takeover")]
    [TestCase("client_no_context_takeover", "client_no_context_takeover")]
    [TestCase("server_max_window_bits=9", "server_max_window_bits=9")]
    [TestCase("server_max_window_bits=15", "server_max_window_bits=15")]
    [TestCase("server_max_window_bits=\"10\"", "server_max_window_bits=10")]
    [TestCase("client_max_window_bits", "")]
    [TestCase("client_max_window_bits=8", "client_max_window_bits=8")]
    [TestCase("client_max_window_bits=15", "client_max_window_bits=15")]
    [TestCase(
        "client_max_window_bits=11; server_no_context_takeover; server_max_window_bits=12; "
        + "client_no_context_takeover",
        "server_no_context_takeover; client_no_context_takeover; server_max_window_bits=12; "
        + "client_max_window_bits=11")]
    public void Server_grants_what_is_asked_for_and_asks_for_nothing_itself(string offer, string answer) =>
        Assert.That(Answer(With(offer), Takeover), Is.EqualTo(With(answer)));

    [TestCase("", "server_max_window_bits=12")]
    [TestCase("server_max_window_bits=15", "server_max_window_bits=12")]
    [TestCase("server_max_window_bits=10", "server_max_window_bits=10")]
    [TestCase("client_max_window_bits", "server_max_window_bits=12; client_max_window_bits=10")]
    [TestCase("client_max_window_bits=15", "server_max_window_bits=12; client_max_window_bits=10")]
    [TestCase("client_max_window_bits=9", "server_max_window_bits=12; client_max_window_bits=9")]
    public void Server_asks_for_smaller_windows_where_the_client_understands_it(string offer, string answer)
    {
        DeflateOptions options = Takeover with { ServerMaxWindowBits = 12, ClientMaxWindowBits = 10 };
        Assert.That(Answer(With(offer), options), Is.EqualTo(With(answer)));
    }

    [Test]
    public void Server_wants_no_context_takeover_unless_told_otherwise() =>
        Assert.That(
            Answer(Name, new DeflateOptions()),
            Is.EqualTo($"{Name}; server_no_context_takeover; client_no_context_takeover"));

    [TestCase("server_no_context_takeover=true")]
    [TestCase("server_no_context_takeover=\"x\"")]
    [TestCase("client_no_context_takeover=1")]
    [TestCase("server_max_window_bits")]
    [TestCase("server_max_window_bits=8")]
    [TestCase("server_max_window_bits=7")]
    [TestCase("server_max_window_bits=16")]
    [TestCase("server_max_window_bits=09")]
    [TestCase("server_max_window_bits=+9")]
    [TestCase("server_max_window_bits=0x9")]
    [TestCase("server_max_window_bits=99999999999999999999")]
    [TestCase("client_max_window_bits=7")]
    [TestCase("client_max_window_bits=16")]
    [TestCase("client_max_window_bits=08")]
    [TestCase("client_max_window_bits=x")]
    [TestCase("server_no_context_takeover; server_no_context_takeover")]
    [TestCase("client_no_context_takeover; client_no_context_takeover")]
    [TestCase("server_max_window_bits=10; server_max_window_bits=10")]
    [TestCase("client_max_window_bits; client_max_window_bits")]
    [TestCase("client_max_window_bits; client_max_window_bits=10")]
    [TestCase("client_max_window_bits=10; client_max_window_bits")]
    [TestCase("unknown")]
    [TestCase("SERVER_NO_CONTEXT_TAKEOVER")]
    public void An_offer_that_is_invalid_or_impossible_is_declined_alone(string parameters)
    {
        Assert.That(Answer(With(parameters), Takeover), Is.Null);
        Assert.That(
            Answer($"{With(parameters)}, {Name}; server_max_window_bits=10", Takeover),
            Is.EqualTo($"{Name}; server_max_window_bits=10"));
    }

    [TestCase("")]
    [TestCase("x-webkit-deflate-frame")]
    [TestCase("permessage-bzip2; server_no_context_takeover")]
    [TestCase("Permessage-Deflate")]
    public void Other_extensions_are_passed_over(string other)
    {
        Assert.That(Answer(other, Takeover), Is.Null);
        Assert.That(Answer(other.Length == 0 ? Name : $"{other}, {Name}", Takeover), Is.EqualTo(Name));
    }

    [Test]
    public void The_first_acceptable_offer_is_taken() =>
        Assert.That(
            Answer($"a, {Name}; x, {Name}; server_max_window_bits=8, {Name}; b=\"1\\0\", {Name}; "
                + $"server_max_window_bits=11, {Name}", Takeover),
            Is.EqualTo($"{Name}; server_max_window_bits=11"));

    [Test]
    public void Server_keeps_to_its_answer()
    {
        List<ExtensionOffer> offers = Offers(
            $"{Name}; server_max_window_bits=11; client_max_window_bits=8; client_no_context_takeover");
        DeflateNegotiation.TryAccept(offers, Takeover, out DeflateParameters agreed, out _);
        Assert.That(agreed, Is.EqualTo(new DeflateParameters(false, true, 11, 8)));
        DeflateNegotiation.TryAccept(Offers(Name), new DeflateOptions(), out agreed, out _);
        Assert.That(agreed, Is.EqualTo(new DeflateParameters(true, true, 15, 15)));
    }

    [Test]
    public void Client_offers_what_it_wants()
    {
        Assert.That(DeflateNegotiation.WriteOffer(Takeover), Is.EqualTo($"{Name}; client_max_window_bits"));
        var options = new DeflateOptions { ServerMaxWindowBits = 10, ClientMaxWindowBits = 9 };
        Assert.That(
            DeflateNegotiation.WriteOffer(options),
            Is.EqualTo(
                $"{Name}; server_no_context_takeover; client_no_context_takeover; "
                + "server_max_window_bits=10; client_max_window_bits=9"));
    }

    [TestCase("", false, false, 15, 15)]
    [TestCase("server_no_context_takeover", true, false, 15, 15)]
    [TestCase("client_no_context_takeover", false, true, 15, 15)]
    [TestCase("server_max_window_bits=8", false, false, 8, 15)]
    [TestCase("server_max_window_bits=15", false, false, 15, 15)]
    [TestCase("client_max_window_bits=8", false, false, 15, 8)]
    [TestCase("client_max_window_bits=15; server_max_window_bits=9", false, false, 9, 15)]
    public void Client_keeps_to_the_answer(
        string answer, bool serverForgets, bool clientForgets, int serverBits, int clientBits)
    {
        Assert.That(DeflateNegotiation.TryReadAnswer([With(answer)], Takeover, out var agreed), Is.True);
        Assert.That(
            agreed, Is.EqualTo(new DeflateParameters(serverForgets, clientForgets, serverBits, clientBits)));
    }

    [TestCase("server_no_context_takeover; server_max_window_bits=10", 10, 9)]
    [TestCase("server_no_context_takeover; server_max_window_bits=9; client_max_window_bits=8", 9, 8)]
    [TestCase("server_no_context_takeover; server_max_window_bits=9; client_no_context_takeover", 9, 9)]
    public void Client_keeps_to_its_own_hints_too(string answer, int serverBits, int clientBits)
    {
        var options = new DeflateOptions { ServerMaxWindowBits = 10, ClientMaxWindowBits = 9 };
        Assert.That(DeflateNegotiation.TryReadAnswer([With(answer)], options, out var agreed), Is.True);
        Assert.That(agreed, Is.EqualTo(new DeflateParameters(true, true, serverBits, clientBits)));
    }

    [TestCase("server_max_window_bits=10", Description = "asked for server_no_context_takeover")]
    [TestCase("server_no_context_takeover", Description = "asked for server_max_window_bits")]
    [TestCase("server_no_context_takeover; server_max_window_bits=11")]
    [TestCase("server_no_context_takeover; server_max_window_bits=10; client_max_window_bits=10")]
    [TestCase("server_no_context_takeover; server_max_window_bits=10; client_max_window_bits")]
    [TestCase("server_no_context_takeover; server_max_window_bits=10; unknown")]
    public void Client_refuses_an_answer_to_another_offer(string answer)
    {
        var options = new DeflateOptions { ServerMaxWindowBits = 10, ClientMaxWindowBits = 9 };
        Assert.That(DeflateNegotiation.TryReadAnswer([With(answer)], options, out _), Is.False);
    }

    [TestCase("other")]
    [TestCase("permessage-deflate, permessage-deflate")]
    [TestCase("permessage-deflate;")]
    [TestCase("permessage-deflate; client_max_window_bits")]
    public void Client_refuses_an_answer_that_no_server_may_give(string answer) =>
        Assert.That(DeflateNegotiation.TryReadAnswer([answer], Takeover, out _), Is.False);

    [Test]
    public void Client_goes_on_without_compression_if_the_server_declines()
    {
        Assert.That(DeflateNegotiation.TryReadAnswer([], Takeover, out DeflateParameters? agreed), Is.True);
        Assert.That(agreed, Is.Null);
    }

    [Test]
    public void Both_ends_agree_whatever_they_want(
        [Values] bool serverForgets, [Values] bool clientForgets, [Values(9, 12, 15)] int serverBits,
        [Values(9, 12, 15)] int clientBits, [Values] bool isOffered)
    {
        var wish = new DeflateOptions
        {
            ServerNoContextTakeover = serverForgets,
            ClientNoContextTakeover = clientForgets,
            ServerMaxWindowBits = serverBits,
            ClientMaxWindowBits = clientBits,
        };
        (DeflateOptions client, DeflateOptions server) = isOffered ? (wish, Takeover) : (Takeover, wish);
        List<ExtensionOffer> offers = Offers(DeflateNegotiation.WriteOffer(client));
        Assert.That(DeflateNegotiation.TryAccept(offers, server, out var agreed, out string answer), Is.True);
        Assert.That(DeflateNegotiation.TryReadAnswer([answer], client, out var atClient), Is.True);
        var expected = new DeflateParameters(serverForgets, clientForgets, serverBits, clientBits);
        Assert.That((agreed, atClient), Is.EqualTo((expected, expected)));
    }

    [TestCase(8)]
    [TestCase(16)]
    public void A_window_that_zlib_cannot_keep_to_is_no_option(int bits)
    {
        Type expected = typeof(ArgumentOutOfRangeException);
        Assert.That(() => new DeflateOptions { ServerMaxWindowBits = bits }, Throws.TypeOf(expected));
        Assert.That(() => new DeflateOptions { ClientMaxWindowBits = bits }, Throws.TypeOf(expected));
    }

    private static string With(string parameters) => parameters.Length == 0 ? Name : $"{Name}; {parameters}";

    private static string? Answer(string line, DeflateOptions options) =>
        DeflateNegotiation.TryAccept(Offers(line), options, out _, out string answer) ? answer : null;

    private static List<ExtensionOffer> Offers(string line)
    {
        var offers = new List<ExtensionOffer>();
        Assert.That(line.Length == 0 || ExtensionListReader.TryRead(line, offers), Is.True, line);
        return offers;
    }
}
