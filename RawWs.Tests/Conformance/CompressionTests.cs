using System.Text;
using RawWs.Protocol.WebSockets;
using RawWs.Protocol.WebSockets.Deflate;
using RawWs.Server.Transport;
using RawWs.Tests.Protocol.WebSockets.Deflate;
using RawWs.Tests.Support;

namespace RawWs.Tests.Conformance;

/// <summary>permessage-deflate on the wire (RFC 7692): what is agreed on, what is compressed, and what fails.</summary>
public class CompressionTests
{
    private const string Offer = "Sec-WebSocket-Extensions: permessage-deflate\r\n";

    private static readonly byte[] s_text = DeflateCases.Json(2000);

    [TestCase("permessage-deflate", "permessage-deflate; server_no_context_takeover; client_no_context_takeover")]
    [TestCase("x-other, permessage-deflate; client_max_window_bits",
        "permessage-deflate; server_no_context_takeover; client_no_context_takeover")]
    [TestCase("permessage-deflate; server_max_window_bits=10",
        "permessage-deflate; server_no_context_takeover; client_no_context_takeover; server_max_window_bits=10")]
    [TestCase("permessage-deflate; server_max_window_bits=8, permessage-deflate; server_max_window_bits=9",
        "permessage-deflate; server_no_context_takeover; client_no_context_takeover; server_max_window_bits=9",
        Description = "An 8 bit window is more than zlib can promise: the next offer counts.")]
    [TestCase("permessage-deflate; unknown, permessage-deflate",
        "permessage-deflate; server_no_context_takeover; client_no_context_takeover")]
    [TestCase("permessage-deflate; unknown", null)]
    [TestCase("permessage-deflate; server_max_window_bits=16", null)]
    [TestCase("permessage-deflate; client_no_context_takeover; client_no_context_takeover", null)]
    [TestCase("x-webkit-deflate-frame", null)]
    public async Task Offer_is_answered_truthfully(string offer, string? answer)
    {
        await using var server = await StartAsync();
        using var client = await WireClient.ConnectAsync(server.EndPoint);
        await client.SendTextAsync(WireClient.Handshake("/echo", $"Sec-WebSocket-Extensions: {offer}\r\n"));
        var head = await client.ReadHeadAsync();
        Assert.That(head, Does.StartWith("HTTP/1.1 101 "));
        Assert.That(
            head.Split("\r\n").SingleOrDefault(line => line.StartsWith("Sec-WebSocket-Extensions")),
            Is.EqualTo(answer is null ? null : $"Sec-WebSocket-Extensions: {answer}"));
        await client.SendFrameAsync(Opcode.Text, "hi");
        Assert.That((await client.ReadFrameAsync()).Text, Is.EqualTo("hi"));
    }

    [Test]
    public async Task Malformed_offer_is_400()
    {
        await using var server = await StartAsync();
        using var client = await WireClient.ConnectAsync(server.EndPoint);
        await client.SendTextAsync(WireClient.Handshake("/echo", "Sec-WebSocket-Extensions: permessage-deflate; =\r\n"));
        Assert.That(await client.ReadHeadAsync(), Does.StartWith("HTTP/1.1 400 "));
    }

    [Test]
    public async Task Server_without_the_option_declines()
    {
        await using var server = await TestServer.StartAsync();
        using var client = await server.OpenAsync(headers: Offer);
        await client.SendAsync(DeflateCases.Frame(Opcode.Text, DeflateCases.Compress("hi"u8)));
        await client.ExpectCloseAsync(CloseCode.ProtocolError);
    }

    [Test]
    public async Task Messages_are_compressed_from_the_threshold_on_both_ways()
    {
        await using var server = await StartAsync();
        using var client = await server.OpenAsync(headers: Offer);
        await client.SendAsync(DeflateCases.Frame(Opcode.Text, DeflateCases.Compress(s_text)));
        var echo = await client.ReadFrameAsync();
        Assert.That(echo.IsCompressed, Is.True);
        Assert.That(DeflateCases.Decompress(echo.Payload), Is.EqualTo(s_text));
        Assert.That(echo.Payload, Has.Length.LessThan(s_text.Length / 2));

        await client.SendAsync(DeflateCases.Frame(Opcode.Text, DeflateCases.Compress("tiny"u8)));
        echo = await client.ReadFrameAsync();
        Assert.That((echo.IsCompressed, echo.Text), Is.EqualTo((false, "tiny")));
    }

