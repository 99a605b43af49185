using Microsoft.Extensions.Logging;

namespace RawWs.Tests.Support;

/// <summary>A log that fails at every line, as where handles or memory run out.</summary>
internal sealed class FailingLogger : ILogger
{
    private int _lines;

    /// <summary>Lines that it was given.</summary>
    public int Lines => Volatile.Read(ref _lines);

    public IDisposable? BeginScope<TState>(TState state)
        where TState : notnull => null;

    public bool IsEnabled(LogLevel logLevel) => true;

    public void Log<TState>(
        LogLevel logLevel,
        EventId eventId,
        TState state,
        Exception? exception,
        Func<TState, Exception?, string> formatter)
    {
        Interlocked.Increment(ref _lines);
        throw new InvalidOperationException("The log fails.");
    }
}
