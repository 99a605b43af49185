using System.Net.WebSockets;
using BenchmarkDotNet.Attributes;
using RawWs.Protocol.WebSockets;

namespace RawWs.Bench.Micro;

/// <summary>Receiving masked text messages, from bytes in memory to checked payloads.</summary>
/// <remarks>Both readers get the same bytes, in pieces of the size of their receive buffer, and are kept for
/// all messages, as on a connection. The figures are per message.</remarks>
[MemoryDiagnoser]
public class ReaderBenchmarks : IDisposable
{
    private const int Count = 960;

    private byte[] _wire = [];
    private byte[] _message = [];
    private MessageReader _reader = null!;
    private EndlessStream _stream = null!;
    private WebSocket _framework = null!;

    [Params(16, 64, 1024, 16 * 1024, 1024 * 1024)]
    public int Size { get; set; }

    [GlobalSetup]
    public void Setup()
    {
        byte[] payload = new byte[Size];
        payload.AsSpan().Fill((byte)'a');
        byte[] frame = new byte[FrameWriter.FrameSize(Size, Role.Client)];
        FrameWriter.WriteMasked(frame, Opcode.Text, payload, 0x3D21FA37);
        _wire = [.. Enumerable.Repeat(frame, Size > 16 * 1024 ? 4 : Count).SelectMany(bytes => bytes)];
        _message = new byte[Size];
        _reader = new MessageReader(Role.Server, new MessageLimits());
        _stream = new EndlessStream(_wire);
        _framework = WebSocket.CreateFromStream(_stream, new WebSocketCreationOptions { IsServer = true });
    }

    [GlobalCleanup]
    public void Dispose()
    {
        _reader.Dispose();
        _framework.Dispose();
        _stream.Dispose();
        GC.SuppressFinalize(this);
    }

    [Benchmark(Baseline = true, OperationsPerInvoke = Count)]
    public async Task<long> Framework()
    {
        long sum = 0;
        for (int i = 0; i < Count; i++)
        {
            ValueWebSocketReceiveResult result;
            do
            {
                result = await _framework.ReceiveAsync(_message.AsMemory(), CancellationToken.None);
                sum += result.Count;
            }
            while (!result.EndOfMessage);
        }

        return sum;
    }

    [Benchmark(OperationsPerInvoke = Count)]
    public long RawWs()
    {
        long sum = 0;
        for (int i = 0; i < Count;)
        {
            while (i < Count && _reader.TryRead(out ReceivedMessage message))
            {
                sum += message.Payload.Length;
                i++;
            }

            if (i < Count)
            {
                _reader.Advance(_stream.Read(_reader.GetMemory().Span));
            }
        }

        return sum;
    }

    /// <summary>The same bytes over and over; what is written is dropped.</summary>
    private sealed class EndlessStream(byte[] bytes) : NullStream
    {
        private int _position;

        public override int Read(Span<byte> buffer)
        {
            int count = Math.Min(buffer.Length, bytes.Length - _position);
            bytes.AsSpan(_position, count).CopyTo(buffer);
            _position = _position + count == bytes.Length ? 0 : _position + count;
            return count;
        }

        public override ValueTask<int> ReadAsync(
            Memory<byte> buffer, CancellationToken cancellationToken = default) =>
            new(Read(buffer.Span));
    }
}
