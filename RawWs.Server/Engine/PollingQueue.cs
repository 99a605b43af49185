using System.Buffers;
using RawWs.Protocol.EngineIO;

namespace RawWs.Server.Engine;

/// <summary>The packets that wait for a client's next poll, bounded in bytes. Its owner locks.</summary>
internal sealed class PollingQueue(int maxBytes, int highWaterBytes)
{
    private readonly List<ReadOnlyMemory<byte>> _packets = [];
    private int _bytes;
    private bool _isCompressible;

    /// <summary>At least one event that waits is not to be compressed.</summary>
    public bool HasIncompressible { get; private set; }

    public bool IsEmpty => _packets.Count == 0;

    public bool IsAboveHighWater => _bytes > highWaterBytes;

    /// <summary>Adds packets of a polling payload that nobody will write to again.</summary>
    /// <remarks>Something always fits while little waits, whatever its size, as in an outbox.</remarks>
    public bool TryAdd(ReadOnlyMemory<byte> packets, bool isCompressible)
    {
        if (IsAboveHighWater && packets.Length > maxBytes - _bytes)
            return false;
        Add(packets);
        _isCompressible |= isCompressible;
        HasIncompressible |= !isCompressible;
        return true;
    }

    /// <summary>Adds packets of our own, which are short, whatever waits.</summary>
    public void Add(ReadOnlyMemory<byte> packets)
    {
        _packets.Add(packets);
        _bytes += packets.Length + 1;
    }

    /// <summary>Takes everything, as one payload.</summary>
    public PollAnswer TakePayload()
    {
        var isCompressible = _isCompressible;
        if (_packets is [var single])
        {
            Clear();
            return new PollAnswer(single, isCompressible);
        }

        var payload = new ArrayBufferWriter<byte>(Math.Max(_bytes, 1));
        foreach (var packets in _packets)
        {
            if (payload.WrittenCount > 0)
                PayloadWriter.WriteSeparator(payload);
            payload.Write(packets.Span);
        }

        Clear();
        return new PollAnswer(payload.WrittenMemory, isCompressible);
    }

    public void Clear()
    {
        _packets.Clear();
        _bytes = 0;
        _isCompressible = false;
        HasIncompressible = false;
    }
}

/// <summary>What a poll is answered with.</summary>
/// <param name="Payload">The packets.</param>
/// <param name="IsCompressible">At least one of them is worth compressing.</param>
internal readonly record struct PollAnswer(ReadOnlyMemory<byte> Payload, bool IsCompressible);
