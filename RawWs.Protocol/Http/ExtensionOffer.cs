namespace RawWs.Protocol.Http;

/// <summary>One extension that a client offers in Sec-WebSocket-Extensions (RFC 6455 §9.1).</summary>
/// <param name="Name">A token.</param>
/// <param name="Parameters">In the order given; a name may occur twice.</param>
public sealed record ExtensionOffer(string Name, IReadOnlyList<ExtensionParameter> Parameters);

/// <summary>One parameter of an <see cref="ExtensionOffer"/>.</summary>
/// <param name="Name">A token.</param>
/// <param name="Value">A token, unquoted if it was quoted; null if there is none.</param>
public readonly record struct ExtensionParameter(string Name, string? Value);
