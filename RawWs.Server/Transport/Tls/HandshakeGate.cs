using System.Diagnostics.CodeAnalysis;
using RawWs.Server.Diagnostics;

namespace RawWs.Server.Transport.Tls;

/// <summary>The TLS handshakes of a server that are under way: bounded in number, and in how many are computed at a time.</summary>
/// <remarks>
/// A handshake costs a thousand times what a message costs. It is computed on the thread pool, never on an event
/// loop, and waits for its turn; while it waits for the peer it has no turn, so that no peer can take one away by
/// being slow. A crowd of slow peers does not keep others out either: at the bound the one that has kept the server
/// waiting the longest makes room, if that is long enough: what has just been computed must not be thrown away.
/// </remarks>
[SuppressMessage("Reliability", "CA1001", Justification = "Its semaphore has no handle, and late handshakes use it.")]
internal sealed class HandshakeGate(int maxHandshakes, int threads, ServerMetrics metrics, TimeProvider timeProvider)
{
    // More than a round trip to anywhere takes.
    private static readonly TimeSpan s_patience = TimeSpan.FromSeconds(1);

    private readonly Lock _lock = new();

    // Those that wait for their peer, the longest first.
    private readonly LinkedList<Handshake> _waiting = [];

    private readonly SemaphoreSlim _turns = new(threads);
    private int _count;

    /// <summary>Handshakes that are under way.</summary>
    public int Count => Volatile.Read(ref _count);

    /// <summary>Starts a handshake, at the cost of another if need be; it has no turn yet.</summary>
    /// <exception cref="IOException">There are as many as there may be, and none has kept the server waiting.</exception>
    public Handshake Enter(ByteTransport transport)
    {
        Handshake? longest;
        lock (_lock)
        {
            if (_count < maxHandshakes)
            {
                _count++;
                return new Handshake(this, transport);
            }

            longest = _waiting.First?.Value;
            if (longest is not null && timeProvider.GetElapsedTime(longest.WaitsSince) < s_patience)
                longest = null;
            if (longest is not null)
                // Its place is the new one's.
                Shed(longest);
        }

        metrics.Failed("tls-shed");
        if (longest is null)
            throw new IOException("Too many TLS handshakes are under way.");
        longest.Transport.Close();
        return new Handshake(this, transport);
    }

    private long Timestamp() => timeProvider.GetTimestamp();

    // Under the lock.
    private void Shed(Handshake handshake)
    {
        _waiting.Remove(handshake.Node);
        handshake.HasLeft = true;
    }

    /// <summary>One handshake that is under way, until it is disposed of.</summary>
    internal sealed class Handshake : IDisposable
    {
        private readonly HandshakeGate _gate;
        private bool _hasTurn;

        public Handshake(HandshakeGate gate, ByteTransport transport)
        {
            _gate = gate;
            Transport = transport;
            Node = new LinkedListNode<Handshake>(this);
        }

        public ByteTransport Transport { get; }

        public LinkedListNode<Handshake> Node { get; }

        /// <summary>When it began to wait for its peer.</summary>
        public long WaitsSince { get; private set; }

        /// <summary>Whether its place is free, or another's.</summary>
        public bool HasLeft { get; set; }

        /// <summary>Gives the turn back: the peer has to say something first.</summary>
        public void BeginWait()
        {
            EndTurn();
            WaitsSince = _gate.Timestamp();
            lock (_gate._lock)
            {
                if (!HasLeft)
                    _gate._waiting.AddLast(Node);
            }
        }

        /// <summary>The peer has said something.</summary>
        public void EndWait()
        {
            lock (_gate._lock)
            {
                if (Node.List is not null)
                    _gate._waiting.Remove(Node);
            }
        }

        /// <summary>Waits for the turn to compute; the caller goes on on a thread of the pool.</summary>
        public async Task BeginTurnAsync()
        {
            await _gate._turns.WaitAsync().ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
            _hasTurn = true;
        }

        public void Dispose()
        {
            EndTurn();
            lock (_gate._lock)
            {
                if (Node.List is not null)
                    _gate._waiting.Remove(Node);
                if (!HasLeft)
                    _gate._count--;
                HasLeft = true;
            }
        }

        private void EndTurn()
        {
            if (_hasTurn)
                _gate._turns.Release();
            _hasTurn = false;
        }
    }
}
