using RawWs.Protocol.EngineIO;

namespace RawWs.Server.Engine;

/// <summary>A request that an Engine.IO server refused.</summary>
/// <param name="Request">The request.</param>
/// <param name="Code">Why, as the client is told.</param>
/// <param name="Message">The same in words, as the client is told.</param>
public sealed record EngineConnectionError(EngineRequest Request, EngineError Code, string Message);
