using System.Text.Json;

namespace RawWs.Server.Events;

/// <summary>An event as one handler sees it, its arguments still in the receive buffer.</summary>
/// <remarks>
/// A ref struct, so that no handler can keep it: what outlives the call is an <see cref="EventContext"/>.
/// </remarks>
internal ref struct InboundEvent(
    EventJson codec,
    ReadOnlySpan<byte> arguments,
    ReadOnlyMemory<byte>[] attachments,
    AckReply? reply,
    EventContext? context)
{
    private ArgumentReader _arguments = new(arguments);

    /// <summary>The client's wish for an ack, if it has one.</summary>
    public readonly AckReply? Reply => reply;

    /// <summary>The event with a copy of its bytes; there only for handlers that said they need it.</summary>
    public readonly EventContext Context => context!;

    /// <summary>
    /// The next argument. It is never null, unless <typeparamref name="T"/> is a nullable value type.
    /// </summary>
    /// <exception cref="BadArgumentsException">It is missing, null, or does not fit the type.</exception>
    public T Read<T>()
    {
        T? value = default;
        if (_arguments.TryRead(out ReadOnlySpan<byte> json))
        {
            try
            {
                value = codec.Decode<T>(json, attachments);
            }
            catch (JsonException e)
            {
                throw new BadArgumentsException("An argument does not fit its type.", e);
            }
        }
        else if (default(T) is not null)
        {
            throw new BadArgumentsException("An argument is missing.", null);
        }

        if (value is null && !typeof(T).IsValueType)
            throw new BadArgumentsException("An argument is missing or null.", null);

        return value!;
    }
}

/// <summary>Arguments of an event that do not fit its handler.</summary>
internal sealed class BadArgumentsException(string message, Exception? inner) : Exception(message, inner);
