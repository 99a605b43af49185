namespace RawWs.Bench.Load;

/// <summary>A server has done something that it must not do.</summary>
internal sealed class LoadException(string message) : Exception(message);
