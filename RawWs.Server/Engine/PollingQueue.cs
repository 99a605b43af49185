using System.Buffers;
using RawWs.Protocol.EngineIO;

namespace RawWs.Server.Engine;

/// <summary>The packets that wait for a client's next poll, bounded in bytes. Its owner locks.</summary>
internal sealed class PollingQueue(int maxBytes, int highWaterBytes)
{
    private readonly List<ReadOnlyMemory<byte>> _packets = [];
    private int _bytes;

    public bool IsEmpty => _packets.Count == 0;

    public bool IsAboveHighWater => _bytes > highWaterBytes;

    /// <summary>Adds packets of a polling payload that nobody will write to again.</summary>
    /// <remarks>Something always fits while little waits, whatever its size, as in an outbox.</remarks>
    public bool TryAdd(ReadOnlyMemory<byte> packets)
    {
        if (IsAboveHighWater && packets.Length > maxBytes - _bytes)
            return false;
        Add(packets);
        return true;
    }

    /// <summary>Adds packets of our own, which are short, whatever waits.</summary>
    public void Add(ReadOnlyMemory<byte> packets)
    {
        _packets.Add(packets);
        _bytes += packets.Length + 1;
    }

    /// <summary>Takes everything, as one payload.</summary>
    public ReadOnlyMemory<byte> TakePayload()
    {
        if (_packets is [var single])
        {
            Clear();
            return single;
        }

        var payload = new ArrayBufferWriter<byte>(Math.Max(_bytes, 1));
        foreach (var packets in _packets)
        {
            if (payload.WrittenCount > 0)
                PayloadWriter.WriteSeparator(payload);
            payload.Write(packets.Span);
        }

        Clear();
        return payload.WrittenMemory;
    }

    public void Clear()
    {
        _packets.Clear();
        _bytes = 0;
    }
}
