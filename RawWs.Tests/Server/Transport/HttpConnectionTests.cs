using System.Text;
using System.Text.RegularExpressions;
using Microsoft.Extensions.Logging.Abstractions;
using RawWs.Protocol.WebSockets;
using RawWs.Server;
using RawWs.Server.Diagnostics;
using RawWs.Server.Engine;
using RawWs.Server.Transport;
using RawWs.Tests.Support;

namespace RawWs.Tests.Server.Transport;

public partial class HttpConnectionTests
{
    private readonly EngineEcho _handler = new();
    private MemoryTransport _transport = null!;
    private MemoryTransport _peer = null!;
    private ServerMetrics _metrics = null!;

    [SetUp]
    public void Connect()
    {
        (_transport, _peer) = MemoryTransport.CreatePair();
        _metrics = new ServerMetrics(null);
        var context = new ServerContext(new ServerOptions(), NullLogger.Instance, _metrics, TimeProvider.System);
        context.Routes.Add(new EngineEndpoint(context, "/engine.io", _handler, new EngineOptions()));
        IThreadPoolWorkItem connection = new HttpConnection(context, _transport);
        connection.Execute();
    }

    [TearDown]
    public void Disconnect()
    {
        _peer.Close();
        _metrics.Dispose();
    }

    [Test]
    public async Task Poll_is_answered_although_a_receive_told_of_bytes_that_are_not_there()
    {
        var opened = await AskAsync("/engine.io/?EIO=4&transport=polling");
        var sid = Sid().Match(opened).Groups[1].Value;
        _transport.EarlyReceives = 3;
        var polling = AskAsync($"/engine.io/?EIO=4&transport=polling&sid={sid}");
        await Eventually.IsTrueAsync(() => _handler.Last!.IsPolled && _transport.EarlyReceives <= 0);
        _handler.Last!.Send(Opcode.Text, "late"u8);
        Assert.That(await polling, Does.EndWith("\r\n\r\n4late"));
    }

    [Test]
    public async Task Timeout_of_a_body_sends_nothing_beside_an_interim_answer_that_waits()
    {
        // Less than the interim answer, which nobody takes.
        var (transport, peer) = MemoryTransport.CreatePair(capacity: 8);
        var context = new ServerContext(new ServerOptions(), NullLogger.Instance, _metrics, TimeProvider.System);
        var connection = new HttpConnection(context, transport);
        connection.Start();
        await peer.SendAsync(Encoding.ASCII.GetBytes(
            "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nExpect: 100-continue\r\n\r\n"));
        await Eventually.IsTrueAsync(() => transport.Sends.Count == 1);
        connection.OnTick(now: 3_600_000);
        Assert.That(transport.Sends, Has.Count.EqualTo(1));
        await Eventually.IsTrueAsync(() => context.Connections.Count == 0);
    }

    private async Task<string> AskAsync(string target)
    {
        await _peer.SendAsync(EngineClient.Request("GET", target));
        var buffer = new byte[4096];
        var count = await _peer.ReceiveAsync(buffer).AsTask().WaitAsync(WireClient.Patience);
        return Encoding.UTF8.GetString(buffer, 0, count);
    }

    [GeneratedRegex("\"sid\":\"([^\"]+)\"")]
    private static partial Regex Sid();
}
