using System.Text;

namespace RawWs.Server.Events;

/// <summary>
/// One event from a client: its name, its arguments, and the ack if the client asked for one.
/// </summary>
/// <remarks>
/// It owns its bytes, so it may be kept and used after the handler has returned, from any thread.
/// </remarks>
public sealed class EventContext
{
    private readonly AckReply? _reply;
    private readonly ReadOnlyMemory<byte> _utf8Name;

    internal EventContext(
        EventSocket socket,
        ReadOnlySpan<byte> utf8Name,
        ReadOnlySpan<byte> arguments,
        ReadOnlyMemory<byte>[] attachments,
        AckReply? reply)
    {
        var owned = new byte[utf8Name.Length + arguments.Length];
        utf8Name.CopyTo(owned);
        arguments.CopyTo(owned.AsSpan(utf8Name.Length));

        Socket = socket;
        Attachments = attachments;
        Arguments = new EventArguments(
            socket.Hub.Json, owned.AsMemory(utf8Name.Length), attachments: attachments);
        _utf8Name = owned.AsMemory(0, utf8Name.Length);
        _reply = reply;
    }

    /// <summary>The client that sent it.</summary>
    public EventSocket Socket { get; }

    /// <summary>
    /// The name of the event. It comes from the client: escape it before you log or show it.
    /// </summary>
    public string Name => field ??= Encoding.UTF8.GetString(_utf8Name.Span);

    /// <summary>The arguments.</summary>
    public EventArguments Arguments { get; }

    /// <summary>The client waits for an ack.</summary>
    public bool HasAck => _reply is not null;

    internal ReadOnlyMemory<byte>[] Attachments { get; }

    internal ReadOnlySpan<byte> Utf8Name => _utf8Name.Span;

    internal AckReply? Reply => _reply;

    /// <summary>
    /// Answers the client with no value; without effect if it asked for no ack or has its answer.
    /// </summary>
    public void Ack() => _reply?.Send(EventArguments.None);

    /// <summary>
    /// Answers the client with one value; without effect if it asked for no ack or has its answer.
    /// </summary>
    public void Ack<T>(T value) => _reply?.Send(value);

    /// <summary>Answers the client with two values.</summary>
    public void Ack<T1, T2>(T1 value1, T2 value2) => _reply?.Send(Socket.Hub.Json.Encode(value1, value2));

    /// <summary>Answers the client with three values.</summary>
    public void Ack<T1, T2, T3>(T1 value1, T2 value2, T3 value3) =>
        _reply?.Send(Socket.Hub.Json.Encode(value1, value2, value3));

    /// <summary>Answers the client with arguments as they came.</summary>
    public void Ack(EventArguments arguments)
    {
        ArgumentNullException.ThrowIfNull(arguments);
        _reply?.Send(arguments.Tidy());
    }

    /// <summary>
    /// Answers the client with an error; without effect if it asked for no ack or has its answer.
    /// </summary>
    public void AckError(string code, string message = "") => _reply?.SendError(code, message);
}
