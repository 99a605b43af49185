using RawWs.Protocol.SocketIO;

namespace RawWs.Server.Events;

/// <summary>
/// Something that events can be emitted to: one client, a namespace, or a selection of its clients.
/// </summary>
/// <remarks>
/// Every member may be called from any thread and from inside any callback. Nothing here waits for a client:
/// an event is put into the outbox of each receiver, and a receiver whose outbox is full is disconnected.
/// </remarks>
public abstract class Emitter
{
    private protected Emitter()
    {
    }

    internal abstract EventHub Hub { get; }

    /// <summary>Emits an event without arguments.</summary>
    /// <exception cref="ArgumentException">
    /// The name is one of those that the event layer keeps for itself.
    /// </exception>
    public void Emit(string name) => Send(CheckName(name), EventArguments.None);

    /// <summary>Emits an event with one argument.</summary>
    /// <exception cref="ArgumentException">
    /// The name is reserved, the JSON is over <see cref="EventOptions.MaxEmitBytes"/>, or a number is NaN or
    /// infinite.
    /// </exception>
    /// <exception cref="NotSupportedException">The serializer options do not know the type.</exception>
    public void Emit<T>(string name, T value) => Send(CheckName(name), Hub.Json.Encode(value));

    /// <summary>Emits an event with two arguments.</summary>
    /// <inheritdoc cref="Emit{T}(string, T)"/>
    public void Emit<T1, T2>(string name, T1 value1, T2 value2) =>
        Send(CheckName(name), Hub.Json.Encode(value1, value2));

    /// <summary>Emits an event with three arguments.</summary>
    /// <inheritdoc cref="Emit{T}(string, T)"/>
    public void Emit<T1, T2, T3>(string name, T1 value1, T2 value2, T3 value3) =>
        Send(CheckName(name), Hub.Json.Encode(value1, value2, value3));

    /// <summary>Emits an event with four arguments.</summary>
    /// <inheritdoc cref="Emit{T}(string, T)"/>
    public void Emit<T1, T2, T3, T4>(string name, T1 value1, T2 value2, T3 value3, T4 value4) =>
        Send(CheckName(name), Hub.Json.Encode(value1, value2, value3, value4));

    /// <summary>Emits an event with five arguments.</summary>
    /// <inheritdoc cref="Emit{T}(string, T)"/>
    public void Emit<T1, T2, T3, T4, T5>(
        string name, T1 value1, T2 value2, T3 value3, T4 value4, T5 value5) =>
        Send(CheckName(name), Hub.Json.Encode(value1, value2, value3, value4, value5));

    /// <summary>Emits an event with arguments that came in, as they are.</summary>
    /// <exception cref="ArgumentException">The name is reserved.</exception>
    public void Emit(string name, EventArguments arguments)
    {
        ArgumentNullException.ThrowIfNull(arguments);
        Send(CheckName(name), arguments.Tidy());
    }

    /// <summary>Emits an event whose arguments are JSON already.</summary>
    /// <param name="name">The name of the event.</param>
    /// <param name="jsonValues">
    /// UTF-8 JSON values with commas between them; empty for none. Checked and copied.
    /// </param>
    /// <exception cref="ArgumentException">
    /// The name is reserved, or the values are not JSON or are too large.
    /// </exception>
    public void EmitRaw(string name, ReadOnlySpan<byte> jsonValues) =>
        Send(CheckName(name), Hub.Json.Parse(jsonValues));

    internal abstract void Send(string name, EventArguments arguments);

    private protected static string CheckName(string name)
    {
        ArgumentNullException.ThrowIfNull(name);

        // The official client cuts the connection when a server emits one of these.
        if (ReservedNames.Contains(name))
            throw new ArgumentException($"\"{name}\" is reserved for the event layer itself.", nameof(name));

        return name;
    }
}
