using System.Buffers.Text;
using System.Diagnostics.CodeAnalysis;
using System.Globalization;
using System.Security.Cryptography;
using System.Text.Json;

namespace RawWs.Server.Events;

/// <summary>
/// What a node keeps for clients that are cut off: recent events, and the clients that may come back. Safe for any
/// thread; it calls nothing of the application's.
/// </summary>
internal sealed class Recovery(RecoveryOptions options, EventHub hub)
{
    // The objects around an event.
    private const int Overhead = 256;

    private readonly Lock _gate = new();
    private readonly Queue<KeptEvent> _events = [];
    private readonly Dictionary<string, LinkedListNode<GoneSocket>> _gone = new(StringComparer.Ordinal);
    private readonly LinkedList<GoneSocket> _byTime = [];

    // Begins every offset: that of another run of the server is none, and hardly any text of an application is. The
    // official client takes the last argument of a volatile event for an offset, too, if it is a string.
    private readonly string _mark = Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(3));
    private readonly long _maxAbsence = (long)(options.MaxDisconnection.TotalSeconds * hub.Time.TimestampFrequency);

    // An event may be lost long before the end of its connection is noticed.
    private readonly long _maxSilence = 120 * hub.Time.TimestampFrequency;
    private long _sequence;
    private long _bytes;

    public RecoveryOptions Options => options;

    /// <summary>Clients that are gone and may come back.</summary>
    public int GoneCount
    {
        get
        {
            lock (_gate)
                return _gone.Count;
        }
    }

    /// <summary>A new private id: who knows it may take a client's place.</summary>
    public static string CreateId() => Base64Url.EncodeToString(RandomNumberGenerator.GetBytes(18));

    /// <summary>Keeps an event that is about to be sent, and gives it its offset.</summary>
    public void Keep(OutboundMessage message)
    {
        // The arguments, and the frames that are made of them.
        long bytes = (2 * message.Arguments.TotalBytes) + (2 * message.Name.Length) + Overhead;
        lock (_gate)
        {
            long sequence = ++_sequence;
            message.Kept = new KeptEvent(sequence, message, bytes, hub.Time.GetTimestamp());
            message.Offset = _mark + sequence.ToString("x", CultureInfo.InvariantCulture);
            _events.Enqueue(message.Kept);
            _bytes += bytes;
            EvictEvents();
        }
    }

    /// <summary>A client is gone, and may come back.</summary>
    public void Add(EventSocket socket)
    {
        EventSocket? longestGone = null;
        lock (_gate)
        {
            if (_gone.Count >= options.MaxSessions)
            {
                longestGone = _byTime.First!.Value.Socket;
                Remove(_byTime.First);
            }

            _gone.Add(
                socket.RecoveryId!, _byTime.AddLast(new GoneSocket(socket, hub.Time.GetTimestamp())));
        }

        longestGone?.Expire();
    }

    /// <summary>Takes a client that has come back.</summary>
    /// <param name="namespaceName">Where it wants to be.</param>
    /// <param name="auth">Its credentials: a JSON object, with <c>pid</c> and <c>offset</c> if it was here before.</param>
    /// <param name="socket">Its former socket.</param>
    /// <param name="received">The sequence of the event that it has received last.</param>
    public bool TryTake(
        string namespaceName,
        ReadOnlySpan<byte> auth,
        [NotNullWhen(true)] out EventSocket? socket,
        out long received)
    {
        socket = null;
        if (!TryReadAuth(auth, out string? pid, out received))
            return false;

        lock (_gate)
        {
            if (!_gone.TryGetValue(pid, out LinkedListNode<GoneSocket>? gone)
                || gone.Value.Socket.Namespace.Name != namespaceName)
                return false;

            Remove(gone);
            socket = gone.Value.Socket;
            return true;
        }
    }

    /// <summary>Forgets what is too old.</summary>
    public void Expire()
    {
        List<EventSocket>? expired = null;
        lock (_gate)
        {
            EvictEvents();
            long oldest = hub.Time.GetTimestamp() - _maxAbsence;
            while (_byTime.First is { } first && first.Value.GoneAt <= oldest)
            {
                (expired ??= []).Add(first.Value.Socket);
                Remove(first);
            }
        }

        foreach (EventSocket socket in expired ?? [])
            socket.Expire();
    }

    private bool TryReadAuth(ReadOnlySpan<byte> auth, [NotNullWhen(true)] out string? pid, out long received)
    {
        pid = null;
        received = 0;
        if (auth.IndexOf("\"pid\""u8) < 0)
            return false;

        try
        {
            var json = new Utf8JsonReader(auth, new JsonReaderOptions { MaxDepth = 1_000 });
            json.Read();
            while (json.Read() && json.TokenType == JsonTokenType.PropertyName)
            {
                bool isPid = json.ValueTextEquals("pid"u8);
                bool isOffset = json.ValueTextEquals("offset"u8);
                json.Read();
                if (isPid && json.TokenType == JsonTokenType.String)
                    pid = json.GetString();
                else if (isOffset && !TryReadOffset(ref json, out received))
                    return false;
                json.Skip();
            }
        }
        // A string with half a character, or a depth beyond reason.
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            return false;
        }

        return pid is not null;
    }

    private bool TryReadOffset(ref Utf8JsonReader json, out long received)
    {
        received = 0;
        return json.TokenType == JsonTokenType.String
            && json.GetString() is { } offset
            && offset.StartsWith(_mark, StringComparison.Ordinal)
            && long.TryParse(
                offset.AsSpan(_mark.Length),
                NumberStyles.AllowHexSpecifier,
                CultureInfo.InvariantCulture,
                out received)
            && received >= 0;
    }

    // Under the lock.
    private void EvictEvents()
    {
        long oldest = hub.Time.GetTimestamp() - _maxAbsence - _maxSilence;
        while (_events.TryPeek(out KeptEvent? first) && (_bytes > options.MaxBytes || first.KeptAt < oldest))
        {
            _bytes -= first.Bytes;
            _events.Dequeue().Evict();
        }
    }

    // Under the lock.
    private void Remove(LinkedListNode<GoneSocket> gone)
    {
        _gone.Remove(gone.Value.Socket.RecoveryId!);
        _byTime.Remove(gone);
    }

    private readonly record struct GoneSocket(EventSocket Socket, long GoneAt);
}
