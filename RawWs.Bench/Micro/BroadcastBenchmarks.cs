using System.Buffers;
using System.Text.Json;
using System.Text.Json.Serialization;
using BenchmarkDotNet.Attributes;
using RawWs.Protocol.Http;
using RawWs.Protocol.WebSockets;
using RawWs.Server;
using RawWs.Server.Events;
using RawWs.Server.Transport;

namespace RawWs.Bench.Micro;

/// <summary>
/// One event to many: encoded and framed once for each wire format, then put into the outbox of every receiver and
/// taken from there by a transport that drops it. Beside it the same event emitted to each receiver on its own.
/// </summary>
[MemoryDiagnoser]
public class BroadcastBenchmarks : IDisposable
{
    private const string Room = "quotes";
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(30);

    private readonly CountingConverter _converter = new();
    private RawWsServer _server = null!;
    private BroadcastOperator _room = null!;
    private EventSocket[] _sockets = [];
    private Quote _quote = new("");

    public enum Dialects
    {
        SocketIo,
        Envelope,

        // Half of the receivers each.
        Both,
    }

    [Params(1, 100, 1000)]
    public int Receivers { get; set; }

    [Params(Dialects.SocketIo, Dialects.Envelope, Dialects.Both)]
    public Dialects Speaking { get; set; }

    [Params(64, 16 * 1024)]
    public int Size { get; set; }

    [GlobalSetup]
    public void Setup()
    {
        var options = new ServerOptions();
        options.Events.SerializerOptions.Converters.Add(_converter);
        // It is never started: its connections are made here instead of being accepted.
        _server = new RawWsServer(options);
        _server.OnConnection(socket => socket.Join(Room));
        _room = _server.To(Room);
        _quote = new Quote(new string('x', Size));

        var clients = Enumerable.Range(0, Receivers).Select(i => new SinkTransport(Script(i))).ToArray();
        foreach (var client in clients)
            ThreadPool.UnsafeQueueUserWorkItem(new HttpConnection(_server.Engine!.Context, client), preferLocal: false);
        if (!SpinWait.SpinUntil(() => _room.FetchSockets().Count == Receivers, Patience))
            throw new InvalidOperationException("Not every client has joined.");
        _sockets = [.. _room.FetchSockets()];
        CheckSharing(clients);
    }

    [GlobalCleanup]
    public void Dispose()
    {
        foreach (var socket in _sockets)
            socket.Disconnect(close: true);
        _server.DisposeAsync().AsTask().Wait();
        GC.SuppressFinalize(this);
    }

    [Benchmark(Baseline = true)]
    public void OneByOne()
    {
        foreach (var socket in _sockets)
            socket.Emit("quote", _quote);
    }

    [Benchmark]
    public void Broadcast() => _room.Emit("quote", _quote);

    // A frame that is too large to be copied is sent from the array it was made in: one array, one frame.
    private void CheckSharing(SinkTransport[] clients)
    {
        _converter.Count = 0;
        _room.Emit("quote", new Quote(new string('x', 64 * 1024)));
        var frames = clients.Select(client => client.LastSent).Distinct().Count();
        var formats = Speaking == Dialects.Both && Receivers > 1 ? 2 : 1;
        if (_converter.Count != 1 || frames != formats)
            throw new InvalidOperationException(
                $"Encoded {_converter.Count} times and framed {frames} times for {formats} formats.");
        Console.WriteLine($"// {Receivers} receivers: encoded once, framed {frames} times for {formats} formats");
    }

    private byte[] Script(int index)
    {
        var isSocketIo = Speaking == Dialects.SocketIo || (Speaking == Dialects.Both && index % 2 == 0);
        var output = new ArrayBufferWriter<byte>();
        WebSocketUpgrade.WriteRequest(
            output, "localhost", isSocketIo ? "/socket.io/?EIO=4&transport=websocket" : "/ws", new byte[16], default);
        var join = isSocketIo ? "40"u8 : """{"event":"connect"}"""u8;
        var frame = new byte[FrameWriter.FrameSize(join.Length, Role.Client)];
        FrameWriter.WriteMasked(frame, Opcode.Text, join, 0x3D21FA37);
        output.Write(frame);
        return output.WrittenSpan.ToArray();
    }

    public sealed record Quote(string Text);

    /// <summary>Counts how often a value is put into JSON.</summary>
    private sealed class CountingConverter : JsonConverter<Quote>
    {
        public int Count { get; set; }

        public override Quote Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
            throw new NotSupportedException();

        public override void Write(Utf8JsonWriter writer, Quote value, JsonSerializerOptions options)
        {
            Count++;
            writer.WriteStringValue(value.Text);
        }
    }
}
