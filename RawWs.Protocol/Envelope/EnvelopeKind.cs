namespace RawWs.Protocol.Envelope;

/// <summary>What an envelope is.</summary>
public enum EnvelopeKind : byte
{
    /// <summary>An event: <c>{"event":…}</c>.</summary>
    Event,

    /// <summary>The answer to an event that asked for one: <c>{"ack":n}</c>.</summary>
    Ack,

    /// <summary>The refusal of an event that asked for an answer: <c>{"ack":n,"error":{…}}</c>.</summary>
    AckError,
}
