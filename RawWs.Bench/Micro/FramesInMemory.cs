using System.Net.WebSockets;
using BenchmarkDotNet.Attributes;
using RawWs.Protocol.WebSockets;

namespace RawWs.Bench.Micro;

/// <summary>Masked text messages in memory, and two who read them: ours and the framework.</summary>
/// <remarks>Both get the same bytes, in pieces of the size of their receive buffer, and are kept for all
/// messages, as on a connection. What the framework writes is dropped.</remarks>
public abstract class FramesInMemory : IDisposable
{
    /// <summary>Messages that one call of a benchmark reads; figures are per message.</summary>
    protected const int Count = 960;

    private EndlessStream _stream = null!;

    /// <summary>One frame as a client sends it.</summary>
    protected byte[] Frame { get; private set; } = [];

    /// <summary>Room for one message.</summary>
    protected byte[] Message { get; private set; } = [];

    protected MessageReader Reader { get; private set; } = null!;

    protected WebSocket Framework { get; private set; } = null!;

    /// <param name="size">Of a message.</param>
    /// <param name="frames">How many are in memory; they begin anew when they have been read.</param>
    protected void Create(int size, int frames)
    {
        byte[] payload = new byte[size];
        payload.AsSpan().Fill((byte)'a');
        Frame = new byte[FrameWriter.FrameSize(size, Role.Client)];
        FrameWriter.WriteMasked(Frame, Opcode.Text, payload, 0x3D21FA37);
        Message = new byte[size];
        _stream = new EndlessStream([.. Enumerable.Repeat(Frame, frames).SelectMany(bytes => bytes)]);
        Reader = new MessageReader(Role.Server, new MessageLimits());
        Framework = WebSocket.CreateFromStream(_stream, new WebSocketCreationOptions { IsServer = true });
    }

    /// <summary>Takes in what comes next.</summary>
    protected void Receive() => Reader.Advance(_stream.Read(Reader.GetMemory().Span));

    [GlobalCleanup]
    public void Dispose()
    {
        Dispose(isDisposing: true);
        GC.SuppressFinalize(this);
    }

    protected virtual void Dispose(bool isDisposing)
    {
        Reader.Dispose();
        Framework.Dispose();
        _stream.Dispose();
    }
}