    [Test]
    public async Task Uncompressed_fragmented_and_empty_messages_are_mixed_with_compressed_ones()
    {
        await using var server = await StartAsync();
        using var client = await server.OpenAsync(headers: Offer);
        var compressed = DeflateCases.Compress(s_text);
        await client.SendAsync((byte[])[
            .. WireClient.Frame(Opcode.Text, s_text),
            .. DeflateCases.Frame(Opcode.Text, compressed.AsSpan(0, 10), fin: false),
            .. WireClient.Frame(Opcode.Ping, "in between"),
            .. WireClient.Frame(Opcode.Continuation, compressed.AsSpan(10)),
            .. DeflateCases.Frame(Opcode.Binary, [0x00]),
            .. DeflateCases.Frame(Opcode.Binary, [])]);
        Assert.That(DeflateCases.Decompress((await client.ReadFrameAsync()).Payload), Is.EqualTo(s_text));
        Assert.That((await client.ReadFrameAsync()).Text, Is.EqualTo("in between"));
        Assert.That(DeflateCases.Decompress((await client.ReadFrameAsync()).Payload), Is.EqualTo(s_text));
        Assert.That((await client.ReadFrameAsync()).Payload, Is.Empty);
        Assert.That((await client.ReadFrameAsync()).Payload, Is.Empty);
    }

    [Test]
    public async Task Block_that_ends_the_deflate_stream_is_read()
    {
        await using var server = await StartAsync();
        using var client = await server.OpenAsync(headers: Offer);
        // RFC 7692 §7.2.3.4: "Hello" in a block with BFINAL, then in one without.
        await client.SendAsync(DeflateCases.Frame(Opcode.Text, Convert.FromHexString("F348CDC9C9070000")));
        await client.SendAsync(DeflateCases.Frame(Opcode.Text, Convert.FromHexString("F248CDC9C90700")));
        Assert.That((await client.ReadFrameAsync()).Text, Is.EqualTo("Hello"));
        Assert.That((await client.ReadFrameAsync()).Text, Is.EqualTo("Hello"));
    }

    [TestCase("C18537FA213DC8052ACDC9", CloseCode.InvalidPayloadData, Description = "Corrupt data.")]
    [TestCase("4181 00000000 F2 C080 00000000", CloseCode.ProtocolError, Description = "RSV1 on a continuation.")]
    [TestCase("C980 37FA213D", CloseCode.ProtocolError, Description = "RSV1 on a ping.")]
    [TestCase("A180 37FA213D", CloseCode.ProtocolError, Description = "RSV2.")]
    public async Task Violation_is_told_by_its_close_code(string hex, CloseCode code)
    {
        await using var server = await StartAsync();
        using var client = await server.OpenAsync(headers: Offer);
        await client.SendAsync(DeflateCases.Frame(Opcode.Text, DeflateCases.Compress("before"u8)));
        await client.SendHexAsync(hex);
        Assert.That((await client.ReadFrameAsync()).Text, Is.EqualTo("before"));
        await client.ExpectCloseAsync(code);
    }

    [Test]
    public async Task Bad_utf8_fails_at_the_first_bad_byte_that_was_inflated()
    {
        await using var server = await StartAsync();
        using var client = await server.OpenAsync(headers: Offer);
        await client.SendAsync(DeflateCases.Frame(Opcode.Text, DeflateCases.Compress([0x61, 0xFF]), fin: false));
        await client.ExpectCloseAsync(CloseCode.InvalidPayloadData);
    }

    [Test, NonParallelizable]
    public async Task Bomb_is_1009_and_others_are_served()
    {
        await using var server = await StartAsync();
        using var client = await server.OpenAsync(headers: Offer);
        // How much of it is inflated, and what that costs, is seen where the reader is tested.
        await client.TrySendAsync(DeflateCases.Frame(Opcode.Binary, DeflateCases.Compress(new byte[128 << 20])));
        await client.ExpectCloseAsync(CloseCode.MessageTooBig);
        await Probe.ExpectServiceAsync(server);
    }

