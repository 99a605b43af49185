using System.Diagnostics.CodeAnalysis;
using System.Diagnostics.Metrics;

namespace RawWs.Server.Diagnostics;

// No tag carries a name that a client chose: each value of a tag is a time series that somebody has to store.
internal sealed partial class ServerMetrics
{
    private static readonly KeyValuePair<string, object?> s_volatile = new("kind", "volatile");
    private static readonly KeyValuePair<string, object?> s_slowConsumer = new("kind", "slow_consumer");

    // Most handlers take microseconds, and those that wait for a database or a client seconds.
    private static readonly double[] s_durations =
        [0.00001, 0.0001, 0.001, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10];

    private Counter<long> _eventsReceived;
    private Counter<long> _eventsSent;
    private Histogram<double> _handlerDuration;
    private Counter<long> _handlerFailures;
    private Counter<long> _messagesDropped;
    private Counter<long> _acksExpired;

    public void EventReceived() => _eventsReceived.Add(1);

    public void EventSent() => _eventsSent.Add(1);

    /// <returns>When it was; 0 while nobody measures.</returns>
    public long HandlerStarted(TimeProvider time) => _handlerDuration.Enabled ? time.GetTimestamp() : 0;

    public void HandlerFinished(TimeProvider time, long started)
    {
        if (started != 0)
            _handlerDuration.Record(time.GetElapsedTime(started).TotalSeconds);
    }

    public void HandlerFailed() => _handlerFailures.Add(1);

    public void MessageDropped(bool isVolatile) =>
        _messagesDropped.Add(1, isVolatile ? s_volatile : s_slowConsumer);

    public void AcksExpired(int count)
    {
        if (count > 0)
            _acksExpired.Add(count);
    }

    [MemberNotNull(
        nameof(_eventsReceived), nameof(_eventsSent), nameof(_handlerDuration), nameof(_handlerFailures),
        nameof(_messagesDropped), nameof(_acksExpired))]
    private void CreateEventInstruments(Meter meter)
    {
        _eventsReceived = meter.CreateCounter<long>(
            "rawws.events.received", "{event}", "Events that clients sent.");
        _eventsSent = meter.CreateCounter<long>(
            "rawws.events.sent", "{event}", "Events put into outboxes, counted once per receiver.");
        _handlerDuration = meter.CreateHistogram<double>(
            "rawws.handler.duration",
            "s",
            "Time from the start of an event's handler to its end.",
            advice: new InstrumentAdvice<double> { HistogramBucketBoundaries = s_durations });
        _handlerFailures = meter.CreateCounter<long>(
            "rawws.handler.failures", "{failure}", "Handlers and callbacks of the application that failed.");
        _messagesDropped = meter.CreateCounter<long>(
            "rawws.messages.dropped", "{message}", "Messages that a full outbox refused.");
        _acksExpired = meter.CreateCounter<long>(
            "rawws.acks.expired", "{ack}", "Acks that no client gave in time.");
    }
}
