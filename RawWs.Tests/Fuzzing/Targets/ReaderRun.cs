using System.Buffers;
using System.Text;
using RawWs.Protocol;
using RawWs.Protocol.WebSockets;
using RawWs.Protocol.WebSockets.Deflate;
using static RawWs.Tests.Fuzzing.Targets.FuzzInput;

namespace RawWs.Tests.Fuzzing.Targets;

/// <summary>Runs a reader of messages over a stream, and holds it to its bounds in calls and memory.</summary>
internal static class ReaderRun
{
    // A buffer that is received into, the one that replaces it, and what a growing message may hold besides.
    private const int MaxOverhead = 2 * 64 * 1024;

    /// <summary>Each message as <c>Opcode:hex</c>, then <c>!Error</c> if there is one.</summary>
    public static string Read(
        byte[] wire, IEnumerable<int> chunks, Role role, MessageLimits limits, MessageInflater? inflater = null)
    {
        var pool = new Ledger();
        string outcome = Read(wire, chunks, new MessageReader(role, limits, pool, inflater));
        Must(pool.RentedBytes == 0, "every buffer goes back");

        // A growing buffer is held until it is copied, and only doubles.
        Must(pool.PeakBytes <= (3 * limits.MaxMessageBytes) + MaxOverhead, "memory has a bound");
        Must(pool.PeakBytes <= (16L * wire.Length) + MaxOverhead || inflater is not null, "memory follows what came");
        Must(inflater is null || !inflater.HoldsInflater, "a disposed reader holds no inflater");
        return outcome;
    }

    public static string Verdict(string outcome) =>
        outcome.Contains('!', StringComparison.Ordinal) ? outcome[(outcome.IndexOf('!', StringComparison.Ordinal) + 1)..]
        : outcome.Contains(':', StringComparison.Ordinal) ? "read"
        : "incomplete";

    private static string Read(byte[] wire, IEnumerable<int> chunks, MessageReader reader)
    {
        using (reader)
        {
            var outcome = new StringBuilder();
            int position = 0;
            foreach (int chunk in chunks)
            {
                for (int end = position + chunk; position < end;)
                {
                    Memory<byte> memory = reader.GetMemory();
                    int count = Math.Min(memory.Length, end - position);
                    Must(count > 0, "there is always room");
                    wire.AsSpan(position, count).CopyTo(memory.Span);
                    reader.Advance(count);
                    position += count;
                    Drain(reader, outcome);
                }

                reader.ReleaseBuffer();
            }

            string error = reader.Error == ProtocolError.None ? "" : $"!{reader.Error}";
            return outcome.Append(error).ToString().TrimEnd();
        }
    }

    private static void Drain(MessageReader reader, StringBuilder outcome)
    {
        while (reader.TryRead(out ReceivedMessage message))
        {
            Must(reader.Error == ProtocolError.None, "nothing is read after an error");
            outcome.Append(message.Opcode).Append(':');
            outcome.Append(Convert.ToHexString(message.Payload.Span)).Append(' ');
        }
    }

    /// <summary>Hands out exact sizes, fills what comes back with rubbish, and keeps count.</summary>
    private sealed class Ledger : ArrayPool<byte>
    {
        private readonly HashSet<byte[]> _rented = new(ReferenceEqualityComparer.Instance);

        public long RentedBytes { get; private set; }

        public long PeakBytes { get; private set; }

        public override byte[] Rent(int minimumLength)
        {
            byte[] array = GC.AllocateUninitializedArray<byte>(minimumLength);
            _rented.Add(array);
            RentedBytes += minimumLength;
            PeakBytes = Math.Max(PeakBytes, RentedBytes);
            return array;
        }

        public override void Return(byte[] array, bool clearArray = false)
        {
            Must(_rented.Remove(array), "a buffer goes back once, to where it came from");
            RentedBytes -= array.Length;
            array.AsSpan().Fill(0xEE);
        }
    }
}
