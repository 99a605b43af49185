namespace RawWs.Server.Events;

/// <summary>What the receivers of one broadcast answered.</summary>
/// <param name="Values">The answers, in the order in which they came.</param>
/// <param name="Missing">
/// Receivers that answered with an error, or not at all: not in time, or not before they disconnected.
/// </param>
public sealed record BroadcastAnswers<TResult>(IReadOnlyList<TResult> Values, int Missing)
{
    /// <summary>Every receiver has answered.</summary>
    public bool IsComplete => Missing == 0;
}

/// <summary>Takes the acks of one broadcast, whatever their type.</summary>
internal abstract class AckCollector
{
    /// <summary>The wait for one more receiver.</summary>
    public abstract PendingAck Expect();
}

/// <summary>Takes the acks of one broadcast and completes with the last.</summary>
internal sealed class AckCollector<TResult>(long deadline) : AckCollector
{
    private readonly Lock _gate = new();
    private readonly List<TResult> _values = [];
    private readonly TaskCompletionSource<BroadcastAnswers<TResult>> _completion =
        new(TaskCreationOptions.RunContinuationsAsynchronously);

    // One more than the receivers, until all of them are known.
    private int _open = 1;
    private int _missing;

    public Task<BroadcastAnswers<TResult>> Task => _completion.Task;

    public override PendingAck Expect()
    {
        lock (_gate)
            _open++;

        return new Wait(this) { Deadline = deadline };
    }

    /// <summary>All receivers have been asked.</summary>
    public void Complete() => Close(() => { });

    private void Close(Action record)
    {
        lock (_gate)
        {
            record();
            if (--_open > 0)
                return;
        }

        _completion.TrySetResult(new BroadcastAnswers<TResult>(_values, _missing));
    }

    private sealed class Wait(AckCollector<TResult> collector) : PendingAck
    {
        public override void Answer(
            EventJson codec, ReadOnlySpan<byte> arguments, ReadOnlyMemory<byte>[] attachments)
        {
            if (AckValue.TryRead(codec, arguments, attachments, out TResult? value, out _))
                collector.Close(() => collector._values.Add(value!));
            else
                collector.Close(() => collector._missing++);
        }

        public override void Fail(Exception reason) => collector.Close(() => collector._missing++);
    }
}
