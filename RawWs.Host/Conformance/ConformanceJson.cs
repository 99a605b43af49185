using System.Text.Json;
using System.Text.Json.Serialization;

namespace RawWs.Host.Conformance;

/// <summary><c>gone</c>: a client has left; its rooms as they were while it was disconnecting.</summary>
internal sealed record Gone(string Id, string Reason, IReadOnlyList<string> Rooms);

/// <summary>The answer to <c>ask-me</c> when none came in time.</summary>
internal sealed record NoAnswer(bool Timeout);

/// <summary>The answer to <c>ask-room</c>.</summary>
internal sealed record RoomAnswers(IReadOnlyList<JsonElement> Answers, bool Timeout);

/// <summary>The answer to <c>handshake</c>.</summary>
internal sealed record HandshakeReport(
    string Address, bool Secure, string Url, IReadOnlyDictionary<string, string> Headers, JsonElement Auth);

/// <summary>Why <c>/private</c> is closed to a client.</summary>
internal sealed record RefusalDetails(int Code);

/// <summary>How the arguments become JSON, generated at compile time.</summary>
[JsonSourceGenerationOptions(PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase)]
[JsonSerializable(typeof(Gone))]
[JsonSerializable(typeof(NoAnswer))]
[JsonSerializable(typeof(RoomAnswers))]
[JsonSerializable(typeof(HandshakeReport))]
[JsonSerializable(typeof(RefusalDetails))]
internal sealed partial class ConformanceJson : JsonSerializerContext;