    [Test]
    public async Task Message_of_the_limit_passes_however_it_is_compressed_and_one_byte_more_is_1009()
    {
        await using var server = await StartAsync();
        var limit = new RawWs.Server.ServerOptions().MaxMessageBytes;
        using (var client = await server.OpenAsync(headers: Offer))
        {
            var message = DeflateCases.Noise(limit);
            await client.SendAsync(DeflateCases.Frame(Opcode.Binary, DeflateCases.Compress(message)));
            Assert.That((await client.ReadFrameAsync()).Payload.AsSpan().SequenceEqual(message), Is.True);
        }

        using (var client = await server.OpenAsync(headers: Offer))
        {
            await client.TrySendAsync(
                DeflateCases.Frame(Opcode.Binary, DeflateCases.Compress(DeflateCases.Json(limit + 1))));
            await client.ExpectCloseAsync(CloseCode.MessageTooBig);
        }
    }

    [Test]
    public async Task Broadcast_reaches_compressed_and_plain_clients_alike()
    {
        var connections = new List<WebSocketConnection>();
        var handler = new CallbackHandler { Open = (connection, _) => connections.Add(connection) };
        await using var server = await StartAsync(takeover: true, path: "/all", handler);
        var client = new (string Headers, int Bits)[]
        {
            ("", 0),
            (Offer, 15),
            ("Sec-WebSocket-Extensions: permessage-deflate; server_max_window_bits=9\r\n", 9),
            ("Sec-WebSocket-Extensions: permessage-deflate; server_no_context_takeover\r\n", 15),
        };
        List<WireClient> clients = [];
        foreach (var (headers, _) in client)
        {
            clients.Add(await server.OpenAsync("/all", headers));
            await Eventually.IsTrueAsync(() => connections.Count == clients.Count);
        }

        var message = new PreparedMessage(Opcode.Text, s_text);
        MessageReader[] readers = [.. client.Select(one => new MessageReader(
            Role.Client,
            new MessageLimits(),
            inflater: new MessageInflater(
                DeflateCases.Pool, new DeflateParameters(false, false, Math.Max(9, one.Bits), 15), Role.Client)))];
        for (var round = 0; round < 3; round++)
        {
            foreach (var connection in connections)
                connection.Send(message);
            for (var i = 0; i < clients.Count; i++)
            {
                var frame = await clients[i].ReadFrameAsync();
                Assert.That(frame.IsCompressed, Is.EqualTo(client[i].Bits > 0));
                if (!frame.IsCompressed)
                    Assert.That(frame.Payload, Is.EqualTo(s_text));
                else if (i < 3)
                    Assert.That(ReadWithTakeover(readers[i], frame), Is.EqualTo(Encoding.ASCII.GetString(s_text)));
                else
                    Assert.That(DeflateCases.Decompress(frame.Payload), Is.EqualTo(s_text));
            }
        }

        clients.ForEach(one => one.Dispose());
        Array.ForEach(readers, reader => reader.Dispose());
    }

    private static string ReadWithTakeover(MessageReader reader, WireFrame frame)
    {
        var bytes = new byte[FrameHeader.MaxSize + frame.Payload.Length];
        var size = new FrameHeader(Opcode.Text, frame.Payload.Length, true, FrameHeader.Rsv1).Write(bytes);
        frame.Payload.CopyTo(bytes, size);
        reader.Append(bytes.AsSpan(0, size + frame.Payload.Length));
        Assert.That(reader.TryRead(out var message), Is.True);
        return Encoding.ASCII.GetString(message.Payload.Span);
    }

    private static Task<TestServer> StartAsync(
        bool takeover = false, string? path = null, WebSocketHandler? handler = null) => TestServer.StartAsync(
        options => options.Deflate = new DeflateOptions
        {
            ServerNoContextTakeover = !takeover,
            ClientNoContextTakeover = !takeover,
        },
        server =>
        {
            if (path is not null)
                server.MapWebSocket(path, handler!);
        });
}
